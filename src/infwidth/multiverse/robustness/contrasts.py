"""What the levels of a factor do to a cell, and whether chance would have done it, too."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, random_table

BEYOND_CHANCE = 0.05
# A level of fewer worlds is not compared with others: its share could be anything.
LEAST_WORLDS = 5
# Where a count of fewer than five is expected, the chi-squared law is no good approximation, and
# the statistic is compared with that of tables drawn at random.
LEAST_EXPECTED = 5
DRAWS = 9999


@dataclass(frozen=True)
class Contrast:
    """What a factor does to a cell.

    Attributes:
        p_value: of no difference between its levels, after Holm's correction.
    """

    factor: str
    p_value: float
    best_level: str
    best_share: float
    worst_level: str
    worst_share: float

    @property
    def difference(self) -> float:
        """Between the shares of the best and the worst level."""
        return self.best_share - self.worst_share


def contrasts(agrees: "pd.Series[float]", levels: pd.DataFrame) -> list[Contrast]:
    """What each factor does that has two levels of `LEAST_WORLDS` worlds.

    Args:
        agrees: worlds as 1, 0 or NaN.
        levels: their levels, a column for each factor.
    """
    counted = {name: _counted(agrees, own) for name, own in levels.items()}
    counted = {name: counts for name, counts in counted.items() if len(counts) > 1}
    p_values = [
        p_value(np.stack([counts["sum"], counts["count"] - counts["sum"]], axis=1).astype(int))
        for counts in counted.values()
    ]
    return [
        _contrast(str(name), corrected, counts["sum"] / counts["count"])
        for (name, counts), corrected in zip(counted.items(), holm(p_values), strict=True)
    ]


def hangs_on(found: Iterable[Contrast]) -> Contrast | None:
    """The contrast that is largest of those beyond chance, if there is one."""
    real = [each for each in found if each.p_value < BEYOND_CHANCE]
    return max(real, key=lambda each: each.difference, default=None)


def p_value(counts: NDArray[np.int_]) -> float:
    """Of the chi-squared test that rows have the same shares.

    Args:
        counts: (levels, 2), worlds that agree and do not.
    """
    if not counts.sum(axis=0).all():
        return 1.0
    test = chi2_contingency(counts, correction=False)
    expected = test.expected_freq
    if expected.min() >= LEAST_EXPECTED:
        return float(test.pvalue)
    drawn = random_table(counts.sum(axis=1), counts.sum(axis=0), seed=0).rvs(DRAWS)
    statistics = ((drawn - expected) ** 2 / expected).sum(axis=(1, 2))
    # Tables of the same probability have the same statistic up to rounding.
    as_far = int((statistics >= test.statistic * (1 - 1e-9)).sum())
    return (1 + as_far) / (1 + DRAWS)


def holm(p_values: Iterable[float]) -> list[float]:
    """Holm's correction for asking several questions at once.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(list(p_values), dtype=float)
    order = np.argsort(given, kind="stable")
    steps = given[order] * np.arange(len(given), 0, -1)
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in corrected]


def ordered(levels: Iterable[str]) -> list[str]:
    """Each level once: numbers by their size, then words.

    >>> ordered(["full", "100", "20", "full"])
    ['20', '100', 'full']
    """
    return sorted(set(levels), key=lambda level: (*_size(level), level))


def numeric(levels: Iterable[str]) -> bool:
    """Whether all of them are numbers."""
    return all(_size(level)[0] == 0 for level in levels)


def _size(level: str) -> tuple[int, float]:
    try:
        return 0, float(level)
    except ValueError:
        return 1, 0.0


def _counted(agrees: "pd.Series[float]", levels: "pd.Series[str]") -> pd.DataFrame:
    """`count` and `sum` of the levels that are compared."""
    counts = agrees.groupby(levels.reindex(agrees.index)).agg(["count", "sum"])
    return counts[counts["count"] >= LEAST_WORLDS]


def _contrast(factor: str, p_value: float, shares: "pd.Series[float]") -> Contrast:
    shares = shares.loc[ordered(shares.index)]
    best, worst = str(shares.idxmax()), str(shares.idxmin())
    return Contrast(factor, p_value, best, float(shares[best]), worst, float(shares[worst]))
