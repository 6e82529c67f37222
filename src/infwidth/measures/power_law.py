"""Exponents in the width n, with intervals over seeds, corrected for the finite-width effect.

The law fitted to the means over seeds of log(metric) is

    log metric = log C + b log n + κ log F_l(n),    κ within `CORRECTION_POWERS`.

F_l(n) is the factor by which sampling n units lowers a least eigenvalue of layer l under its limit
(see `finite_width`). κ = 1 at initialisation; training adds to the features what is not a sample of
independent Gaussians, so κ is fitted, and b is what remains. Metrics that are not least eigenvalues
have no such term.

Whatever is fitted is a sum of means over seeds with fixed weights. Logarithms are taken as normal,
with a variance of their own at each width, and replicas at different widths are independent: its
95 % interval is that of Student's t with the degrees of freedom of Welch and Satterthwaite.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from infwidth.measures.estimate import NOT_MEASURED, Estimate

Array = NDArray[np.float64]

UPPER_QUANTILE = 0.975
# The least and the largest κ.
CORRECTION_POWERS = (0.0, math.inf)


@dataclass(frozen=True)
class PowerLaw:
    """A fitted power of the width.

    Attributes:
        exponent: b.
        correction_power: κ.
        raw_exponent: b of the same points with κ = 0.
        r_squared: of the fit to the means of the logarithms.
        widths: how many widths took part.
    """

    exponent: Estimate
    correction_power: float
    raw_exponent: float
    r_squared: float
    widths: int


NOT_FITTED = PowerLaw(NOT_MEASURED, math.nan, math.nan, math.nan, widths=0)


class Logarithms:
    """The logarithms of positive values over seeds, in groups that are independent.

    Attributes:
        means: of each group.
        counts: how many seeds each group has.
        variances: of each mean; NaN of a single seed.
    """

    def __init__(self, values: Sequence[Array]) -> None:
        """Take groups of values over seeds; lengths may differ."""
        logs = [np.log(group) for group in values]
        self.means = np.array([log.mean() for log in logs])
        self.counts = np.array([len(log) for log in logs])
        self.variances = np.array(
            [log.var(ddof=1) / len(log) if len(log) > 1 else math.nan for log in logs]
        )

    def half_width(self, weights: Array) -> float:
        """Half the interval of a weighted sum of the means; NaN where a single seed has a part."""
        parts = (weights**2 * self.variances)[weights != 0]
        variance = float(parts.sum())
        if not variance > 0:
            return variance
        freedom = variance**2 / float((parts**2 / (self.counts[weights != 0] - 1)).sum())
        return float(stdtrit(freedom, UPPER_QUANTILE)) * math.sqrt(variance)


@dataclass(frozen=True)
class Fit:
    """A parameter of a linear law, with its 95 % interval, and κ.

    Attributes:
        parameter: as it was asked for.
        coefficients: all parameters but κ.
        correction_power: κ; 0 in a law without it.
    """

    parameter: Estimate
    coefficients: Array
    correction_power: float


def geometric_mean(values: Array) -> Estimate:
    """Geometric mean of positive values, shape (seeds,)."""
    return fit(Logarithms([values]), np.ones((1, 1)), None, index=0).parameter.exponential


def fit_power_law(
    widths: Sequence[int], values: Sequence[Array], log_factors: Array | None
) -> PowerLaw:
    """Fit the module's law.

    Args:
        widths: n of each group of values.
        values: positive values over seeds at each width; lengths may differ.
        log_factors: log F_l(n) at each width, or None for a metric without finite-width term.

    Returns:
        The law; all NaN where there is not at least one width more than parameters.
    """
    if len(widths) < (3 if log_factors is None else 4):
        return replace(NOT_FITTED, widths=len(widths))
    log_widths = np.log(np.asarray(widths, dtype=np.float64))
    design = np.stack([np.ones_like(log_widths), log_widths], axis=-1)
    logs = Logarithms(values)
    fitted = fit(logs, design, log_factors, index=1)
    raw = fit(logs, design, None, index=1)
    explained = design @ fitted.coefficients
    if log_factors is not None:
        explained = explained + fitted.correction_power * log_factors
    total = ((logs.means - logs.means.mean()) ** 2).sum()
    return PowerLaw(
        exponent=fitted.parameter,
        correction_power=fitted.correction_power,
        raw_exponent=raw.parameter.value,
        r_squared=float(1 - ((logs.means - explained) ** 2).sum() / total)
        if total > 0
        else math.nan,
        widths=len(widths),
    )


def fit(
    logs: Logarithms,
    design: Array,
    factors: Array | None,
    index: int,
    powers: tuple[float, float] = CORRECTION_POWERS,
) -> Fit:
    """Least squares of the means on a design, with κ times log F beside it, κ being bounded.

    Where κ would exceed a bound it is set there and the rest refitted, which is the exact solution
    for one bounded parameter. The interval is that of a free κ, but reaches no further than the
    interval at either bound does: whatever κ is, it lies between them.

    Args:
        logs: what is fitted.
        design: shape (groups, parameters).
        factors: log F at each group; None: the law has no κ.
        index: of the parameter whose interval is asked for.
        powers: the least and the largest κ.
    """
    plain = np.linalg.pinv(design)
    weights = plain[index]
    margin = logs.half_width(weights)
    if factors is None:
        coefficients = plain @ logs.means
        value = float(coefficients[index])
        return Fit(Estimate(value, value - margin, value + margin), coefficients, 0.0)
    free = np.linalg.pinv(np.column_stack([design, factors]))
    power = float(np.clip(free[-1] @ logs.means, *powers))
    coefficients = plain @ (logs.means - power * factors)
    value = float(coefficients[index])
    middle, free_margin = float(free[index] @ logs.means), logs.half_width(free[index])
    slope = float(weights @ factors)
    ends = sorted(float(weights @ logs.means) - bound * slope for bound in powers)
    low = min(max(middle - free_margin, ends[0] - margin), value - margin)
    high = max(min(middle + free_margin, ends[1] + margin), value + margin)
    return Fit(Estimate(value, low, high), coefficients, power)
