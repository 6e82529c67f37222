r"""Initialisation in closed form: the kernels of the n = ∞ network, and how far others are off.

Hidden layer by hidden layer the pre-activations of an infinitely wide network at initialisation are
independent draws of a Gaussian process (Neal 1996; Lee et al. 2018; Yang 2019):

    K^1_ij = v_1 <ξ_i, ξ_j>,   X^l_ij = E φ(u) φ(w) with (u, w) ~ N(0, K^l restricted to i, j),
    K^{l+1} = v_{l+1} X^l,

where K^l is the limit of <h^l(ξ_i), h^l(ξ_j)> / n and X^l that of <x^l(ξ_i), x^l(ξ_j)> / n. v_1 is
the variance of an input weight, v_l that of a later weight times n, at the width in question: so
the kernels of IP, which shrink with the width, are covered at every width.

The accuracy of the quadrature is ours.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.special import roots_legendre
from torch import Tensor

from infwidth.measures.features import KINDS, Features
from infwidth.measures.spectra import spectra
from infwidth.network.activations import ACTIVATIONS
from infwidth.network.initialisation import roles
from infwidth.schemes import Scheme
from infwidth.theory.measuring import Files, Settings, Tables

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


@dataclass(frozen=True)
class KernelRow:
    """One row of kernels.csv; NaN stands for an empty cell."""

    scheme: str
    width: int
    seed: int
    layer: int
    kind: str
    error: float
    min_eig: float
    resolution: float
    limit_min_eig: float
    limit_resolution: float
    limit_mean_eig: float


def gaussian_expectation(
    covariance: Array, function: Function, nodes: int = FEWEST_NODES
) -> tuple[Array, float]:
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
        nodes: in each direction, to begin with.

    Returns:
        The expectations, shape (N, N), and an upper estimate of the absolute error of an entry.
        Where g jumps at 0, rounding of a correlation near ±1 adds up to 1e-8 to that.

    Raises:
        ValueError: the error stays above COARSE of the largest entry.
    """
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


def nngp(
    inputs_gram: Array, variances: Sequence[float], activation: Function, nodes: int = FEWEST_NODES
) -> list[LayerKernels]:
    """The kernels of every hidden layer.

    Args:
        inputs_gram: <ξ_i, ξ_j>, shape (N, N).
        variances: v_1, ..., v_L: those of `weight_variances` but for the output layer's.
        activation: φ, entrywise on float64 tensors.
        nodes: as in `gaussian_expectation`.

    Raises:
        ValueError: as in `gaussian_expectation`.
    """
    return _kernels(inputs_gram, variances, activation, {}, nodes)


def _kernels(
    inputs_gram: Array,
    variances: Sequence[float],
    activation: Function,
    known: dict[tuple[float, ...], LayerKernels],
    nodes: int = FEWEST_NODES,
) -> list[LayerKernels]:
    """`nngp`, which computes no layer twice whose variances up to there it has met before."""
    kernels: list[LayerKernels] = []
    feature = inputs_gram
    for depth, variance in enumerate(variances, 1):
        key = tuple(variances[:depth])
        if key not in known:
            preactivation = variance * feature
            known[key] = LayerKernels(
                preactivation, *gaussian_expectation(preactivation, activation, nodes)
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


def kernels_table(
    inputs: Array,
    trainings: Iterable[tuple[str, Features]],
    schemes: Mapping[str, Scheme],
    *,
    activation: str,
    init_std: float,
    reference_width: float,
    hidden_layers: int,
) -> pd.DataFrame:
    """Measured Gram matrices at step 0 beside the closed form, for each layer and seed.

    Args:
        inputs: the N training inputs, shape (N, d).
        trainings: (scheme, its features at one width).
        schemes: by name.
        activation: φ's name.
        init_std: σ.
        reference_width: n0.
        hidden_layers: L.

    Returns:
        One row for each scheme, width, seed, layer and kind. `error` is ‖K_n - K‖_F / ‖K‖_F with
        K_n the Gram matrix of h (kind x: of x) over n; `min_eig` its least eigenvalue; and
        `limit_min_eig`, `limit_mean_eig` the least and the mean eigenvalue of the closed form at
        this width's variances. Least eigenvalues under the resolution of their computation, which
        stands beside them, are NaN.
    """
    gram = inputs @ inputs.T
    value = ACTIVATIONS[activation].value
    known: dict[tuple[float, ...], LayerKernels] = {}
    rows: list[KernelRow] = []
    for name, features in trainings:
        variances = weight_variances(
            schemes[name],
            features.width,
            hidden_layers=hidden_layers,
            init_std=init_std,
            reference_width=reference_width,
        )[:-1]
        rows += _rows(name, features, _kernels(gram, variances, value, known))
    return pd.DataFrame([asdict(row) for row in rows], columns=[*KernelRow.__dataclass_fields__])


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


def _rows(name: str, features: Features, kernels: Sequence[LayerKernels]) -> Iterator[KernelRow]:
    """The rows of one training."""
    samples = features.factors.shape[-1] // 2
    initial = features.factors[0]
    measured = spectra(initial, features.width, features.unit_roundoff)
    roots = initial[..., :samples]
    grams = roots.mT @ roots / features.width
    for (kind, kind_name), (layer, kernel) in itertools.product(
        enumerate(KINDS), enumerate(kernels)
    ):
        limit = kernel.feature if kind_name == "x" else kernel.preactivation
        eigenvalues = np.linalg.eigvalsh(limit)
        # By Weyl's inequality an eigenvalue moves by no more than the norm of the errors: that of
        # the quadrature, in this and in the layer before, and rounding.
        before = kernels[layer - 1] if layer else None
        quadrature = kernel.quadrature_error if kind_name == "x" else 0.0
        if before is not None:
            carried = before.quadrature_error / float(np.abs(before.feature).max())
            quadrature += carried * float(np.abs(limit).max())
        rounding = float(np.finfo(np.float64).eps) * float(eigenvalues[-1])
        limit_resolution = samples * (quadrature + rounding)
        for place, seed in enumerate(features.seeds):
            index = (kind, layer, place)
            if not np.isfinite(grams[index]).all():
                continue
            resolution = float(measured.resolution[index])
            yield KernelRow(
                scheme=name,
                width=features.width,
                seed=int(seed),
                layer=layer + 1,
                kind=kind_name,
                error=float(np.linalg.norm(grams[index] - limit) / np.linalg.norm(limit)),
                min_eig=_resolved(float(measured.gram[index][0]), resolution),
                resolution=resolution,
                limit_min_eig=_resolved(float(eigenvalues[0]), limit_resolution),
                limit_resolution=limit_resolution,
                limit_mean_eig=float(eigenvalues.mean()),
            )


def _resolved(value: float, resolution: float) -> float:
    return value if value > resolution else math.nan


def measured(files: Files, settings: Settings) -> Tables:
    """The table of the statement."""
    table = kernels_table(
        files.dataset().train_inputs,
        files.features(settings["schemes"]),
        {name: Scheme(**exponents) for name, exponents in settings["schemes"].items()},
        activation=settings["activation"],
        init_std=settings["init_std"],
        reference_width=settings["reference_width"],
        hidden_layers=settings["hidden_layers"],
    )
    return {"kernels": table}
