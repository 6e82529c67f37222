"""What escape.csv and its companions come to: laws in n, and which steps are early.

A power of n fitted at one step says nothing of n = ∞ where the curves of all widths are one curve,
left later by the wider. So changes are compared at early steps, at the widest networks, and the
times to reach a size are fitted against ln n, with a test of lack of fit. All thresholds are ours.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.power_law import Logarithms, fit, geometric_mean
from infwidth.theory.escape.names import IP, SIZES
from infwidth.theory.powers import WidthLaw

# A step is early where the mean squares of the widest networks are all below this.
EARLY = SIZES[0]
# Local slopes are those over as many of the widest widths.
LOCAL = 3
# A straight line in ln n may miss the mean times by this part of their range; and where it misses
# by more, by chance in one of a hundred cases.
LOOSE, CHANCE = 0.05, 0.01
# Growth is seen where a mean square is this many times that at the start.
SEEN = 3.0


def early_steps(rows: pd.DataFrame) -> list[int]:
    """The steps from 1 on at which none of the widest networks has escaped.

    Args:
        rows: of escape.csv, of one kind of trainings under IP.
    """
    means = widest(rows).groupby(["step", "width"])["mean_square"].mean().groupby("step").max()
    # Whatever shrinks again later has escaped before.
    return [int(step) for step in means.index[(means.cummax() < EARLY)] if step > 0]


def local_law(rows: pd.DataFrame, column: str, step: int) -> WidthLaw:
    """The power of n of a column at one step, over the widest widths."""
    return WidthLaw.of(widest(rows[rows["step"] == step]), column)


def widest(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the widest widths, `LOCAL` of them."""
    return rows[rows["width"].isin(sorted(set(rows["width"]))[-LOCAL:])]


def of_scheme(rows: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """The rows of a scheme."""
    return rows[rows["scheme"] == scheme]


@dataclass(frozen=True)
class TimeLaw:
    """Steps to reach a size: a + b ln n.

    Attributes:
        slope: b.
        misfit: how far the line misses the mean of a width, at most, in steps.
        span: by how much the line rises over the widths.
        chance: of so large a misfit, were there none: the F-test of lack of fit over seeds.
        late: by how many steps a time may be too late, at most, for want of looks in between; 0
            where that is not known.
        predicted: b of the linear law at the saddle, at the same widths.
        ends: the mean times at the smallest and the largest width.
        widths: these.
    """

    slope: Estimate
    misfit: float
    span: float
    chance: float
    late: float
    predicted: float
    ends: tuple[float, float]
    widths: tuple[int, int]

    @property
    def holds(self) -> bool | None:
        """Whether times grow as ln n; None where neither that nor the contrary is seen."""
        # Without a prediction any growth will do.
        least = self.predicted / 2 if math.isfinite(self.predicted) else 0.0
        if not math.isfinite(self.slope.low):
            return None
        allowed = LOOSE * abs(self.span) + self.late
        curved = self.misfit > allowed and self.chance < CHANCE
        if self.slope.high < least or (curved and self.slope.low > 0):
            return False
        return True if self.slope.low > least and not curved else None


def time_law(times: pd.DataFrame) -> TimeLaw | None:
    """Fit the times to reach one size; None with fewer than three widths.

    Args:
        times: rows of escape_times.csv of one scheme and size; widths at which a seed has no time
            take no part.
    """
    whole = times["step"].notna().groupby(times["width"]).transform("all")
    groups = {int(str(n)): each for n, each in times[whole].groupby("width")}
    if len(groups) < LOCAL:
        return None
    steps = [each["step"].to_numpy(dtype=np.float64) for each in groups.values()]
    log_widths = np.log([*groups])
    design = np.stack([np.ones_like(log_widths), log_widths], axis=1)
    scale = max(each.max() for each in steps)
    # The fit takes logarithms of what it is given.
    found = fit(Logarithms([np.exp(each / scale) for each in steps]), design, None, index=1)
    means = np.array([each.mean() for each in steps])
    missed = means - scale * design @ found.coefficients
    counts = np.array([len(each) for each in steps])
    pure, free = sum(((each - each.mean()) ** 2).sum() for each in steps), int((counts - 1).sum())
    chance = math.nan
    if free and pure > 0:
        lack = float(counts @ missed**2) / (len(groups) - 2)
        chance = float(fdtrc(len(groups) - 2, free, lack * free / pure))
    expected = [float(each["predicted_step"].iloc[0]) for each in groups.values()]
    late = float((times["step"] - times["earliest_step"]).max())
    return TimeLaw(
        slope=Estimate(*(scale * end for end in found.parameter)),
        misfit=float(np.abs(missed).max()),
        span=scale * float(found.coefficients[1] * np.ptp(log_widths)),
        chance=chance,
        late=late if math.isfinite(late) else 0.0,
        predicted=float((np.linalg.pinv(design) @ expected)[1]),
        ends=(float(means[0]), float(means[-1])),
        widths=(min(groups), max(groups)),
    )


def growth_by_width(rows: pd.DataFrame) -> dict[int, tuple[Estimate, float]]:
    """By how much the logarithm of the mean square grows in a step, and by the linear law.

    Between the last two snapshots at which a width has not escaped, where they show it growing.

    Args:
        rows: of escape.csv, of one kind of trainings under IP.
    """
    found = {}
    for width, each in rows.groupby("width"):
        squares = each.pivot_table(index="step", columns="seed", values="mean_square")
        means = squares.mean(axis=1)
        early = [step for step in means.index[means.cummax() < EARLY] if step > 0][-2:]
        if len(early) < 2 or means[early[-1]] < SEEN * means.iloc[0]:
            continue
        law = each.groupby("step")["predicted_square"].first()
        seeds, expected = (
            np.log((of.loc[early[1]] / of.loc[early[0]]).to_numpy()) / (early[1] - early[0])
            for of in (squares, law.to_frame())
        )
        value = geometric_mean(seeds) if (seeds > 0).all() else NOT_MEASURED
        found[int(str(width))] = value, float(expected[0])
    return found


def first_step_laws(depths: pd.DataFrame) -> dict[int, WidthLaw]:
    """By depth: what IP's first step takes off the loss to first order, against n."""
    return {
        int(str(depth)): WidthLaw.of(rows, "first_decrease")
        for depth, rows in of_scheme(depths, IP).groupby("hidden_layers")
    }


def moved_laws(depths: pd.DataFrame) -> dict[int, WidthLaw]:
    """By depth: the mean square by which IP's last features have moved in the end, against n."""
    return {
        int(str(depth)): WidthLaw.of(rows, "moved_square")
        for depth, rows in of_scheme(depths, IP).groupby("hidden_layers")
    }
