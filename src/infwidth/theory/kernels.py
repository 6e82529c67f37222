r"""Initialisation in closed form: the kernels of the n = ∞ network, and how far others are off.

Hidden layer by hidden layer the pre-activations of an infinitely wide network at initialisation are
independent draws of a Gaussian process (Neal 1996; Lee et al. 2018; Yang 2019):

    K^1_ij = v_1 <ξ_i, ξ_j>,   X^l_ij = E φ(u) φ(w) with (u, w) ~ N(0, K^l restricted to i, j),
    K^{l+1} = v_{l+1} X^l,

where K^l is the limit of <h^l(ξ_i), h^l(ξ_j)> / n and X^l that of <x^l(ξ_i), x^l(ξ_j)> / n. v_1 is
the variance of an input weight, v_l that of a later weight times n, at the width in question: so
the kernels of IP, which shrink with the width, are covered at every width.

At finite n a kernel is a mean over n units, so ‖K_n - K‖_F / ‖K‖_F ∝ n^-1/2. And Theorem 4.5 of
Chen et al. (2025) at t = 0 says that the kernels are positive definite; by Weyl's inequality
|λ_min(K_n) - λ_min(K)| ≤ ‖K_n - K‖_F, so the least eigenvalues must meet too. The thresholds and
the accuracy of the quadrature are ours.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import cast

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.special import roots_legendre
from torch import Tensor

from infwidth.activations import ACTIVATIONS
from infwidth.features import KINDS, Features
from infwidth.initialisation import roles
from infwidth.paper.numbers import number
from infwidth.scaling import PowerLaw
from infwidth.schemes import Scheme
from infwidth.spectra import spectra
from infwidth.theory.finding import Finding, conjunction, verdict
from infwidth.theory.powers import falls, fitted, in_words

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

# The error of a mean over n units falls as n^-1/2. A layer agrees if its exponent's interval lies
# within TOLERANCE of that, or holds it without being wider than DECISIVE; one that lies wholly
# outside disagrees. At widths of some hundreds the next term, n^-1, still adds a few hundredths.
EXPECTED, TOLERANCE, DECISIVE = -0.5, 0.1, 0.5
# Kernels of two widths are the same limit if their mean eigenvalues agree to this part: their
# variances are squares of rounded roots.
SAME = 1e-6


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


def findings(table: pd.DataFrame) -> list[Finding]:
    """What kernels.csv says of the initial kernels and of how they are approached."""
    return [_error_finding(table), _positive_finding(with_limit(table)), _least_finding(table)]


def error_laws(table: pd.DataFrame) -> dict[tuple[str, str, int], PowerLaw]:
    """The fitted power of n of the error, by scheme, kind and layer."""
    laws = {}
    for key, rows in table.groupby(["scheme", "kind", "layer"], sort=False):
        scheme, kind, layer = cast(tuple[str, str, int], key)
        laws[scheme, kind, int(layer)] = fitted(rows[rows["error"] > 0], "error")
    return laws


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


def with_limit(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the schemes whose kernels are the same at every width, in every layer."""
    spread = table.groupby(["scheme", "kind", "layer"])["limit_mean_eig"].agg(["min", "max"])
    same = (spread["max"] - spread["min"] <= SAME * spread["max"]).groupby("scheme").all()
    return table[table["scheme"].map(same).astype(bool)]


def _agrees(law: PowerLaw) -> bool | None:
    """Whether an exponent is the expected one; None where its interval does not decide."""
    if not (math.isfinite(law.low) and math.isfinite(law.high)):
        return None
    if max(abs(law.low - EXPECTED), abs(law.high - EXPECTED)) <= TOLERANCE:
        return True
    if law.low > EXPECTED + TOLERANCE or law.high < EXPECTED - TOLERANCE:
        return False
    return True if law.low <= EXPECTED <= law.high and law.high - law.low <= DECISIVE else None


def _names(table: pd.DataFrame) -> str:
    return ", ".join(dict.fromkeys(table["scheme"])) or "no scheme"


def _place(key: tuple[str, str, int]) -> str:
    scheme, kind, layer = key
    return f"{scheme}, {kind} of layer {layer}"


def _error_finding(table: pd.DataFrame) -> Finding:
    laws = error_laws(table)
    answers = {key: _agrees(law) for key, law in laws.items()}
    known = {key: law for key, law in laws.items() if math.isfinite(law.exponent)}
    if known:
        ordered = sorted(known, key=lambda key: known[key].exponent)
        ends = " to ".join(f"{in_words(known[key])} ({_place(key)})" for key in _ends(ordered))
        largest = table[table["width"] == table["width"].max()]["error"]
        agreeing = sum(answer is True for answer in answers.values())
        evidence = (
            f"fitted powers of n from {ends}, {agreeing} of {len(laws)} in agreement with "
            f"−0.5 ± {TOLERANCE}; at n = {table['width'].max()} the relative error is "
            f"{number(largest.min(), 2)} to {number(largest.max(), 2)}"
        )
    else:
        evidence = "too few widths to fit a power of n"
    return Finding(
        "here",
        "the kernels at initialisation approach the closed form as n^-1/2 in every layer "
        f"({_names(table)})",
        verdict(conjunction(answers.values())),
        evidence,
    )


def _ends(ordered: Sequence[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """The first and the last, once if they are the same."""
    return [*dict.fromkeys([ordered[0], ordered[-1]])]


def _positive_finding(table: pd.DataFrame) -> Finding:
    statement = (
        "at initialisation the n = ∞ kernels of h and x are positive definite in every layer "
        f"({_names(table)})"
    )
    limits = table.drop_duplicates(["scheme", "kind", "layer"])
    unresolved = limits[limits["limit_min_eig"].isna()]
    resolved = limits[limits["limit_min_eig"].notna()]
    if limits.empty:
        return Finding("Theorem 4.5, t = 0", statement, verdict(None), "no kernel has a limit")
    if len(unresolved):
        row = unresolved.iloc[0]
        evidence = (
            f"λ_min of {row['kind']} of layer {row['layer']} ({row['scheme']}) is below its "
            f"resolution of {number(row['limit_resolution'], 2)}, and cannot be told from 0"
        )
    else:
        least = resolved.sort_values("limit_min_eig").iloc[0]
        ratio = (resolved["limit_min_eig"] / resolved["limit_resolution"]).min()
        evidence = (
            f"the least λ_min is {number(least['limit_min_eig'])} ({least['kind']} of layer "
            f"{least['layer']}), {number(least['limit_min_eig'] / least['limit_mean_eig'], 2)} "
            f"of the mean eigenvalue; all are at least {number(ratio, 1)} times their resolution"
        )
    holds = None if len(unresolved) else True
    return Finding("Theorem 4.5, t = 0", statement, verdict(holds), evidence)


def least_error(table: pd.DataFrame) -> pd.DataFrame:
    """The largest |λ_min(K_n) / λ_min(K) - 1| over layers and kinds, where all are resolved.

    Args:
        table: kernels.csv.

    Returns:
        Columns scheme, width, seed, value. Kernels whose own least eigenvalue is not resolved, or
        varies with the width, take no part.
    """
    limited = with_limit(table)
    limited = limited[limited["limit_min_eig"].notna()]
    off = (limited["min_eig"] / limited["limit_min_eig"] - 1).abs()
    groups = limited.assign(value=off).groupby(["scheme", "width", "seed"], sort=False)["value"]
    return groups.agg(lambda values: values.max(skipna=False)).dropna().reset_index()


def _least_finding(table: pd.DataFrame) -> Finding:
    """Least eigenvalues are off by n^-1/2 (scatter) to n^-1 (their mean, below the limit)."""
    off = least_error(table)
    laws = {}
    for scheme, rows in off.groupby("scheme", sort=False):
        laws[str(scheme)] = fitted(rows[rows["value"] > 0], "value")
    known = {name: law for name, law in laws.items() if math.isfinite(law.exponent)}
    evidence = "too few widths to fit a power of n"
    if known:
        slowest = max(known, key=lambda name: known[name].exponent)
        widest = off.loc[off["width"] == off["width"].max(), "value"]
        evidence = (
            "over layers and kinds the largest distance, relative to the limit, goes by the power "
            f"{in_words(known[slowest])} of n ({slowest}) or faster, to "
            f"{number(widest.mean(), 2)} at n = {off['width'].max()}"
        )
    return Finding(
        "here",
        "the least eigenvalues of finite networks at initialisation approach those of the "
        f"n = ∞ kernels ({_names(with_limit(table))})",
        verdict(conjunction(falls(law) for law in laws.values())),
        evidence,
    )
