"""How the trainings of a world are read: choices of the analysis, of which none trains anew.

Each says, of every cell of Table 1, a word, and the numbers that the word comes from. The rules
`trends` judge what the claims are about, whatever its size: the change by its exponent, diversity
by its retention, the space-time eigenvalue by its exponent. The rules `table1` are those of
`infwidth.measures.trends`, which ask for a value, too.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import pandas as pd

from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.finite_width import nearest_step
from infwidth.measures.metrics import JUDGING, RETAINING
from infwidth.measures.scaling import scaling_table
from infwidth.measures.trends import (
    OURS,
    UNDETERMINED,
    Thresholds,
    Trend,
    by_exponent,
    diversity,
    settled,
    word,
)
from infwidth.multiverse.outcomes import DIVERGED, NOT_MOVING, UNRESOLVED, Cell
from infwidth.multiverse.record import Record


@dataclass(frozen=True)
class Reading:
    """The fields are keys of a reading in the config; see `multiverse.schema.yaml`."""

    rules: Literal["trends", "table1"]
    judged_by: Literal["estimate", "interval"]
    layer: Literal["last", "middle", "first"]
    kind: Literal["h", "x"]
    at: Literal["last", "best"]
    correction: Literal["bounded", "raw", "full", "unbounded"]
    stable_exponent: float
    small_change: float
    collapse_ratio: float
    least_retention: float
    least_progress: float

    def number(self, layers: int) -> int:
        """Of the layer that is read, from 1."""
        return {"last": layers, "middle": (layers + 1) // 2, "first": 1}[self.layer]

    @property
    def seen(self) -> tuple[str, ...]:
        """What decides which features are looked at; what is left judges what is seen there."""
        return self.layer, self.kind, self.at


class Outcome(NamedTuple):
    """Of a cell: the word, and the value and the exponent that it comes from."""

    word: str
    value: Estimate
    exponent: Estimate


class Progress(NamedTuple):
    """Of a scheme: training losses at the largest width, and how many replicas diverged."""

    start: float
    end: float
    diverged: int

    def outcome(self, least: float) -> str | None:
        """Why there is nothing to be said of its cells, if there is not."""
        if self.diverged:
            return DIVERGED
        return None if abs(self.end / self.start - 1) >= least else NOT_MOVING


@dataclass(frozen=True)
class Seen:
    """What is seen at one layer, kind and step: scheme -> metric -> trend, and its progress."""

    trends: Mapping[str, Mapping[str, Trend]]
    progress: Mapping[str, Progress]


def seen(record: Record, reading: Reading, settings: Mapping[str, Any]) -> Seen:
    """Fit what a reading looks at.

    Args:
        record: the world's tables.
        reading: of which `seen` counts.
        settings: `schemes`, `hidden_layers`, `samples`, `steps`, `fit_width_ratio` of the world.
    """
    layer, last = reading.number(settings["hidden_layers"]), settings["steps"]
    metrics, spectra = (
        table[(table["layer"] == layer) & (table["kind"] == reading.kind)]
        for table in (record.metrics, record.spectra)
    )
    runs = record.runs
    if reading.at == "best":
        best = _best_steps(runs)
        metrics, runs = (_read_at(table, best, last) for table in (metrics, runs))
        spectra = _standing_for(spectra, best, last)
    fitted = scaling_table(
        metrics,
        spectra,
        samples=settings["samples"],
        steps=last,
        fit_width_ratio=settings["fit_width_ratio"],
    )
    trends: dict[str, dict[str, Trend]] = {scheme: {} for scheme in settings["schemes"]}
    for _, row in fitted.iterrows():
        trends[row["scheme"]][row["metric"]] = Trend.of(row)
    progress = {
        scheme: _progress(scheme, runs, record.diverged, last) for scheme in settings["schemes"]
    }
    return Seen(trends, progress)


def judged(reading: Reading, what: Seen) -> Iterator[tuple[Cell, Outcome]]:
    """The outcome of every cell by a reading of what it sees."""
    unknown = Trend(NOT_MEASURED, NOT_MEASURED, unresolved=0)
    for scheme, trends in what.trends.items():
        without = what.progress[scheme].outcome(reading.least_progress)
        for column, judging in JUDGING.items():
            if reading.rules == "trends":
                judging = RETAINING.get(column, judging)
            trend = trends.get(judging.name, unknown)
            if judging.corrected and reading.correction != OURS:
                trend = replace(trend, exponent=trend.others[reading.correction])
            read = trend if reading.judged_by == "interval" else _without_intervals(trend)
            said = without or _word(column, read, reading)
            yield Cell(scheme, column), Outcome(said, trend.value, trend.exponent)


def _without_intervals(trend: Trend) -> Trend:
    """As if the estimates were exact; a bound, where there is no estimate, stays one."""
    value, exponent, local = (
        each if math.isnan(each.value) else Estimate(each.value, each.value, each.value)
        for each in (trend.value, trend.exponent, trend.local)
    )
    return replace(trend, value=value, exponent=exponent, local=local)


def _word(column: str, trend: Trend, reading: Reading) -> str:
    tolerance = reading.stable_exponent
    if reading.rules == "table1":
        thresholds = Thresholds(tolerance, reading.small_change, reading.collapse_ratio)
        said = word(column, trend, thresholds)
    elif column in RETAINING:
        said = settled(lambda read: diversity(read, tolerance, reading.least_retention), trend)
    else:
        said = settled(lambda read: by_exponent(read, tolerance), trend)
    return UNRESOLVED if said == UNDETERMINED and trend.unresolved else said


def _progress(scheme: str, runs: pd.DataFrame, diverged: pd.DataFrame, last: int) -> Progress:
    own = runs[runs["scheme"] == scheme]
    widest = own[own["width"] == own["width"].max()]
    losses = widest.groupby("step")["train_loss"].mean()
    lost = int((diverged["scheme"] == scheme).sum())
    return Progress(float(losses.get(0, float("nan"))), float(losses.get(last, float("nan"))), lost)


def _best_steps(runs: pd.DataFrame) -> dict[tuple[str, int], int]:
    """(scheme, width) -> the step after the first with the least mean test loss."""
    losses = runs[runs["step"] > 0].groupby(["scheme", "width", "step"])["test_loss"].mean()
    found = losses.groupby(level=["scheme", "width"]).idxmin()
    return {(scheme, width): step for scheme, width, step in found}


def _read_at(table: pd.DataFrame, best: Mapping[tuple[str, int], int], last: int) -> pd.DataFrame:
    """The rows of step 0 and of each training's best step, which stands for the last one."""
    trainings = zip(table["scheme"], table["width"], table["step"], strict=True)
    chosen = [best.get((scheme, width)) == step for scheme, width, step in trainings]
    start = table[table["step"] == 0]
    return pd.concat([start, table[chosen].assign(step=last)], ignore_index=True)


def _standing_for(
    spectra: pd.DataFrame, best: Mapping[tuple[str, int], int], last: int
) -> pd.DataFrame:
    """Of each scheme and matrix the spectrum nearest to its best step, as that of the last one."""
    parts = []
    for (scheme, width, _), rows in spectra.groupby(["scheme", "width", "matrix"], sort=False):
        if step := best.get((str(scheme), int(str(width)))):
            nearest = nearest_step(rows["step"], step)
            parts.append(rows[rows["step"] == nearest].assign(step=last))
    return pd.concat(parts, ignore_index=True) if parts else spectra
