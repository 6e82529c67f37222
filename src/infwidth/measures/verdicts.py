"""Table 1, cell by cell: what the paper says, what was measured, and whether they agree.

Every verdict is a rule on numbers of the scaling table, with thresholds from the config:

- *feature variation*: `small` if the feature change at the largest width is under `small_change`
  and falls with width; `large and stable` if it is at least `small_change` and does not depend on
  width; `large` if it is at least `small_change` and grows, or may grow.
- *feature diversity*: `collapsed` if the least eigenvalue of the Gram matrix over the mean one is
  under `collapse_ratio` at the largest width, or falls with width; `rich` if it is above and does
  not fall. Measuring against the mean tells collapse from mere shrinking.
- *space-time*: `decreases with width`, `stable across widths`, `increases with width`, by the
  exponent of the least eigenvalue of the space-time Gram matrix.

An exponent *falls* if its whole 95 % interval is below -`stable_exponent`, *grows* if it is above
`stable_exponent`, and *does not depend on width* if it is within ±`stable_exponent`. What none of
the rules settles is `undetermined`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from infwidth.files.tables import read_csv, write_csv
from infwidth.measures.claims import claim_on
from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.losses import final_losses
from infwidth.measures.metrics import JUDGING, RETAINING, SHOWN, Metric, headline
from infwidth.measures.scaling import groups

UNDETERMINED = "undetermined"


@dataclass(frozen=True)
class Thresholds:
    """The config's thresholds, under their own names."""

    stable_exponent: float
    small_change: float
    collapse_ratio: float


@dataclass(frozen=True)
class Trend:
    """The part of a scaling row that a rule reads; NaN where it was not measured.

    NaN compares false with everything, so that what was not measured supports no verdict.
    """

    value: Estimate
    exponent: Estimate
    unresolved: int
    raw_exponent: float = math.nan

    @classmethod
    def of(cls, row: "pd.Series[float]") -> "Trend":
        """Read a row of scaling.csv."""
        value, exponent = Estimate.of(row, "value"), Estimate.of(row, "exponent")
        raw = float(row.get("raw_exponent", math.nan))
        return cls(value, exponent, int(row["unresolved"]), raw)

    def falls(self, tolerance: float) -> bool:
        """The exponent's interval lies below -tolerance."""
        return self.exponent.high < -tolerance

    def does_not_fall(self, tolerance: float) -> bool:
        """The exponent's interval lies above -tolerance."""
        return self.exponent.low >= -tolerance

    def grows(self, tolerance: float) -> bool:
        """The exponent's interval lies above tolerance."""
        return self.exponent.low > tolerance

    def is_stable(self, tolerance: float) -> bool:
        """The exponent's interval lies within ±tolerance."""
        return self.does_not_fall(tolerance) and self.exponent.high <= tolerance


def feature_variation(change: Trend, thresholds: Thresholds) -> str:
    """Verdict on the feature change."""
    tolerance, small = thresholds.stable_exponent, thresholds.small_change
    if change.value.high < small and change.falls(tolerance):
        return "small"
    if change.value.low >= small and change.is_stable(tolerance):
        return "large and stable"
    if change.value.low >= small and change.does_not_fall(tolerance):
        return "large"
    return UNDETERMINED


def feature_diversity(ratio: Trend, thresholds: Thresholds) -> str:
    """Verdict on the least eigenvalue of the Gram matrix over its mean eigenvalue."""
    tolerance, collapse = thresholds.stable_exponent, thresholds.collapse_ratio
    if ratio.value.high < collapse or ratio.falls(tolerance):
        return "collapsed"
    if ratio.value.low >= collapse and ratio.does_not_fall(tolerance) and not ratio.unresolved:
        return "rich"
    return UNDETERMINED


def space_time(eigenvalue: Trend, thresholds: Thresholds) -> str:
    """Verdict on the least eigenvalue of the space-time Gram matrix."""
    tolerance = thresholds.stable_exponent
    if eigenvalue.falls(tolerance):
        return "decreases with width"
    if eigenvalue.is_stable(tolerance) and not eigenvalue.unresolved:
        return "stable across widths"
    if eigenvalue.grows(tolerance):
        return "increases with width"
    return UNDETERMINED


# Column of Table 1 -> the rule of its verdict.
RULES: Mapping[str, Callable[[Trend, Thresholds], str]] = {
    "feature_variation": feature_variation,
    "feature_diversity": feature_diversity,
    "space_time": space_time,
}


@dataclass(frozen=True)
class Judgement:
    """One row of table1.csv: the verdict on a cell, and the numbers that stand in it.

    `paper` and `agrees` are empty where the paper makes no claim; `judging` and its exponent are
    those of the metric that the rule read, and `raw_exponent` its exponent without the finite-width
    term, empty where the law has none; `loss` is the scheme's training loss at the last step.
    """

    scheme: str
    column: str
    measured: str
    paper: str
    agrees: str
    layer: int
    kind: str
    value: float
    value_low: float
    value_high: float
    exponent: float
    ci_low: float
    ci_high: float
    reason: str
    raw_exponent: float
    judging: float
    judging_low: float
    judging_high: float
    judging_exponent: float
    judging_exponent_low: float
    judging_exponent_high: float
    retention: float
    retention_low: float
    retention_high: float
    loss: float
    loss_low: float
    loss_high: float


def judge(
    scheme: str,
    layer: int,
    kind: str,
    trends: Mapping[str, Trend],
    thresholds: Thresholds,
    diverged: int = 0,
    loss: Estimate = NOT_MEASURED,
) -> list[Judgement]:
    """The three cells of one scheme, from its trends by metric name."""
    cells = []
    unknown = Trend(NOT_MEASURED, NOT_MEASURED, unresolved=0)
    for column, rule in RULES.items():
        judging = JUDGING[column]
        read, shown = trends[judging.name], trends[SHOWN[column].name]
        measured = rule(read, thresholds)
        retaining = RETAINING.get(column)
        kept = trends.get(retaining.name, unknown) if retaining else unknown
        claim = claim_on(scheme, column)
        cells.append(
            Judgement(
                scheme=scheme,
                column=column,
                measured=measured,
                paper=claim.words if claim else "",
                agrees=str(measured in claim.agreeing).lower() if claim else "",
                layer=layer,
                kind=kind,
                value=shown.value.value,
                value_low=shown.value.low,
                value_high=shown.value.high,
                exponent=shown.exponent.value,
                ci_low=shown.exponent.low,
                ci_high=shown.exponent.high,
                reason=_reason(judging, read, diverged),
                raw_exponent=read.raw_exponent if judging.corrected else math.nan,
                judging=read.value.value,
                judging_low=read.value.low,
                judging_high=read.value.high,
                judging_exponent=read.exponent.value,
                judging_exponent_low=read.exponent.low,
                judging_exponent_high=read.exponent.high,
                retention=kept.value.value,
                retention_low=kept.value.low,
                retention_high=kept.value.high,
                loss=loss.value,
                loss_low=loss.low,
                loss_high=loss.high,
            )
        )
    return cells


def _reason(metric: Metric, trend: Trend, diverged: int) -> str:
    """The numbers that the rule read, in words."""
    parts = []
    if not math.isnan(trend.value.value):
        parts.append(f"{metric.name} {trend.value.value:.3g} at the largest width")
    elif not math.isnan(trend.value.high):
        parts.append(f"{metric.name} under {trend.value.high:.3g} at the largest width")
    exponent, low, high = trend.exponent
    if math.isnan(exponent):
        parts.append("too few resolved widths for an exponent")
    elif math.isnan(low):
        parts.append(f"exponent {exponent:.2f}, no interval from a single seed")
    else:
        parts.append(f"exponent {exponent:.2f} in [{low:.2f}, {high:.2f}]")
    if trend.unresolved:
        # A change has no resolution; it is missing where there was nothing to change.
        why = "undefined" if metric.matrix is None else "under resolution"
        parts.append(f"{trend.unresolved} points {why}")
    if diverged:
        parts.append(f"{diverged} runs diverged")
    return "; ".join(parts)


def write(folder: Path, **thresholds: float) -> None:
    """Write table1.csv and table1_layers.csv from three other tables of a paper folder.

    They are scaling.csv, diverged.csv, and runs.csv.

    Args:
        folder: the paper folder.
        thresholds: the fields of `Thresholds`.
    """
    scaling, diverged, runs = (
        read_csv(folder / f"{name}.csv") for name in ("scaling", "diverged", "runs")
    )
    losses = final_losses(runs)
    headline, layers = table1(scaling, diverged, Thresholds(**thresholds), losses)
    write_csv(headline, folder / "table1.csv")
    write_csv(layers, folder / "table1_layers.csv")


def table1(
    scaling: pd.DataFrame,
    diverged: pd.DataFrame,
    thresholds: Thresholds,
    losses: Mapping[str, Estimate] = MappingProxyType({}),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table 1 at the headline layer (the last one's pre-activations), and at every layer and kind.

    Args:
        scaling: scaling.csv.
        diverged: diverged.csv; every run in it is told of in the cells of its scheme.
        thresholds: of the rules.
        losses: scheme -> its training loss, which stands beside its cells.
    """
    lost = diverged["scheme"].value_counts()
    cells: list[Judgement] = []
    for (scheme, layer, kind), rows in groups(scaling):
        trends = {str(row["metric"]): Trend.of(row) for _, row in rows.iterrows()}
        loss = losses.get(scheme, NOT_MEASURED)
        cells += judge(scheme, layer, kind, trends, thresholds, int(lost.get(scheme, 0)), loss)
    every = pd.DataFrame([asdict(cell) for cell in cells])
    return headline(every).reset_index(drop=True), every
