"""Nothing of a kind was measured: everything is made all the same, and says so."""

import ast
import io
import json
import math
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jupytext
import pandas as pd
import pytest
from making import SCRIPT, judge, show
from page_folder import data_of, parsed
from synthetic import Plan, write

from infwidth.drawing import style
from infwidth.measures import reading as measurements
from infwidth.paper.figures import FIGURES

# Widths at which an exponent is fitted, so that each column matters to something.
PLAN = Plan(("µP", "mine"), widths=(32, 64, 128, 256), seeds=2, layers=1, steps=(0, 5), samples=4)
METRICS = (
    "feature_change",
    "gram_min_eig",
    "gram_mean_eig",
    "gram_max_eig",
    "spacetime_min_eig",
    "spacetime_max_eig",
    "resolution",
    "spacetime_resolution",
)
SHOWN = ("feature_change", "gram_min_eig", "spacetime_min_eig")
PARTS = ("train", "test")
RUNS = ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "weight_change")
EMPTY: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **{name: ("metrics", (name,)) for name in METRICS},
    **{f"{part} curves": ("runs", (f"{part}_loss", f"{part}_accuracy")) for part in PARTS},
    "every width below 2N": ("metrics", tuple(name for name in METRICS if "space" in name)),
    "every metric": ("metrics", METRICS),
    "every curve": ("runs", RUNS),
    "every eigenvalue": ("spectra", ("eigenvalue", "eigenvalue_low", "eigenvalue_high")),
}
# Column of Table 1 -> any of these columns of metrics.csv, without which nothing can be said of it.
NEEDED = {
    "feature_variation": {"feature_change"},
    "feature_diversity": {"gram_mean_eig"},
    "space_time": {"spacetime_min_eig"},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which nothing is missing, with one figure for all in the report and the page."""
    folder = write(tmp_path_factory.mktemp("empty") / "invented", PLAN)
    (folder / "figures").mkdir()
    figure = FIGURES["losses"](measurements.read(folder))
    for name in FIGURES:
        style.save(figure, folder / "figures" / name)
    return folder


def run_notebook(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the notebook's cells in this process, without the theory's; return what they define."""
    monkeypatch.chdir(folder)
    defined: dict[str, Any] = {}
    for cell in jupytext.reads(SCRIPT.read_text(encoding="utf-8"), fmt="py:percent").cells:
        if cell.cell_type == "code" and "theory" not in cell.metadata.get("tags", []):
            lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
            exec(compile(ast.parse("\n".join(lines)), str(SCRIPT), "exec"), defined)
    return defined


def numbers_in(value: object) -> list[float]:
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers_in(part)]
    if isinstance(value, list):
        return [number for part in value for number in numbers_in(part)]
    return [value] if isinstance(value, float) else []


@pytest.mark.parametrize("name", EMPTY)
def test_all_is_made_where_a_column_is_empty(
    name: str, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, empty = EMPTY[name]
    folder = Path(shutil.copytree(whole, tmp_path / "invented"))
    table = pd.read_csv(folder / f"{file}.csv")
    table[list(empty)] = math.nan
    table.to_csv(folder / f"{file}.csv", index=False)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judge(folder)
        measured = measurements.read(folder)
        for draw in FIGURES.values():
            draw(measured).savefig(io.BytesIO(), dpi=20)
        run_notebook(folder, monkeypatch)
        show(folder)

    judged = pd.read_csv(folder / "table1_layers.csv").groupby("column")["measured"]
    open_cells = judged.agg(lambda measured: set(measured) == {"undetermined"})
    assert {column for column, is_open in open_cells.items() if is_open} >= {
        column for column, needed in NEEDED.items() if needed & set(empty)
    }
    html = (folder / "index.html").read_text(encoding="utf-8")
    data = data_of(parsed(html))
    assert all(map(math.isfinite, numbers_in(json.loads(json.dumps(data)))))
    drawn = {curve["metric"] for curve in data["series"]}
    # A least eigenvalue without a value is drawn at its resolution, under which it is taken to be,
    # and a ratio without one at 1.
    lost = {name for name in empty if len(empty) > 1 or name == "feature_change"}
    # What was at step 0 has to be known for its retention.
    lost |= {"retention"} if {"gram_min_eig", "gram_mean_eig"} & set(empty) else set()
    assert drawn == {*SHOWN, "gram_ratio", "retention"} - lost
    assert "nan" not in (folder / "table1.md").read_text(encoding="utf-8").lower()
