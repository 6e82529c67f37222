"""Readings of the same claims side by side: the theorem's setting, and a practitioner's.

All of it is derived from tables in `paper/`: a cell, what it was judged by, and when it said so.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from infwidth import numbers
from infwidth.measures.losses import ENDS, final
from infwidth.measures.metrics import SHOWN
from infwidth.measures.reading import read_table
from infwidth.paper import practice, tables
from infwidth.paper.trained import trained

MARKS = {"agrees": "✓", "disagrees": "✗", "no claim": ""}
# What stands in a row of its own for each scheme, beside the cells of Table 1.
BESIDE = ("test_accuracy",)
# The column whose verdicts are told through time.
IN_TIME = "feature_diversity"
Key = tuple[str, str]


@dataclass(frozen=True)
class Run:
    """A committed experiment: its name, configuration and tables."""

    name: str
    config: Mapping[str, Any]
    table: pd.DataFrame
    runs: pd.DataFrame
    steps: pd.DataFrame

    @classmethod
    def read(cls, root: Path, name: str) -> "Run":
        """From a folder of paper/.

        Raises:
            FileNotFoundError: a file of it is missing.
        """
        folder = root / "paper" / name
        provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
        table, (runs, steps) = (
            tables.read(folder / "table1.csv"),
            (read_table(folder / f"{each}.csv") for each in ("runs", "table1_steps")),
        )
        return cls(name, provenance["config"], table, runs, steps)

    @property
    def cells(self) -> dict[Key, "pd.Series[Any]"]:
        """(scheme, column) -> row of table1.csv."""
        return {(row["scheme"], row["column"]): row for _, row in self.table.iterrows()}


def readings(root: Path, *experiments: str) -> str:
    """Table 1 of several experiments line by line, and in sentences where they differ.

    Args:
        root: the repository.
        experiments: folders of paper/; one that is not there is left out.
    """
    there = [name for name in experiments if (root / "paper" / name).is_dir()]
    runs = [Run.read(root, name) for name in there]
    keys = dict.fromkeys(key for run in runs for key in run.cells)
    heads = ["", "claimed", *(f"`{run.name}`" for run in runs)]
    rows = [heads, ["---"] * len(heads), *_settings(runs)]
    rows += [[_named(key), _claim(key, runs), *(_cell(key, run) for run in runs)] for key in keys]
    rows += list(_beside(runs))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", *(f"- {told}." for told in differences(runs, keys))])


def differences(runs: Iterable[Run], keys: Iterable[Key]) -> Iterator[str]:
    """Cells whose verdicts are not the same in all runs, and verdicts that time changes."""
    runs = list(runs)
    counted = 0
    for key in keys:
        said: dict[str, list[str]] = {}
        for run in runs:
            if key in run.cells:
                said.setdefault(str(run.cells[key]["measured"]), []).append(f"`{run.name}`")
        if len(said) > 1:
            counted += 1
            yield f"*{_named(key)}* differs: " + "; ".join(
                f"{word} in {', '.join(names)}" for word, names in said.items()
            )
    if not counted:
        yield "No verdict differs"
    for scheme in dict.fromkeys(scheme for run in runs for scheme in run.steps["scheme"]):
        when = {run.name: _when(run, scheme) for run in runs}
        if any("," in told for told in when.values()):
            title = SHOWN[IN_TIME].title.lower()
            told = "; ".join(f"`{name}`: {told}" for name, told in when.items() if told)
            yield f"*{scheme}, {title}* is a matter of time: {told}"


def _when(run: Run, scheme: str) -> str:
    """The verdicts in the order of the steps; empty where there are none."""
    own = run.steps[(run.steps["scheme"] == scheme) & (run.steps["column"] == IN_TIME)]
    return practice.when(own) if len(own) else ""


def _settings(runs: Iterable[Run]) -> Iterator[list[str]]:
    how = [(run, trained(run.config)) for run in runs]
    yield ["data", "", *(each.inputs for _, each in how)]
    yield ["training", "", *(f"{each.length} of {each.method}" for _, each in how)]
    yield ["largest width", "", *(str(max(run.config["widths"])) for run, _ in how)]
    yield ["test images", "", *(str(run.config["test_samples"]) for run, _ in how)]


def _named(key: Key) -> str:
    return f"{key[0]}, {SHOWN[key[1]].title.lower()}"


def _claim(key: Key, runs: Iterable[Run]) -> str:
    return next((str(run.cells[key]["paper"]) for run in runs if key in run.cells), "")


def _cell(key: Key, run: Run) -> str:
    """The verdict, the value that decided it, and its power of the width."""
    if key not in run.cells:
        return numbers.NOTHING
    cell = tables.cell(run.cells[key])
    told = f"{MARKS[cell.agreement]} **{cell.measured}**<br>{numbers.with_interval(*cell.judging)}"
    exponent = cell.local or cell.exponent
    if math.isfinite(exponent.value):
        power, interval = numbers.exponent(*exponent)
        local = ", locally" if cell.local else ""
        told += f"<br>∝ n<sup>{power}</sup> {interval}{local}"
    return told.strip()


def _beside(runs: Iterable[Run]) -> Iterator[list[str]]:
    for quantity in BESIDE:
        found = [final(run.runs, quantity) for run in runs]
        for scheme in dict.fromkeys(name for each in found for name in each):
            values = (
                numbers.with_interval(*each[scheme]) if scheme in each else numbers.NOTHING
                for each in found
            )
            yield [f"{scheme}, {ENDS[quantity]}", "", *values]
