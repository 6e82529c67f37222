"""How far sampling n units lowers the least eigenvalue of a Gram matrix under its limit.

The Gram matrix of m columns of layer-l features is a mean over n units. For Gaussian units whose
limit has the eigenvalues τ_1 ≤ ... ≤ τ_m it is a Wishart matrix: its least eigenvalue is τ_1 times
a factor F(n) that tends to (1 - √(m/n))² where all τ are equal (Marchenko & Pastur 1967), and lies
nearer to 1 where τ_1 stands apart from the rest. And a layer's covariance is itself a sample from
the layer before, so l samples are nested: F_l(n) belongs to a product of l Wishart factors. It is
computed for the spectrum at hand, from random draws whose cost does not depend on n.
"""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

Array = NDArray[np.float64]

# The log of a least eigenvalue scatters by some 15 % at n = 2m, so its mean by 2 %: less than the
# seeds' own scatter. The same quantiles serve every n, which keeps F smooth in n.
DRAWS = 64
# Converged to the scatter of the draws on spectra from well separated to all equal.
DEBIASING_ROUNDS = 4


def expected_log_spectrum(limit: Array, width: int, stages: int) -> Array:
    """Expected logarithms of the ordered eigenvalues of a nested sample covariance.

    Args:
        limit: eigenvalues of the covariance, ascending, positive, shape (m,).
        width: n ≥ m, samples drawn at each stage.
        stages: l, how many times a covariance is replaced by that of n samples from it.

    Returns:
        Shape (m,). Each stage multiplies the root of the covariance by a triangular matrix
        (Bartlett's decomposition).
    """
    size = len(limit)
    rng = np.random.default_rng(0)
    diagonal = np.arange(size)
    roots = np.broadcast_to(np.diag(np.sqrt(limit)), (DRAWS, size, size))
    for _ in range(stages):
        triangle = np.tril(rng.standard_normal((DRAWS, size, size)), -1)
        # Quantiles of chi-squared variables with n - i degrees of freedom.
        quantiles = rng.uniform(size=(DRAWS, size))
        chi_squared = 2 * gammaincinv((width - diagonal) / 2, quantiles)
        triangle[:, diagonal, diagonal] = np.sqrt(chi_squared)
        roots = roots @ triangle / np.sqrt(width)
    singular = np.linalg.svd(roots, compute_uv=False)[:, ::-1]
    mean: Array = np.log(singular**2).mean(axis=0)
    return mean


def limit_spectrum(measured: Array, width: int, stages: int) -> Array:
    """The limit whose expected spectrum at width n is the measured one (fixed-point iteration)."""
    limit = measured
    for _ in range(DEBIASING_ROUNDS):
        excess = expected_log_spectrum(limit, width, stages) - np.log(measured)
        limit = np.sort(limit * np.exp(-excess))
    return limit


def nearest_step(known: Iterable[int], step: int) -> int:
    """The step, of those whose spectra are known, that is nearest in the logarithm of the step.

    Raises:
        ValueError: none is known.
    """
    return min(set(known), key=lambda other: abs(math.log((1 + other) / (1 + step))))


def log_factors(measured: Array, widths: Sequence[int], stages: int) -> Array:
    """Logarithm of F_l(n) at each width.

    Args:
        measured: spectrum at the largest of the widths, ascending, positive, shape (m,).
        widths: each at least m.
        stages: l, the layer.
    """
    return np.array(_log_factors(tuple(measured), tuple(widths), stages))


# A spectrum stands for several steps and metrics.
@lru_cache(maxsize=256)
def _log_factors(
    measured: tuple[float, ...], widths: tuple[int, ...], stages: int
) -> tuple[float, ...]:
    limit = limit_spectrum(np.array(measured), max(widths), stages)
    least = math.log(limit[0])
    return tuple(float(expected_log_spectrum(limit, n, stages)[0]) - least for n in widths)
