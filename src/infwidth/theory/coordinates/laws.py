r"""The law of a coordinate, and how far the coordinates of one network are from it.

The Wasserstein-1 distance of two laws on the line is ∫ |F⁻¹(p) - G⁻¹(p)| dp. The n coordinates of
one network are taken as a law of n equal atoms. Were they independent draws of the law F,
√n times their distance would tend to ∫ |B(F(h))| dh with a Brownian bridge B (del Barrio, Giné &
Matrán 1999), of mean √(2/π) ∫ √(F (1 - F)) dh; where F itself is known from m draws, n becomes
1 / (1/n + 1/m).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]

# Quantiles of a law to each coordinate.
FINE = 8
# Those at which quantiles are told: of a standard Gaussian, they are -3, -2.75, ..., 3.
PROBABILITIES: Array = ndtr(np.linspace(-3, 3, 25))
# Of the probabilities that a law's scale and its expected distance are integrated over.
POINTS = 4096


@dataclass(frozen=True)
class Law:
    """A law for each of N inputs.

    Attributes:
        quantile: probabilities, ascending -> quantiles, shape (N, probabilities).
        draws: m, of how many it is known; infinite where it is in closed form.
    """

    quantile: Callable[[Array], Array]
    draws: float

    @cached_property
    def scale(self) -> Array:
        """The standard deviations, (N,)."""
        scales: Array = self.quantile(_middles(POINTS)).std(axis=-1)
        return scales


def gaussian(std: Array) -> Law:
    """Centred Gaussian laws of these standard deviations, shape (N,)."""
    return Law(lambda p: std[:, None] * ndtri(p), np.inf)


def image(law: Law, function: Callable[[Array], Array]) -> Law:
    """The laws of a function of what follows a law."""
    # As many atoms of equal mass as are asked for, in their new order.
    return Law(lambda p: np.sort(function(law.quantile(p)), axis=-1), law.draws)


def sampled(values: Array) -> Law:
    """The laws of coordinates, shape (R, N, n), those of all R networks together."""
    pooled = np.sort(np.moveaxis(values, 1, 0).reshape(values.shape[1], -1), axis=-1)
    places = _middles(pooled.shape[-1])
    return Law(lambda p: np.stack([np.interp(p, places, each) for each in pooled]), len(places))


def distances(values: Array, law: Law) -> Array:
    """Distance of each network's coordinates from the law, in its standard deviations.

    Args:
        values: coordinates, shape (R, N, n).
        law: for the N inputs.

    Returns:
        Means over inputs, shape (R,).
    """
    count = values.shape[-1]
    quantiles = law.quantile(_middles(FINE * count)).reshape(-1, count, FINE)
    apart = np.abs(np.sort(values, axis=-1)[..., None] - quantiles).mean(axis=(-2, -1))
    means: Array = (apart / law.scale).mean(axis=-1)
    return means


def expected_distance(law: Law, count: int) -> float:
    """What `distances` comes to for `count` independent draws; mean over inputs."""
    p = _middles(POINTS)
    edges = (p[1:] + p[:-1]) / 2
    widths = np.diff(law.quantile(p), axis=-1) / law.scale[:, None]
    integral = (np.sqrt(edges * (1 - edges)) * widths).sum(axis=-1)
    return float(np.sqrt(2 / np.pi * (1 / count + 1 / law.draws)) * integral.mean())


def _middles(count: int) -> Array:
    return (np.arange(count) + 0.5) / count


@dataclass(frozen=True)
class Correlation:
    """Of two coordinates of a network, over seeds, with its standard error.

    Attributes:
        pairs: over all pairs of coordinates.
        neighbours: over the pairs 1 and 2, 3 and 4, ... alone.
    """

    pairs: tuple[float, float]
    neighbours: tuple[float, float]


def correlation(values: Array, moment: int) -> Correlation:
    """Correlation of functions of two different coordinates, over networks.

    The functions are h(ξ_i) (moment 1) or h(ξ_i) h(ξ_j) (moment 2), of all inputs or pairs of
    inputs; what is told is Σ Cov / Σ Var. With y the functions less their means, and S_r their sums
    over the n units of network r,  Σ_r |S_r|² / (R - 1) is an unbiased estimate of
    n Σ Var (1 + (n - 1) ρ).

    Args:
        values: coordinates, shape (R, N, n).
        moment: 1 or 2.
    """
    functions = values
    if moment == 2:
        first, second = np.triu_indices(values.shape[1])
        functions = values[:, first] * values[:, second]
    count, units = len(values), values.shape[-1]
    y = functions - functions.mean(axis=(0, 2), keepdims=True)
    variance = np.square(y).sum(axis=1).mean()
    if count < 2 or units < 2 or not variance > 0:
        return Correlation((np.nan, np.nan), (np.nan, np.nan))
    sums = np.square(y.sum(axis=-1)).sum(axis=-1) * count / (count - 1)
    even = units - units % 2
    beside = (y[..., 0:even:2] * y[..., 1:even:2]).sum(axis=1).mean(axis=-1)
    return Correlation(
        _mean((sums / (units * variance) - 1) / (units - 1)), _mean(beside / variance)
    )


def _mean(values: Array) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
