"""Exponents in the width n, with intervals over seeds, corrected for the finite-width effect.

The law fitted to the means over seeds of log(metric) is

    log metric = log C + b log n + κ log F_l(n),    κ within `CORRECTION_POWERS`.

F_l(n) is the factor by which sampling n units lowers a least eigenvalue of layer l under its limit
(see `finite_width`). κ = 1 at initialisation, and less for what training adds, which is no sample
of independent Gaussians; few widths with n ≫ N cannot tell a larger κ from a smaller b. Metrics
that are not least eigenvalues have no such term. Whether a single power describes the data at all
is asked in `misfit`.

Whatever is fitted is a sum of means over seeds with fixed weights. Logarithms are taken as normal,
with a variance of their own at each width, and replicas at different widths are independent: its
95 % interval is that of Student's t with the degrees of freedom of Welch and Satterthwaite.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from infwidth.measures.estimate import NOT_MEASURED, Estimate

Array = NDArray[np.float64]

UPPER_QUANTILE = 0.975
# The least and the largest κ.
CORRECTION_POWERS = (0.0, 1.0)
# Other bounds, which show what hangs on these: no correction, the whole of it, and any.
OTHER_POWERS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"raw": (0.0, 0.0), "full": (1.0, 1.0), "unbounded": (0.0, math.inf)}
)


@dataclass(frozen=True)
class PowerLaw:
    """A fitted power of the width.

    Attributes:
        exponent: b.
        correction_power: κ.
        others: b of the same points within each of `OTHER_POWERS`.
        r_squared: of the fit to the means of the logarithms.
        widths: how many widths took part.
    """

    exponent: Estimate
    correction_power: float
    others: Mapping[str, Estimate]
    r_squared: float
    widths: int

    @property
    def raw_exponent(self) -> float:
        """b without correction."""
        return self.others["raw"].value


NOT_FITTED = PowerLaw(
    NOT_MEASURED, math.nan, dict.fromkeys(OTHER_POWERS, NOT_MEASURED), math.nan, widths=0
)


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


class LinearLaw:
    """Least squares of the means on a design, with κ times log F beside it, κ being bounded.

    Where κ would exceed a bound it is set there and the rest refitted, which is the exact solution
    for one bounded parameter.

    Attributes:
        logs: what is fitted.
        design: shape (groups, parameters).
        factors: log F at each group; zeros in a law without it.
        power: κ; 0 in a law without it.
        corrected: the means without κ log F.
        coefficients: all parameters but κ.
    """

    def __init__(
        self,
        logs: Logarithms,
        design: Array,
        factors: Array | None,
        powers: tuple[float, float] = CORRECTION_POWERS,
    ) -> None:
        """Fit.

        Args:
            logs: what is fitted.
            design: shape (groups, parameters).
            factors: log F at each group; None: the law has no κ.
            powers: the least and the largest κ.
        """
        self.logs, self.design, self.powers = logs, design, powers
        self.has_factors = factors is not None
        self.factors = np.zeros_like(logs.means) if factors is None else factors
        self._free = np.zeros_like(logs.means)
        if self.has_factors:
            self._free = np.linalg.pinv(np.column_stack([design, self.factors]))[-1]
        self.power = float(np.clip(self._free @ logs.means, *powers)) if self.has_factors else 0.0
        self.corrected = logs.means - self.power * self.factors
        self._plain = np.linalg.pinv(design)
        self.coefficients = self._plain @ self.corrected

    @property
    def residuals(self) -> Array:
        """What the law leaves of each mean."""
        return self.corrected - self.design @ self.coefficients

    @property
    def all_parameters(self) -> Array:
        """The design, and log F beside it where κ lies between its bounds."""
        free = self.has_factors and self.powers[0] < self.power < self.powers[1]
        return np.column_stack([self.design, self.factors]) if free else self.design

    def weights(self, index: int) -> Array:
        """Those of the corrected means in a parameter."""
        row: Array = self._plain[index]
        return row

    def estimate(self, weights: Array) -> Estimate:
        """A weighted sum of the corrected means with its 95 % interval.

        The interval is that of a free κ, but reaches no further than the interval at either bound
        does: whatever κ is, it lies between them.
        """
        value, margin = float(weights @ self.corrected), self.logs.half_width(weights)
        if not self.has_factors:
            return Estimate(value, value - margin, value + margin)
        slope = float(weights @ self.factors)
        free = weights - slope * self._free
        middle, free_margin = float(free @ self.logs.means), self.logs.half_width(free)
        ends = sorted(float(weights @ self.logs.means) - bound * slope for bound in self.powers)
        low = min(max(middle - free_margin, ends[0] - margin), value - margin)
        high = max(min(middle + free_margin, ends[1] + margin), value + margin)
        return Estimate(value, low, high)


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


def fit(
    logs: Logarithms,
    design: Array,
    factors: Array | None,
    index: int,
    powers: tuple[float, float] = CORRECTION_POWERS,
) -> Fit:
    """A parameter of a `LinearLaw`, by its index."""
    law = LinearLaw(logs, design, factors, powers)
    return Fit(law.estimate(law.weights(index)), law.coefficients, law.power)


def geometric_mean(values: Array) -> Estimate:
    """Geometric mean of positive values, shape (seeds,)."""
    return fit(Logarithms([values]), np.ones((1, 1)), None, index=0).parameter.exponential


def mean(values: Array) -> Estimate:
    """Arithmetic mean of values, shape (seeds,)."""
    middle, count = float(values.mean()), len(values)
    if count < 2:
        return Estimate(middle, math.nan, math.nan)
    half = float(stdtrit(count - 1, UPPER_QUANTILE) * values.std(ddof=1)) / math.sqrt(count)
    return Estimate(middle, middle - half, middle + half)


def power_design(widths: Sequence[int]) -> Array:
    """Of log C + b log n, shape (widths, 2)."""
    log_widths = np.log(np.asarray(widths, dtype=np.float64))
    return np.column_stack([np.ones_like(log_widths), log_widths])


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
    logs, design = Logarithms(values), power_design(widths)
    law = LinearLaw(logs, design, log_factors)
    others = {
        rule: fit(logs, design, log_factors, 1, powers).parameter
        for rule, powers in OTHER_POWERS.items()
    }
    total = ((logs.means - logs.means.mean()) ** 2).sum()
    return PowerLaw(
        exponent=law.estimate(law.weights(1)),
        correction_power=law.power,
        others=others,
        r_squared=float(1 - (law.residuals**2).sum() / total) if total > 0 else math.nan,
        widths=len(widths),
    )
