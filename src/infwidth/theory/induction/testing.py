"""Tests of what the proof says of an innovation: independent of what is held, and Gaussian."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import shapiro

from infwidth.theory.innovations.products import Array

# A p-value is at least one part in as many.
PERMUTATIONS = 999
# Beyond, the approximation behind the p-values of Shapiro and Wilk's test is not vouched for.
MOST_UNITS = 5000


def independence(news: Array, held: Array, rng: np.random.Generator) -> tuple[float, float, float]:
    """A permutation test of whether the units' news are independent of what is held of them.

    The statistic is the largest absolute correlation, over units, of a row of news or its square
    with a held row or its square. Under independence any order of the news' units is as likely, the
    units being alike: the p-value is exact, whatever the two are distributed like.

    Args:
        news: shape (k, n).
        held: shape (m, n).
        rng: of the permutations.

    Returns:
        The statistic, its p-value, and what it would have to exceed for a p-value of 0.05.
    """
    first, second = _functions(news), _functions(held)
    measured = float(np.abs(first @ second.T).max())
    permuted = np.empty(PERMUTATIONS)
    for place in range(PERMUTATIONS):
        permuted[place] = np.abs(first[:, rng.permutation(first.shape[1])] @ second.T).max()
    # float32 sums of one set in another order are not quite the same.
    reached = int((permuted >= measured * (1 - 1e-6)).sum())
    return measured, (1 + reached) / (1 + PERMUTATIONS), float(np.quantile(permuted, 0.95))


def gaussianity(news: Array) -> tuple[float, float]:
    """Shapiro and Wilk's test of each row, and Bonferroni's bound for all: least W, its p-value."""
    found = [shapiro(row[:MOST_UNITS]) for row in news]
    least = min(found, key=lambda each: each.pvalue)
    return float(least.statistic), min(1.0, len(found) * float(least.pvalue))


def _functions(rows: Array) -> NDArray[np.float32]:
    """The rows and their squares, centred and of unit length; constant ones are left out."""
    both = np.concatenate([rows, rows**2])
    centred = both - both.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    varying = lengths[:, 0] > 1e-9 * np.linalg.norm(both, axis=1)
    unit: NDArray[np.float32] = (centred[varying] / lengths[varying]).astype(np.float32)
    return unit
