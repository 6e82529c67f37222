"""Eigenvalues of Gram matrices, as squared singular values of R factors, and their resolution.

With A = [h^0, δh] = Q R, the features at step t are h^t = h^0 + δh = A [I; I], and the space-time
features [h^0, h^t] = A [[I, I], [0, I]]; the same products with R have the same singular values.
Eigenvalues are divided by the width n, so that entries of the Gram matrix are O(1).

A value can be trusted down to the rounding of the features it came from. Storing an entry a
perturbs it by at most u |a| (u: the unit roundoff), so by Weyl's inequality no singular value moves
by more than ‖E‖_F ≤ u ‖A‖_F. Eigenvalues under the square of that bound are not resolved.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infwidth.measures.features import Features

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Spectra:
    """Metrics of R factors of any leading shape (...).

    Attributes:
        feature_change: mean over samples of ‖h^t - h^0‖ / ‖h^0‖, shape (...); NaN if one of
            the h^0 is zero.
        gram: eigenvalues of <h^t_i, h^t_j> / n, ascending, shape (..., N).
        spacetime: eigenvalues of the space-time Gram / n, ascending, (..., 2N); NaN if 2N > n.
        resolution: the least eigenvalue of `gram` that is resolved, shape (...).
        spacetime_resolution: the same of `spacetime`; NaN if 2N > n.
    """

    feature_change: Array
    gram: Array
    spacetime: Array
    resolution: Array
    spacetime_resolution: Array


def spectra(factors: Array, width: int, unit_roundoff: float) -> Spectra:
    """Spectra of R factors of [h^0, δh].

    Args:
        factors: shape (..., 2N, 2N); NaN gives NaN.
        width: n.
        unit_roundoff: of the precision that h^0 and δh are stored in.
    """
    samples = factors.shape[-1] // 2
    initial, change = factors[..., :samples], factors[..., samples:]
    final = initial + change
    norms_initial = np.linalg.norm(initial, axis=-2)
    norms_change = np.linalg.norm(change, axis=-2)
    # Features that are all zero have no relative change.
    present = norms_initial > 0
    ratios = np.divide(
        norms_change, norms_initial, out=np.full_like(norms_change, np.nan), where=present
    )
    feature_change = ratios.mean(axis=-1)

    size_initial = np.linalg.norm(norms_initial, axis=-1)
    size_change = np.linalg.norm(norms_change, axis=-1)
    size_final = np.linalg.norm(final, axis=(-2, -1))
    double = np.finfo(np.float64).eps
    # h^t inherits the roundings of h^0 and of δh. In the space-time matrix the rounding of h^0
    # moves both halves alike and cannot part them: only that of δh lifts its least eigenvalue.
    # The singular values themselves are computed in float64.
    floor = unit_roundoff * (size_initial + size_change) + double * size_final
    spacetime_floor = unit_roundoff * size_change + double * (size_initial + size_final)

    gram = _eigenvalues(final) / width
    if width >= 2 * samples:
        spacetime = _eigenvalues(np.concatenate([initial, final], axis=-1)) / width
    else:
        spacetime = np.full((*factors.shape[:-2], 2 * samples), np.nan)
        spacetime_floor = np.full_like(spacetime_floor, np.nan)
    return Spectra(
        feature_change=feature_change,
        gram=gram,
        spacetime=spacetime,
        resolution=floor**2 / width,
        spacetime_resolution=spacetime_floor**2 / width,
    )


def _eigenvalues(factors: Array) -> Array:
    """Squared singular values, ascending; NaN for a matrix with NaN."""
    values = np.full((*factors.shape[:-2], factors.shape[-1]), np.nan)
    finite = np.isfinite(factors).all(axis=(-2, -1))
    values[finite] = np.linalg.svd(factors[finite], compute_uv=False)[..., ::-1] ** 2
    return values


def spectra_of(features: Features) -> Spectra:
    """Spectra of every snapshot, kind, layer and replica; leading shape (S, 2, L, R)."""
    return spectra(features.factors, features.width, features.unit_roundoff)
