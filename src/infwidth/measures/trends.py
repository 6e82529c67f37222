"""The rules of Table 1's verdicts: what the numbers of the scaling table say, in a word.

With thresholds from the config:

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

Where a single power is refused (see `misfit`), the word must be that of the local exponent at the
largest widths, too; it is `crossover` where the two differ.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from infwidth.measures.claims import FALLS, GROWS, STABLE
from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.misfit import CROSSOVER, Law
from infwidth.measures.power_law import OTHER_POWERS

UNDETERMINED = "undetermined"
# How κ is bounded, among the names of `OTHER_POWERS`.
OURS = "bounded"


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

    Attributes:
        others: the exponent with other bounds of κ, by their names in `OTHER_POWERS`.
        local: the exponent at the largest widths.
        law: what the data say of a single power.
    """

    value: Estimate
    exponent: Estimate
    unresolved: int
    others: Mapping[str, Estimate] = field(default_factory=dict)
    local: Estimate = NOT_MEASURED
    law: Law = ""

    @classmethod
    def of(cls, row: "pd.Series[Any]") -> "Trend":
        """Read a row of scaling.csv."""
        return cls(
            Estimate.of(row, "value"),
            Estimate.of(row, "exponent"),
            int(row["unresolved"]),
            {rule: Estimate.of(row, f"{rule}_exponent", rule) for rule in OTHER_POWERS},
            Estimate.of(row, "local_exponent", "local"),
            row["law"],
        )

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
    return diversity(ratio, thresholds.stable_exponent, thresholds.collapse_ratio)


def space_time(eigenvalue: Trend, thresholds: Thresholds) -> str:
    """Verdict on the least eigenvalue of the space-time Gram matrix."""
    return by_exponent(eigenvalue, thresholds.stable_exponent)


def by_exponent(trend: Trend, tolerance: float) -> str:
    """What a quantity does as networks grow wider, whatever its value."""
    if trend.falls(tolerance):
        return FALLS
    if trend.is_stable(tolerance) and not trend.unresolved:
        return STABLE
    if trend.grows(tolerance):
        return GROWS
    return UNDETERMINED


def diversity(ratio: Trend, tolerance: float, least: float) -> str:
    """Verdict on a relative least eigenvalue that is `least` or more in features that are rich."""
    if ratio.value.high < least or ratio.falls(tolerance):
        return "collapsed"
    if ratio.value.low >= least and ratio.does_not_fall(tolerance) and not ratio.unresolved:
        return "rich"
    return UNDETERMINED


# Column of Table 1 -> the rule of its verdict.
RULES: Mapping[str, Callable[[Trend, Thresholds], str]] = {
    "feature_variation": feature_variation,
    "feature_diversity": feature_diversity,
    "space_time": space_time,
}


def word(column: str, trend: Trend, thresholds: Thresholds) -> str:
    """The verdict on a trend in a column of Table 1."""
    return settled(lambda read: RULES[column](read, thresholds), trend)


def settled(rule: Callable[[Trend], str], trend: Trend) -> str:
    """What a rule says of a trend; a crossover where a refused power hides another word."""
    said = rule(trend)
    if trend.law != CROSSOVER:
        return said
    locally = rule(replace(trend, exponent=trend.local))
    return said if said == locally else CROSSOVER


def readings(column: str, trend: Trend, thresholds: Thresholds) -> dict[str, tuple[str, Estimate]]:
    """The verdict, and the exponent it rests on, by how κ is bounded: ours, then the others."""
    exponents = {OURS: trend.exponent, **trend.others}
    return {
        rule: (word(column, replace(trend, exponent=exponent), thresholds), exponent)
        for rule, exponent in exponents.items()
    }
