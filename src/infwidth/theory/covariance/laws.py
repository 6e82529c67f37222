"""The laws that the lemma is judged by: of errors, of the kernels' variance, and of their mean.

All thresholds are ours.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import fdtrc, stdtrit

from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.numbers import number, power, with_interval
from infwidth.theory.powers import HALF_WAY, WidthLaw, pooled

# Errors of up to so many times the expected one count as being of that size: units of a finite
# network are neither quite independent nor quite Gaussian, and a bias of order 1/n is left.
FACTOR = 2.0
# A variance falls as n^-1 if the interval of its power lies between these, and not if it lies above
# the half-way mark to n^-1/2. One that falls faster yet is on its way to n^-1.
LOWEST, HALF_WAY_UP, HIGHEST = -1.5, -0.75, -0.5
# Error rate of each test of a mean, of which there are a dozen.
LEVEL = 1e-3
# Where kernels scatter by more of themselves than this at the largest width, or an error is larger,
# nothing is said but that they are random: powers of 1/n do not tell yet. Late in training, when
# the error has all but gone, signals are exponentials of what scatters.
SETTLED = 0.25

# What findings and the figure look at, in words: the pairs (s, t), s ≤ t, of the steps looked at
# closely, which are 0, 1, the middle one of the logarithmic scale, and the last.
MOMENTS = ("at initialisation", "early in training", "at the last step")
EARLY, LATE = MOMENTS[:2], MOMENTS[2:]
VALUES = (
    "error_whole", "sampling_error", "limit_error", "limit_error_whole", "expected_error",
)  # fmt: skip


def of_moment(table: pd.DataFrame, moment: str) -> pd.DataFrame:
    """The rows of a moment: of the pair (0, 0); of all others before the last step; of the rest."""
    late = table["late_step"]
    last = late.max()
    chosen = {
        "at initialisation": late == 0,
        "early in training": (late > 0) & (late < last),
        "at the last step": late == last,
    }[moment]
    rows: pd.DataFrame = table[chosen]
    return rows


def moment_errors(table: pd.DataFrame, moment: str) -> pd.DataFrame:
    """Root mean squares over layers and pairs of steps, one row per training and direction.

    Args:
        table: covariance.csv, of one scheme or more.
        moment: one of `MOMENTS`.

    Returns:
        Columns scheme, direction, width, seed and `VALUES`.
    """
    squares = of_moment(table, moment).copy()
    squares[[*VALUES]] **= 2
    keys = ["scheme", "direction", "width", "seed"]
    means: pd.DataFrame = squares.groupby(keys, sort=False, as_index=False)[[*VALUES]].mean()
    means[[*VALUES]] **= 0.5
    return means


@dataclass(frozen=True)
class MomentLaw:
    """The error of one scheme, direction and moment.

    Attributes:
        error: its law.
        ratio: that of its ratio to the expected error.
    """

    error: WidthLaw
    ratio: WidthLaw

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        moment: str,
        value: str = "limit_error",
        expected: str = "expected_error",
    ) -> "MomentLaw":
        """Of the rows of one scheme and direction; of `VALUES`, an error and what it is beside."""
        errors = moment_errors(table, moment)
        ratios = errors.assign(ratio=errors[value] / errors[expected])
        return cls(WidthLaw.of(errors, value), WidthLaw.of(ratios, "ratio"))

    @property
    def is_expected(self) -> bool | None:
        """Whether the error falls with n, and is as small as expected.

        It is, if the power's interval lies below 0 and the ratio's at the largest width below
        `FACTOR`; it is not, if the power's lies above `HALF_WAY` or the ratio's above `FACTOR`.
        None if neither, or if the error is not small enough yet for its power to tell. The power's
        interval alone would not do where C_st is nearly of rank one: the error is then that of a
        single variance, and its logarithm scatters widely.
        """
        power, ratio = self.error.power, self.ratio.level
        if ratio.low > FACTOR:
            return False
        if not self.error.level.value < SETTLED:
            return None
        if power.low > HALF_WAY:
            return False
        return True if power.high < 0 and ratio.high < FACTOR else None

    def __str__(self) -> str:
        """The error's law and the ratio at the largest width."""
        return f"{self.error}, {with_interval(*self.ratio.level)} times what is expected"


@dataclass(frozen=True)
class KernelLaw:
    """The kernels of one scheme, direction and moment.

    Attributes:
        variance: the power of n of the variance over seeds.
        scatter: at the largest dense width, relative to the kernel.
        shift: by what part of the n = ∞ value the mean of dense networks misses it as n → ∞, at
            error rate `LEVEL`; not measured without a reference.
        misfit: how often means that are off by order 1/n would be as far from any B/n.
    """

    variance: Estimate
    scatter: float
    shift: Estimate
    misfit: float

    @classmethod
    def of(cls, kernels: pd.DataFrame, moment: str) -> "KernelLaw":
        """Of the rows of one scheme and direction of kernels_in_training.csv."""
        rows = of_moment(kernels, moment)
        rows = rows.assign(variance=rows["contrast"] ** 2)
        keys = ["width", "lazy", "seed"]
        means = rows.groupby(keys, as_index=False)[["variance", "offset"]].mean()
        dense = means[~means["lazy"]]
        widest = dense.loc[dense["width"] == dense["width"].max(), "variance"]
        return cls(pooled(means, "variance"), float(np.sqrt(widest.mean())), *shift(means))

    @property
    def settled(self) -> bool:
        """Whether they scatter so little that powers of 1/n tell something."""
        return self.scatter < SETTLED

    @property
    def averages(self) -> bool | None:
        """Whether the variance falls as n^-1."""
        low, high = self.variance.low, self.variance.high
        if low > HALF_WAY_UP:
            return False
        return True if low > LOWEST and high < HIGHEST else None

    @property
    def meets(self) -> bool | None:
        """Whether the mean tends to the n = ∞ value of other networks, off by order 1/n."""
        low, high = self.shift.low, self.shift.high
        if not self.settled:
            return None
        if self.misfit < LEVEL or not low <= 0 <= high:
            return False
        return True if low > -SETTLED and high < SETTLED else None

    def __str__(self) -> str:
        """Variance and shift."""
        misfit = f" (misfit p = {number(self.misfit, 1)})" if self.misfit < LEVEL else ""
        return (
            f"variance ∝ n^{power(*self.variance)}, a scatter of {number(self.scatter, 2)} of the "
            f"kernel at the largest dense width; mean at n = ∞ off by "
            f"{power(*self.shift)} of it{misfit}"
        )


def shift(offsets: pd.DataFrame) -> tuple[Estimate, float]:
    """The A of offset = A + B/n over dense networks, and the p-value of the law's misfit.

    Offsets are from a value extrapolated linearly in 1/n from the lazy networks, whose error is
    added. All scatter with a variance σ²/n, σ² being that of the dense ones about the law, and of
    the lazy ones about their means.

    Args:
        offsets: a row per training: width, lazy, offset.
    """
    dense, lazy = (offsets[offsets["lazy"] == drawn].dropna() for drawn in (False, True))
    widths = dense["width"].nunique()
    freedom = len(dense) - 2 + len(lazy) - lazy["width"].nunique()
    inside = len(dense) - widths
    if widths < 3 or inside < 1 or lazy["width"].nunique() < 2:
        return NOT_MEASURED, np.nan
    root = np.sqrt(dense["width"].to_numpy(dtype=np.float64))
    design = np.column_stack([root, 1 / root])
    values = root * dense["offset"].to_numpy(dtype=np.float64)
    solved = np.linalg.pinv(design)
    value, slope = solved @ values
    residual = float(np.square(values - design @ (value, slope)).sum())
    variance = (residual + _inside(lazy)) / freedom
    counts = lazy.groupby("width").size()
    inverse = 1 / counts.index.to_numpy(dtype=np.float64)
    weights = np.linalg.pinv(np.column_stack([np.ones_like(inverse), inverse]))[0]
    spread = (solved[0] ** 2).sum() + (weights**2 * inverse / counts.to_numpy()).sum()
    half = float(stdtrit(freedom, 1 - LEVEL / 2) * np.sqrt(variance * spread))
    pure = _inside(dense)
    ratio = (residual - pure) / (widths - 2) / (pure / inside)
    misfit = float(fdtrc(widths - 2, inside, max(ratio, 0.0)))
    return Estimate(float(value), float(value) - half, float(value) + half), misfit


def _inside(offsets: pd.DataFrame) -> float:
    """Σ n (offset - mean of its width)²."""
    means = offsets.groupby("width")["offset"].transform("mean")
    return float((offsets["width"] * (offsets["offset"] - means) ** 2).sum())
