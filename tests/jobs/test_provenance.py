"""Digests change with what can change a number, and with nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infwidth.files.checksums import sha256_of
from infwidth.jobs import code_digest as module
from infwidth.jobs import provenance as recording
from infwidth.jobs.code_digest import code_digest, content_digest
from infwidth.jobs.provenance import (
    MEASURED,
    checksums,
    config_digest,
    figures_digest,
    provenance,
)

NETWORK = '''"""A network."""

from library.layers import dense
from library.losses import mse


def train(rate: float = 0.5) -> float:
    """Train it."""
    return rate * mse(dense.width())
'''
FILES = {
    "__init__.py": "",
    "network.py": NETWORK,
    "losses.py": "import math\n\n\ndef mse(x: float) -> float:\n    return math.sqrt(x)\n",
    "layers/__init__.py": "",
    "layers/dense.py": "import library.units\n\n\ndef width() -> int:\n    return 64\n",
    "units.py": "from library import network\n\nONE = 1\n",  # a circle
    "figures.py": "COLOUR = 'blue'\n",
}


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library in which `network` imports all but `figures`."""
    root = tmp_path / "library"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(module, "PACKAGE", root)
    return root


def fresh_digest(*modules: str) -> str:
    """As the next start of Snakemake would take it: nothing is remembered of the files."""
    for remembered in (module._tree, module._imports, module._bare):
        remembered.cache_clear()
    return code_digest(*modules)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("network.py", "rate * mse", "rate + mse"),
        ("network.py", "= 0.5", "= 0.25"),
        ("network.py", "def train", "@mse\ndef train"),
        ("losses.py", "sqrt", "exp"),
        ("layers/dense.py", "64", "65"),
        ("layers/__init__.py", "", "LAYERS = 3\n"),
        ("units.py", "ONE = 1", 'ONE = "1"'),
    ],
)
def test_code_counts_wherever_it_is_imported(library: Path, file: str, old: str, new: str) -> None:
    before = fresh_digest("network")
    edit(library / file, old, new)
    assert fresh_digest("network") != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("network.py", '"""A network."""', '"""A network\nof neurons."""'),
        ("network.py", '"""Train it."""', '"""Train it for long."""'),
        ("network.py", '    """Train it."""\n', ""),
        ("network.py", "    return", "\n    # Why it is so.\n    return"),
        ("network.py", "rate * mse(dense.width())", "rate * (\n        mse(dense.width(),)\n    )"),
        ("figures.py", "blue", "red"),
    ],
)
def test_words_layout_and_other_modules_do_not_count(
    library: Path, file: str, old: str, new: str
) -> None:
    before = fresh_digest("network")
    edit(library / file, old, new)
    assert fresh_digest("network") == before


def test_digest_is_the_same_in_another_folder(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fresh_digest("network")
    elsewhere = library.parent / "elsewhere/library"
    shutil.copytree(library, elsewhere)
    monkeypatch.setattr(module, "PACKAGE", elsewhere)
    assert fresh_digest("network") == before


def test_digest_does_not_depend_on_the_order_of_modules(library: Path) -> None:
    assert fresh_digest("figures", "network") == fresh_digest("network", "figures")
    assert fresh_digest("figures", "network") != fresh_digest("network")


@pytest.mark.parametrize("name", ["netwrok", "layers.lazy"])
def test_unknown_module(library: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=rf"infwidth\.{name}: no such module"):
        fresh_digest(name)


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def test_content_counts_with_its_names_and_wherever_it_lies(tmp_path: Path) -> None:
    patterns = ("report/*.typ", "page.css")
    one, other = tmp_path / "one", tmp_path / "other"
    (one / "report").mkdir(parents=True)
    for name in ("report/a.typ", "report/b.rst", "page.css"):
        (one / name).write_text(name, encoding="utf-8")
    before = content_digest(one, *patterns)
    shutil.copytree(one, other)
    (other / "report/b.rst").write_text("not asked for", encoding="utf-8")
    assert content_digest(other, *patterns) == before
    (other / "page.css").write_text("red", encoding="utf-8")
    assert content_digest(other, *patterns) != before
    (one / "report/a.typ").rename(one / "report/c.typ")
    assert content_digest(one, *patterns) != before
    (one / "report/c.typ").unlink()
    with pytest.raises(FileNotFoundError, match="report"):
        content_digest(one, *patterns)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., dict[str, object]]:
    """Provenance of an experiment with one job per benchmark given."""
    dataset = save(tmp_path / "dataset.npz", name="*µ*", sha256="1" * 64)
    curves = [
        save(tmp_path / f"{name}.npz", device=np.array(device))
        for name, device in (("a", "x86_64 CPU"), ("b", "x86_64 CPU"), ("c", "NVIDIA H100"))
    ]

    def write(
        config: dict[str, object],
        folder: Path | None = None,
        theory: tuple[str, ...] = (),
        **jobs: dict[str, str],
    ) -> dict[str, object]:
        benchmarks: dict[str, list[Path]] = {"retrieve": [tmp_path / "never_ran.tsv"]}
        for rule, rows in jobs.items():
            benchmarks[rule] = [tmp_path / rule / f"{job}.tsv" for job in rows]
            for path, row in zip(benchmarks[rule], rows.values(), strict=True):
                path.parent.mkdir(exist_ok=True)
                path.write_text(f"s\th:m:s\tmax_rss\tmax_vms\n{row}\n", encoding="utf-8")
        return provenance(config, "c0de", dataset, curves, benchmarks, folder, theory)

    return write


def test_costs_of_jobs_with_and_without_samples(
    written: Callable[..., dict[str, object]],
) -> None:
    content = written(
        {"experiment": "digits"},
        train={"SP_64": "4.5\t0:00:04\t551.07\t900", "µP_64": "5\t0:00:05\t552.5\t900"},
        spectra={"spectra": "0.1\t0:00:00\t-\t-"},
        scaling={"scaling": "0.2\t0:00:00\tNA\tNA"},
    )
    assert content["rules"] == [
        {"rule": "train", "job": "SP_64", "seconds": 4.5, "max_rss_mb": 551.07},
        {"rule": "train", "job": "µP_64", "seconds": 5.0, "max_rss_mb": 552.5},
        {"rule": "spectra", "job": "", "seconds": 0.1, "max_rss_mb": None},
        {"rule": "scaling", "job": "", "seconds": 0.2, "max_rss_mb": None},
    ]


def test_versions_are_those_of_the_environment_and_what_it_lacks_is_left_out(
    written: Callable[..., dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "PACKAGES", ("numpy", "a-package-that-is-not-there"))
    assert written({"experiment": "digits"})["packages"] == {"numpy": np.__version__}


def test_data_are_those_that_were_prepared(written: Callable[..., dict[str, object]]) -> None:
    assert written({"experiment": "digits"})["data"] == {"name": "*µ*", "sha256": "1" * 64}


def test_devices_are_named_once(written: Callable[..., dict[str, object]]) -> None:
    assert written({"experiment": "digits"})["device"] == ["NVIDIA H100", "x86_64 CPU"]


def test_config_digest_is_of_its_content(written: Callable[..., dict[str, object]]) -> None:
    digests = [
        written(config)["config_sha256"]
        for config in (
            {"experiment": "digits", "schemes": {"µP": [1, 2]}},
            {"schemes": {"µP": [1, 2]}, "experiment": "digits"},
            {"experiment": "digits", "schemes": {"µP": [2, 1]}},
        )
    ]
    assert digests[0] == digests[1] != digests[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A paper folder with each kind of table."""
    root = tmp_path / "paper"
    names = (*MEASURED, "scaling.csv", "table1.csv")
    for name in (*names, "theory/rest.csv", "theory/limits.csv", "theory/findings.csv"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"scheme,value\nSP,{len(name)}\n", encoding="utf-8")
    return root


def test_measurements_are_fingerprinted_and_what_is_made_of_them_is_not(
    written: Callable[..., dict[str, object]], folder: Path
) -> None:
    files = written({"experiment": "digits"}, folder)["files"]
    assert files == {name: sha256_of(folder / name) for name in MEASURED}
    checked = written({"experiment": "digits"}, folder, theory=("rest",))["files"]
    assert isinstance(checked, dict)
    assert list(checked) == [*MEASURED, "theory/rest.csv"]
    assert written({"experiment": "digits"})["files"] == {}


def test_a_missing_measurement_is_an_error(folder: Path) -> None:
    (folder / "diverged.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"diverged\.csv"):
        checksums(folder, MEASURED)


CONFIG: dict[str, object] = {
    "widths": [64, 128],
    "fit_width_ratio": 2.0,
    "data_root": "data",
    "small_change": 0.5,
    "theory": {"steps": 200},
}


@pytest.mark.parametrize(
    ("key", "value", "figures", "theory"),
    [
        ("widths", [64], True, True),
        ("fit_width_ratio", 3.0, True, True),
        ("data_root", "elsewhere", False, False),
        ("small_change", 0.3, False, True),
        ("theory", False, False, True),
        ("theory", {"steps": 100}, False, True),
    ],
)
def test_figures_are_told_by_what_changes_them(
    key: str, value: object, figures: bool, theory: bool
) -> None:
    changed = CONFIG | {key: value}
    assert config_digest(changed) != config_digest(CONFIG)
    assert config_digest(changed, {key}) == config_digest(CONFIG, {key})
    assert (figures_digest(changed) != figures_digest(CONFIG)) is figures
    assert (figures_digest(changed, theory=True) != figures_digest(CONFIG, theory=True)) is theory
