"""What a practitioner reads off a run: accuracies and losses at the end, and what is of time."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from infwidth.measures.losses import ENDS, ends, final
from infwidth.measures.metrics import SHOWN
from infwidth.numbers import with_interval


@dataclass(frozen=True)
class Row:
    """A scheme at the end: `cells` has what `ENDS` has, in words, at the `width`, its largest."""

    scheme: str
    width: int
    cells: Mapping[str, str]


def rows(runs: pd.DataFrame) -> list[Row]:
    """A row per scheme that reached the last step.

    Args:
        runs: runs.csv.
    """
    found = {quantity: final(runs, quantity) for quantity in ENDS}
    widths = ends(runs, "test_accuracy").groupby("scheme", sort=False)["width"].max()
    return [
        Row(
            str(scheme),
            int(width),
            {quantity: with_interval(*values[str(scheme)]) for quantity, values in found.items()},
        )
        for scheme, width in widths.items()
    ]


def sentences(runs: pd.DataFrame, steps: pd.DataFrame) -> list[str]:
    """What the accuracies say, and which verdicts on diversity hang on when one looks.

    Args:
        runs: runs.csv.
        steps: table1_steps.csv.
    """
    return [*_best(runs), *_by_width(runs), matter_of_time(steps, "feature_diversity")]


def matter_of_time(steps: pd.DataFrame, column: str) -> str:
    """Of which schemes the verdict in a column changes in the course of training, and when.

    Args:
        steps: table1_steps.csv.
        column: of Table 1.
    """
    title = SHOWN[column].title.lower()
    own = steps[steps["column"] == column]
    changing = [
        f"{scheme} ({when(rows)})"
        for scheme, rows in own.groupby("scheme", sort=False)
        if rows["measured"].nunique() > 1
    ]
    if not changing:
        return f"No verdict on {title} changes from step to step."
    return f"The verdict on {title} is a matter of time under {_listed(changing)}."


def when(rows: pd.DataFrame) -> str:
    """The verdicts on a cell in the order of the steps: "rich at steps 1 to 41, ...".

    >>> when(pd.DataFrame({"step": [1, 5, 9], "measured": ["rich", "rich", "collapsed"]}))
    'rich at steps 1 to 5, collapsed at step 9'
    """
    ordered = rows.sort_values("step")
    parts = []
    for word, group in groupby(ordered.to_dict("records"), lambda row: str(row["measured"])):
        steps = [int(row["step"]) for row in group]
        several = f"steps {steps[0]} to {steps[-1]}"
        parts.append(f"{word} at {several if len(steps) > 1 else f'step {steps[0]}'}")
    return ", ".join(parts)


def _best(runs: pd.DataFrame) -> Iterator[str]:
    found = {
        scheme: value
        for scheme, value in final(runs, "test_accuracy").items()
        if math.isfinite(value.value)
    }
    if not found:
        return
    best = max(found, key=lambda scheme: found[scheme].value)
    near = [name for name, value in found.items() if value.high >= found[best].low and name != best]
    text = f"The highest test accuracy is that of {best}, {with_interval(*found[best])}"
    yield f"{text}; the interval of {_listed(near)} overlaps it." if near else f"{text}."


def _by_width(runs: pd.DataFrame) -> Iterator[str]:
    """What the accuracy does from the least width to the largest, scheme by scheme."""
    table = ends(runs, "test_accuracy").sort_values("width", kind="stable")
    changes: dict[str, list[str]] = {"rises": [], "falls": [], "has overlapping intervals": []}
    for scheme, rows in table.groupby("scheme", sort=False):
        first, last = rows.iloc[0], rows.iloc[-1]
        if len(rows) > 1 and math.isfinite(first["low"]) and math.isfinite(last["low"]):
            up, down = last["low"] > first["high"], last["high"] < first["low"]
            word = "rises" if up else "falls" if down else "has overlapping intervals"
            changes[word].append(str(scheme))
    told = [f"{word} under {_listed(names)}" for word, names in changes.items() if names]
    if told:
        widths = f"n = {table['width'].min()} to {table['width'].max()}"
        yield f"From {widths} test accuracy {_listed(told)}."


def _listed(words: Iterable[str]) -> str:
    """Words as a list in a sentence.

    >>> _listed(["SP", "NTP", "µP"])
    'SP, NTP and µP'
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
