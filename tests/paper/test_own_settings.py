"""Nothing that a user has set up for work of their own reaches a figure, a number or a page."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl
import pytest
from fontTools.ttLib import TTFont
from synthetic import Plan, write

SUPPORT = Path(__file__).parents[1] / "support"
PLAN = Plan(("SP", "µP"), widths=(32, 64, 128), seeds=2, layers=1, steps=(0, 4), samples=4)
# What would be seen in what is made, were it heeded.
SETTINGS = {
    "mpl/matplotlibrc": "text.usetex: True\nfont.weight: bold\nsavefig.facecolor: red\n"
    "savefig.dpi: 30\npath.simplify_threshold: 1\ntext.hinting: none\nlines.antialiased: False\n",
    "startup.py": "import builtins\nbuiltins.sum = None\n",
    "ipython/profile_default/startup/00.py": "get_ipython().display_formatter.formatters"
    "['text/markdown'].enabled = False\n",
    "ipython/profile_default/ipython_kernel_config.py": "c = get_config()\n"
    "c.InteractiveShell.ast_node_interactivity = 'all'\n",
    "jupyter/kernels/python3/kernel.json": json.dumps(
        {"argv": ["false"], "display_name": "mine", "language": "python"}
    ),
    "config/jupyter_config.json": json.dumps(
        {"NotebookClient": {"timeout": 0, "kernel_name": "mine"}}
    ),
    "jupytext.toml": 'formats = "md"\ncell_markers = "region,endregion"\n',
}
THREADS = {f"{name}_NUM_THREADS": "3" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}


def hostile(home: Path) -> dict[str, str]:
    """An environment whose every setting would change something; its files lie in `home`."""
    for name, text in SETTINGS.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    fonts = home / "share/fonts"
    fonts.mkdir(parents=True)
    font = TTFont(Path(mpl.get_data_path(), "fonts/ttf/DejaVuSans-Bold.ttf"))
    for record in font["name"].names:
        if record.nameID in (1, 4, 6):
            record.string = "STIXGeneral"
    font.save(fonts / "STIXGeneral.ttf")
    return THREADS | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "share"),
        "MPLCONFIGDIR": str(home / "mpl"),
        "MPLBACKEND": "TkAgg",
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_PATH": str(home / "jupyter"),
        "PYTHONSTARTUP": str(home / "startup.py"),
        "PYTHONHASHSEED": "7",
        "SOURCE_DATE_EPOCH": "1",
    }


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def made(folder: Path, environment: dict[str, str]) -> "subprocess.Popen[str]":
    """The making of all that is made in a folder, in another process, which has begun."""
    return subprocess.Popen(
        [sys.executable, "-m", "making", str(folder)],
        cwd=SUPPORT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(processes: Iterable["subprocess.Popen[str]"]) -> None:
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors


@pytest.mark.parametrize("kind", [".csv", ".md", ".tex", ".pdf", ".png", ".ipynb", ".html"])
def test_what_is_made_is_the_same(both: tuple[Path, Path], kind: str) -> None:
    clean, own = map(files, both)
    names = [name for name in clean if name.endswith(kind)]
    assert names
    assert [name for name in names if clean[name] != own.get(name)] == []


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same measurements and what was made of them, in an empty home and with settings."""
    root = tmp_path_factory.mktemp("own_settings")
    clean, own = root / "empty/here/run", root / "home/here/run"
    write(own, PLAN)
    (own / "figures").mkdir()
    shutil.copytree(own, clean)
    settings = hostile(root / "home")
    kept = {key: value for key, value in os.environ.items() if key not in settings}
    empty = {"HOME": str(root / "empty"), "PYTHONHASHSEED": "0"}
    ended([made(clean, kept | empty), made(own, kept | settings)])
    return clean, own
