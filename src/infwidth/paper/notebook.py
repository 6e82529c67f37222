"""Executing a jupytext script: a notebook with its outputs.

Whatever Jupyter, IPython and matplotlib find in the user's home, outputs are the same.
"""

import base64
import os
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import matplotlib as mpl
from nbclient import NotebookClient
from nbformat import NotebookNode, writes

from infwidth.drawing.palette import reduced


def run(source: Path, folder: Path, *, theory: bool) -> None:
    """Run the analysis in a paper folder; write analysis.ipynb there.

    Args:
        source: the jupytext script.
        folder: the paper folder.
        theory: whether the checks of the theory are in the folder.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed; the message has its traceback.
    """
    leave_out = () if theory else ("theory",)
    notebook = executed(source.read_text(encoding="utf-8"), folder, leave_out)
    (folder / "analysis.ipynb").write_text(notebook, encoding="utf-8")


def executed(script: str, folder: Path, leave_out: Collection[str] = ()) -> str:
    """The notebook of a jupytext percent script, run in a folder, as JSON text.

    Args:
        script: the script.
        folder: the paper folder.
        leave_out: cells that bear one of these tags are left out.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed; the message has its traceback.
    """
    notebook = jupytext.reads(script, fmt="py:percent")
    notebook.cells = [
        cell for cell in notebook.cells if not {*cell.metadata.get("tags", [])} & {*leave_out}
    ]
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
    )
    # Left without folders to look in, it takes this interpreter, and no other kernel of that name.
    client.create_kernel_manager().kernel_spec_manager.kernel_dirs = []
    with TemporaryDirectory(prefix="ipython-") as profiles:
        client.execute(env=_environment(profiles))
    return _settled(notebook)


def _environment(profiles: str) -> dict[str, str]:
    """The kernel's: IPython's profiles are in an empty folder, matplotlib's settings its own."""
    left_out = ("PYTHONSTARTUP", "MPLBACKEND")
    kept = {key: value for key, value in os.environ.items() if key not in left_out}
    return kept | {
        "IPYTHONDIR": profiles,
        "MATPLOTLIBRC": str(Path(mpl.get_data_path(), "matplotlibrc")),
    }


def _settled(notebook: NotebookNode) -> str:
    """JSON without what changes from run to run: cell ids, the patch version, transient data.

    Pictures are brought to a palette: those of a notebook are most of its size.
    """
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index:02d}"
        for output in cell.get("outputs", []):
            shown = output.get("data", {})
            if "image/png" in shown:
                picture = reduced(base64.b64decode(shown["image/png"]))
                shown["image/png"] = base64.b64encode(picture).decode("ascii")
    notebook.metadata.pop("jupytext", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    text: str = writes(notebook)  # type: ignore[no-untyped-call]
    return text + "\n"
