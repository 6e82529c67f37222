r"""The Gaussian processes that networks of infinite width are at initialisation.

Hidden layer by hidden layer the pre-activations of an infinitely wide network at initialisation are
independent draws of a Gaussian process (Neal 1996; Lee et al. 2018; Yang 2019):

    K^1_ij = v_1 <ξ_i, ξ_j>,   X^l_ij = E φ(u) φ(w) with (u, w) ~ N(0, K^l restricted to i, j),
    K^{l+1} = v_{l+1} X^l,

where K^l is the limit of <h^l(ξ_i), h^l(ξ_j)> / n and X^l that of <x^l(ξ_i), x^l(ξ_j)> / n. v_1 is
the variance of an input weight, v_l that of a later weight times n, at the width in question: so
the kernels of IP, which shrink with the width, are covered at every width.

The accuracy of the quadrature is ours.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import roots_legendre
from torch import Tensor

from infwidth.network.initialisation import roles
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme

Array = NDArray[np.float64]
Function = Callable[[Tensor], Tensor]

# Nodes grow by half, from the fewest until the most are passed, until that changes an expectation
# by no more than ACCURACY of the largest. Convergence is geometric for what is smooth but for a
# kink at 0: half the nodes more turn 1e-10 into 1e-15, so what is left then is rounding. What stays
# above COARSE has a kink or a jump elsewhere, and is refused.
FEWEST_NODES, MOST_NODES = 24, 256
ACCURACY = 1e-10
COARSE = 1e-6
# Beyond nine standard deviations lies 3e-18 of a Gaussian's mass in the plane.
RADIUS = 9.0
# Function values held at a time: 32 MB.
CHUNK = 2**22


@dataclass(frozen=True)
class LayerKernels:
    """The kernels of one hidden layer, each of shape (N, N).

    Attributes:
        preactivation: K^l.
        feature: X^l.
        quadrature_error: of an entry of X^l, absolute; an upper estimate: what the last increase of
            the nodes changed.
    """

    preactivation: Array
    feature: Array
    quadrature_error: float


# By the variances up to a layer.
Known = dict[tuple[float, ...], LayerKernels]


def nngp(
    inputs_gram: Array,
    variances: Sequence[float],
    activation: Function,
    known: Known | None = None,
) -> list[LayerKernels]:
    """The kernels of every hidden layer.

    Args:
        inputs_gram: <ξ_i, ξ_j>, shape (N, N).
        variances: v_1, ..., v_L: those of `weight_variances` but for the output layer's.
        activation: φ, entrywise on float64 tensors.
        known: kernels of earlier calls with the same inputs and activation, which are not computed
            again; those of this call are added.

    Raises:
        ValueError: as in `gaussian_expectation`.
    """
    known = {} if known is None else known
    kernels: list[LayerKernels] = []
    feature = inputs_gram
    for depth, variance in enumerate(variances, 1):
        key = tuple(variances[:depth])
        if key not in known:
            preactivation = variance * feature
            known[key] = LayerKernels(
                preactivation, *gaussian_expectation(preactivation, activation)
            )
        kernels.append(known[key])
        feature = known[key].feature
    return kernels


def weight_variances(
    scheme: Scheme, width: int, *, hidden_layers: int, init_std: float, reference_width: float
) -> tuple[float, ...]:
    """v_1, ..., v_{L+1} at one width: Var of an input weight, n Var of any later weight.

    Rounded to 14 digits, without which the rounding of the standard deviations would make another
    kernel of each width.
    """
    stds = (
        scheme.init_std(role, width, sigma=init_std, reference_width=reference_width)
        for role in roles(hidden_layers)
    )
    fan_ins = (1, *[width] * hidden_layers)
    return tuple(
        float(f"{std**2 * fan_in:.14g}") for std, fan_in in zip(stds, fan_ins, strict=True)
    )


def recipe_variances(scheme: Scheme, width: int, recipe: Recipe) -> tuple[float, ...]:
    """Those of the networks of a recipe."""
    return weight_variances(
        scheme,
        width,
        hidden_layers=recipe.hidden_layers,
        init_std=recipe.init_std,
        reference_width=recipe.reference_width,
    )


def gaussian_expectation(covariance: Array, function: Function) -> tuple[Array, float]:
    """E g(u_i) g(u_j) of centred Gaussians u, for every pair.

    With α = arccos(correlation), every pair is u_i = s_i r cos θ and u_j = s_j r cos(θ - α), with r
    Rayleigh distributed and θ uniform: the Cholesky factor of the 2 x 2 block in polar coordinates
    (Cho & Saul 2009). Gauss-Legendre quadrature in r and, between the angles at which u_i or u_j
    changes its sign, in θ converges geometrically for every g that is smooth on either side of 0,
    ReLU and its derivative included, where Gauss-Hermite quadrature in the plane would gain one
    digit for ten times the nodes. Correlations ±1 and variances of 0 are no special cases.

    Args:
        covariance: of u, positive semi-definite, shape (N, N).
        function: g, entrywise on float64 tensors.

    Returns:
        The expectations, shape (N, N), and an upper estimate of the absolute error of an entry.
        Where g jumps at 0, rounding of a correlation near ±1 adds up to 1e-8 to that.

    Raises:
        ValueError: the error stays above COARSE of the largest entry.
    """
    nodes = FEWEST_NODES
    coarse = _at_nodes(covariance, function, nodes)
    while True:
        nodes += nodes // 2
        fine = _at_nodes(covariance, function, nodes)
        error = float(np.abs(fine - coarse).max())
        largest = float(np.abs(fine).max())
        if error <= ACCURACY * largest:
            return fine, error
        if nodes >= MOST_NODES:
            break
        coarse = fine
    if not error <= COARSE * largest:
        raise ValueError(
            f"the quadrature of an activation is uncertain by {error:.1g} at {nodes} x {nodes} "
            f"nodes: it may have a kink or a jump away from 0"
        )
    return fine, error


def _at_nodes(covariance: Array, function: Function, nodes: int) -> Array:
    """The quadrature at nodes x nodes per wedge of the plane."""
    std = np.sqrt(np.clip(np.diag(covariance), 0, None))
    scale = np.outer(std, std)
    correlation = np.divide(covariance, scale, out=np.ones_like(scale), where=scale > 0)
    correlation = np.clip(correlation, -1, 1)
    np.fill_diagonal(correlation, 1)
    first, second = np.triu_indices(len(std))
    angles = np.arccos(correlation[first, second])
    points, weights = roots_legendre(nodes)
    radii = torch.from_numpy(RADIUS / 2 * (1 + points))
    mass = torch.from_numpy(RADIUS / 2 * weights) * radii * torch.exp(-radii.square() / 2)
    unit, share = torch.from_numpy((1 + points) / 2), torch.from_numpy(weights / 2)

    result = np.empty_like(covariance)
    pairs_at_a_time = max(1, CHUNK // nodes**2)
    for start in range(0, len(first), pairs_at_a_time):
        part = slice(start, start + pairs_at_a_time)
        alpha = torch.from_numpy(angles[part])[:, None]
        left = torch.from_numpy(std[first[part]])[:, None, None]
        right = torch.from_numpy(std[second[part]])[:, None, None]
        total = torch.zeros(len(alpha), dtype=torch.float64)
        # u and w of opposite signs, then of the same; the other halves are these mirrored.
        for begin, length in ((-math.pi / 2, alpha), (alpha - math.pi / 2, math.pi - alpha)):
            theta = begin + length * unit
            u = left * (torch.cos(theta)[:, :, None] * radii)
            w = right * (torch.cos(theta - alpha)[:, :, None] * radii)
            product = function(u) * function(w) + function(-u) * function(-w)
            total += length[:, 0] * ((product @ mass) @ share)
        result[first[part], second[part]] = (total / (2 * math.pi)).numpy()
    result[second, first] = result[first, second]
    return result
