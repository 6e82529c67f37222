"""Exponents in the width n, with bootstrap intervals, corrected for the finite-width effect.

The law fitted to the means over seeds of log(metric) is

    log metric = log C + b log n + κ log F_l(n),    κ ≥ 0.

F_l(n) is the factor by which sampling n units lowers a least eigenvalue of layer l under its limit
(see `finite_width`). κ = 1 at initialisation; training adds to the features what is not a sample of
independent Gaussians, so κ is fitted, and b is what remains. Metrics that are not least eigenvalues
have no such term.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BOOTSTRAP_SAMPLES = 2000
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class PowerLaw:
    """A fitted exponent b with its 95 % bootstrap interval over seeds.

    Attributes:
        exponent: b; `low`, `high` its interval (NaN with a single seed).
        correction_power: κ.
        raw_exponent: b of the same points with κ = 0.
        r_squared: of the fit to the means of the logarithms.
        widths: how many widths took part.
    """

    exponent: float
    low: float
    high: float
    correction_power: float
    raw_exponent: float
    r_squared: float
    widths: int


NOT_FITTED = PowerLaw(math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, widths=0)


@dataclass(frozen=True)
class Level:
    """A geometric mean over seeds with its 95 % bootstrap interval (NaN with a single seed)."""

    value: float
    low: float
    high: float


NOT_MEASURED = Level(math.nan, math.nan, math.nan)


def geometric_mean(values: Array, seed: int = 0) -> Level:
    """Geometric mean of positive values, shape (seeds,)."""
    rng = np.random.default_rng(seed)
    means = np.exp(bootstrap_means(np.log(values), rng))
    low, high = bootstrap_interval(means, len(values))
    return Level(float(np.exp(np.log(values).mean())), low, high)


def fit_power_law(
    widths: Sequence[int], values: Sequence[Array], log_factors: Array | None, seed: int = 0
) -> PowerLaw:
    """Fit the module's law.

    Args:
        widths: n of each group of values.
        values: positive values over seeds at each width; lengths may differ.
        log_factors: log F_l(n) at each width, or None for a metric without finite-width term.
        seed: of the bootstrap, which resamples seeds within each width.

    Returns:
        The law; all NaN where there is not at least one width more than parameters.
    """
    if len(widths) < (3 if log_factors is None else 4):
        return replace(NOT_FITTED, widths=len(widths))
    rng = np.random.default_rng(seed)
    log_widths = np.log(np.asarray(widths, dtype=np.float64))
    logs = [np.log(value) for value in values]
    means = np.array([log.mean() for log in logs])
    resampled = np.stack([bootstrap_means(log, rng) for log in logs], axis=-1)
    plain = np.stack([np.ones_like(log_widths), log_widths], axis=-1)
    constrained = log_factors is not None
    design = plain if log_factors is None else np.column_stack([plain, log_factors])
    fitted = least_squares(design, means[None], constrained)[0]
    exponents = least_squares(design, resampled, constrained)[:, 1]
    low, high = bootstrap_interval(exponents, min(map(len, logs)))
    residual = means - design @ fitted
    total = ((means - means.mean()) ** 2).sum()
    return PowerLaw(
        exponent=float(fitted[1]),
        low=low,
        high=high,
        correction_power=float(fitted[2]) if constrained else 0.0,
        raw_exponent=float(least_squares(plain, means[None], constrained=False)[0, 1]),
        r_squared=float(1 - (residual**2).sum() / total) if total > 0 else math.nan,
        widths=len(widths),
    )


def least_squares(design: Array, targets: Array, constrained: bool) -> Array:
    """Least squares for each row of targets, (B, widths) -> (B, parameters).

    Constrained: where the last parameter would be negative it is set to 0 and the rest refitted,
    which is the exact solution for a single bound.
    """
    solution: Array = targets @ np.linalg.pinv(design).T
    if constrained:
        negative = solution[:, -1] < 0
        solution[negative, :-1] = targets[negative] @ np.linalg.pinv(design[:, :-1]).T
        solution[negative, -1] = 0.0
    return solution


def bootstrap_means(values: Array, rng: np.random.Generator) -> Array:
    """Means of resampled values, shape (BOOTSTRAP_SAMPLES,).

    Deviations are widened by √(k / (k - 1)), so that k values resampled have the unbiased variance.
    """
    count = len(values)
    mean = values.mean()
    if count == 1:
        return np.full(BOOTSTRAP_SAMPLES, mean)
    drawn = values[rng.integers(count, size=(BOOTSTRAP_SAMPLES, count))].mean(axis=1)
    widened: Array = mean + (drawn - mean) * np.sqrt(count / (count - 1))
    return widened


def bootstrap_interval(samples: Array, seeds: int) -> tuple[float, float]:
    """The 95 % interval of bootstrap samples; NaN where a single seed leaves no spread."""
    if seeds < 2:
        return math.nan, math.nan
    low, high = np.percentile(samples, INTERVAL)
    return float(low), float(high)
