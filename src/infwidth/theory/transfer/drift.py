"""How the best learning rate and the largest stable one depend on the width, from the tables.

No two widths' best rates differ by more than `FACTOR` where Tukey's intervals say so, which hold
for all pairs at once. What is known to lie between two rates may err in the worst of ways. Rules
and thresholds are ours.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import studentized_range

from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.power_law import geometric_mean
from infwidth.theory.powers import HALF_WAY, TOLERANCE, WidthLaw, bent, fitted, pooled

Array = NDArray[np.float64]

FACTOR = 1.5
# A best rate with at most this factor up to the largest stable one lies at the edge of stability.
AT_THE_EDGE = 2.0


@dataclass(frozen=True)
class Drift:
    """How rates of one scheme with one loss depend on the width.

    Attributes:
        optima: optima.csv of these.
        best: of the best rate.
        stable: of the largest stable rate.
        common: a rate that is stable at every width; NaN if none is.
        change: of h^L, at that rate.
    """

    optima: pd.DataFrame
    best: WidthLaw
    stable: WidthLaw
    common: float
    change: WidthLaw

    @classmethod
    def of(cls, table: pd.DataFrame, optima: pd.DataFrame) -> "Drift":
        """From the rows of both tables."""
        common = common_rate(table, optima)
        at_it = table[np.isclose(table["learning_rate"], common)]
        return cls(
            optima,
            law(optima, "optimum"),
            law(optima, "edge"),
            common,
            WidthLaw.of(at_it, "feature_change"),
        )

    @property
    def known(self) -> pd.DataFrame:
        """The trainings that have a best rate."""
        return self.optima[self.optima["optimum"] > 0]

    @property
    def transfers(self) -> bool | None:
        """Whether no two widths' best rates differ by more than `FACTOR`."""
        least, most = apart(self.optima)
        if most < FACTOR:
            return True
        return False if least > FACTOR else None

    @property
    def at_the_edge(self) -> bool | None:
        """Whether the best rate is within `AT_THE_EDGE` of the edge at every width."""
        known = self.known[self.known["edge"] > 0]
        ratios = [
            geometric_mean((own["edge"] / own["optimum"]).to_numpy())
            for _, own in known.groupby("width")
        ]
        if any(ratio.low > AT_THE_EDGE for ratio in ratios):
            return False
        everywhere = len(ratios) == self.optima["width"].nunique()
        return True if everywhere and all(each.high <= AT_THE_EDGE for each in ratios) else None

    @property
    def to_the_edge(self) -> float:
        """The largest stable rate over the best one, mean over widths; NaN if neither is known."""
        return float(np.exp(np.log(self.known["edge"] / self.known["optimum"]).mean()))


def stays(power: Estimate) -> bool | None:
    """Whether a power of n is none: within ±1/4, and not wholly beyond ±0.1.

    Over sixteen times the width n^0.1 is a factor of 1.3, less than `FACTOR`.
    """
    if power.low > TOLERANCE or power.high < -TOLERANCE:
        return False
    return True if power.low > HALF_WAY and power.high < -HALF_WAY else None


def at_width(own: pd.DataFrame, name: str) -> Estimate:
    """A rate at one width: its mean over seeds, its interval with what is open between rates."""
    value, low, high = geometric_mean(own[name].to_numpy())
    free = math.exp(_free(own, name).max())
    return Estimate(value, low / free, high * free)


def _free(rows: pd.DataFrame, name: str) -> Array:
    """How far each row's rate may be from the truth, in logarithms."""
    ends = rows[[f"{name}_low", f"{name}_high"]].to_numpy(dtype=np.float64)
    return np.asarray(np.log(ends[:, 1] / ends[:, 0]) / 2)


def law(optima: pd.DataFrame, name: str) -> WidthLaw:
    """The power of n of a rate, and its level at the largest width."""
    known = optima[optima[name] > 0]
    if known.empty:
        return WidthLaw(NOT_MEASURED, NOT_MEASURED)
    level = at_width(known[known["width"] == known["width"].max()], name)
    free = _free(known, name)
    if not free.any() and bent(known, name):
        return WidthLaw(fitted(known, name), level, crossover=True)
    value, low, high = pooled(known, name)
    logs = np.log(known["width"].to_numpy(dtype=np.float64))
    logs -= logs.mean()
    worst = float(np.abs(logs) @ free / (logs @ logs)) if logs.any() else math.nan
    return WidthLaw(Estimate(value, low - worst, high + worst), level)


def apart(optima: pd.DataFrame) -> tuple[float, float]:
    """The largest ratio of two widths' best rates: what it is at least, and at most.

    From Tukey's intervals with seeds as blocks, since a seed has the same batches at every width,
    and what is open between rates. NaN where there are not two seeds whose best rate is known at
    every width.
    """
    rates = optima.pivot(index="seed", columns="width", values="optimum").dropna()
    seeds, widths = rates.shape
    if seeds < 2 or widths < 2:
        return math.nan, math.nan
    logs = np.log(rates.to_numpy(dtype=np.float64))
    means = logs.mean(axis=0)
    noise = logs - logs.mean(axis=1, keepdims=True) - means + means.mean()
    freedom = (seeds - 1) * (widths - 1)
    scatter = math.sqrt(np.square(noise).sum() / freedom / seeds)
    half = float(studentized_range.ppf(0.95, widths, freedom)) * scatter
    free = np.array([_free(own, "optimum").max() for _, own in optima.groupby("width")])
    distances, errors = np.abs(means[:, None] - means), half + free[:, None] + free
    np.fill_diagonal(errors, 0)
    least, most = (distances - errors).max(), (distances + errors).max()
    return math.exp(max(float(least), 0)), math.exp(float(most))


def common_rate(table: pd.DataFrame, optima: pd.DataFrame) -> float:
    """The rate of the least mean loss of those that are stable, and were tried, at every width."""
    highest = table["width"].map(optima.groupby("width")["edge_low"].min())
    stable = table[table["learning_rate"] <= highest * (1 + 1e-9)]
    each = stable.assign(log=np.log(stable["train_loss"])).groupby("learning_rate")
    everywhere = each["log"].mean()[each["width"].nunique() == table["width"].nunique()]
    return float(everywhere.index[int(everywhere.argmin())]) if len(everywhere) else math.nan
