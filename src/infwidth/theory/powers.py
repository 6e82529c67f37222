"""Powers of the width, and what they decide: whether something vanishes as n → ∞, or stays.

Where the data refuse a single power, the one at the largest widths decides in its place.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.misfit import CROSSOVER, misfit
from infwidth.measures.power_law import UPPER_QUANTILE, fit_power_law, geometric_mean
from infwidth.measures.scaling import by_width
from infwidth.numbers import power, with_interval

# Half-way between n^-1/2, by which what is sampled falls, and n^0, of what does not fall.
HALF_WAY = -0.25
SAMPLING = -0.5
# What counts as n^-1/2: at widths of some hundreds the next terms move an exponent by less.
TOLERANCE = 0.1


def fitted(table: pd.DataFrame, column: str) -> Estimate:
    """The power of n of a column, of a table with a row for each width and seed.

    It is that at the largest widths where a single power is refused.
    """
    return _deciding(table, column)[0]


def _deciding(table: pd.DataFrame, column: str) -> tuple[Estimate, bool]:
    """The power that decides, and whether it is that of the largest widths alone."""
    values = by_width(table, column)
    data = list(values), [*values.values()], None
    missed = misfit(*data)
    if missed.law == CROSSOVER:
        return missed.local, True
    return fit_power_law(*data).exponent, False


def falls(exponent: Estimate) -> bool | None:
    """Whether a power's interval lies below `HALF_WAY`; not, if above; None if neither."""
    if exponent.high < HALF_WAY:
        return True
    return False if exponent.low > HALF_WAY else None


def as_sampling(exponent: Estimate) -> bool | None:
    """Whether something falls as n^-1/2 or faster; None where the interval does not decide."""
    if not (math.isfinite(exponent.low) and math.isfinite(exponent.high)):
        return None
    near = SAMPLING + TOLERANCE
    if exponent.high <= near or (exponent.low <= SAMPLING and exponent.high <= HALF_WAY):
        return True
    return False if exponent.low > near else None


def bent(table: pd.DataFrame, column: str) -> bool:
    """Whether the data refuse a single power of n of the positive values of a column."""
    return _deciding(table[table[column] > 0], column)[1]


@dataclass(frozen=True)
class WidthLaw:
    """How a value of each training depends on the width.

    Attributes:
        power: the fitted power of n, or that at the largest widths.
        level: the geometric mean at the largest width.
        crossover: whether a single power is refused, and the power is that at the largest widths.
    """

    power: Estimate
    level: Estimate
    crossover: bool = False

    @classmethod
    def of(cls, table: pd.DataFrame, value: str) -> "WidthLaw":
        """Of a column of a table with a row for each training; zeros and NaN are left out."""
        positive = table[table[value] > 0]
        widest = positive.loc[positive["width"] == positive["width"].max(), value]
        level = geometric_mean(widest.to_numpy()) if len(widest) else NOT_MEASURED
        deciding, crossover = _deciding(positive, value)
        return cls(deciding, level, crossover)

    @property
    def stays(self) -> bool | None:
        """Whether the power's interval lies between ±`HALF_WAY`; not, if beyond; else None."""
        low, high = self.power.low, self.power.high
        if low > HALF_WAY and high < -HALF_WAY:
            return True
        return False if low > -HALF_WAY or high < HALF_WAY else None

    @property
    def vanishes(self) -> bool | None:
        """As `falls`."""
        return falls(self.power)

    def __str__(self) -> str:
        """The power, then the level."""
        level = with_interval(*self.level)
        if self.crossover:
            local = power(*self.power)
            return f"no single power of n, n^{local} at the largest widths, {level} at the largest"
        return f"∝ n^{power(*self.power)}, {level} at the largest width"


def pooled(table: pd.DataFrame, column: str) -> Estimate:
    """The power of n of a column whose logarithm scatters equally at every width.

    Zeros are left out. Less is known of such a column's power from three seeds a width if each
    width's scatter has to be known by itself, as in `fitted`.
    """
    positive = table[table[column] > 0]
    if positive["width"].nunique() < 3 or len(positive) < 4:
        return NOT_MEASURED
    logs = np.log(positive[["width", column]].to_numpy(dtype=np.float64))
    line, covariance = np.polyfit(logs[:, 0], logs[:, 1], 1, cov=True)
    half = float(stdtrit(len(logs) - 2, UPPER_QUANTILE) * np.sqrt(covariance[0, 0]))
    return Estimate(float(line[0]), float(line[0]) - half, float(line[0]) + half)
