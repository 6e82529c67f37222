"""Covariance preservation, the paper's key lemma, at finite width.

The lemma (Chen et al. 2025): with W_0 of entries N(0, 1/n), the Gaussian parts of its
products with the movements δx_s(ξ) of the features have the covariance

    Cov(Ẑ^{W_0 δx_s(ξ)}, Ẑ^{W_0 δx_t(ζ)}) = E[Z^{δx_s(ξ)} Z^{δx_t(ζ)}],

as if the movements knew nothing of W_0; and backward the same of W_0ᵀ dh. At width n, for entries
of any variance σ², the left hand side is a sample covariance over units, <Ẑ_s(i), Ẑ_t(j)> / (σ² n).
Beside it can stand two things.

- The same network's <δx_s(i), δx_t(j)> / n. The n units of an innovation are N(0, σ²), whatever
  came before, so that the two agree by construction, in every scheme, up to (Isserlis' theorem)

      E ‖sample - C_st‖_F² = (tr C_ss tr C_tt + ‖C_st‖_F²) / n.

  This tests the innovations, not the lemma.
- E[Z^{δx_s} Z^{δx_t}] of the n = ∞ network, from other networks: see
  `infwidth.theory.covariance.kernels`. This is the lemma. Its error has three sources, the sample,
  the scatter of the network's own kernel, and that of the reference:

      E ‖sample - E[Z Z]‖_F² = (tr C_ss tr C_tt + ‖C_st‖_F²) / n + Var(K_st) + Var(reference),

  up to a bias of order 1/n. All of it but the last falls by n^-1.

The lemma is silent on finite n; all of that is ours. Step 0 stands for x_0 itself, later steps for
the movement δx_t = x_t - x_0; backward, every step stands for the signals dh_t.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from infwidth.schemes import Scheme
from infwidth.theory.covariance.kernels import (
    Kernels,
    Limit,
    Place,
    contrasts,
    extrapolated,
    groups,
    observed,
    scaled,
    scatter,
    sizes,
    unit,
)
from infwidth.theory.innovations.products import Array, SplitProduct
from infwidth.theory.innovations.training import Observation

KEYS = ("scheme", "width", "seed", "layer", "direction", "early_step", "late_step")
COLUMNS = (
    *KEYS,
    "error",
    "error_whole",
    "sampling_error",
    "limit_error",
    "limit_error_whole",
    "expected_error",
    "reference_error",
)
KERNEL_COLUMNS = (*KEYS, "lazy", "size", "contrast", "offset")


def lemma_tables(
    name: str,
    scheme: Scheme,
    observations: Sequence[Observation],
    reference: Sequence[Kernels],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How far sample covariances are from what the lemma says, and the kernels from their limit.

    Args:
        name: of the scheme.
        scheme: its powers.
        observations: trainings of any widths and seeds.
        reference: the networks that n = ∞ is extrapolated from.

    Returns:
        Columns `COLUMNS`: one row per dense training, layer (of W_0's outputs, from 2), direction
        and pair s ≤ t of the steps looked at closely. `error` is the Frobenius norm, over all pairs
        of inputs, of the difference between the sample covariance of the Gaussian parts and C_st,
        divided by √(‖C_ss‖_F ‖C_tt‖_F), where C_st = σ² <v_s(i), v_t(j)>; `error_whole` is the same
        with the whole product, Onsager part and all, in the Gaussian part's place;
        `sampling_error` is the root mean square that n independent Gaussian units would give.
        `limit_error` and `limit_error_whole` are those against E[Z Z], and relative to it;
        `expected_error` is the root mean square to be expected of the first, `reference_error` the
        part that E[Z Z] has in that. Of schemes other than µP all is relative to each width's size
        of the kernels, see `sizes`.

        Columns `KERNEL_COLUMNS`: one row per training, dense or `lazy`, layer, direction and pair
        of steps. `size` is ‖K_st‖_F in µP's units. `contrast` is that of `contrasts`, and `offset`
        <K_st - E[Z Z], E[Z Z]> / ‖E[Z Z]‖_F, both relative to E[Z Z] as the errors are.
    """
    trainings = [*(observed(seen) for seen in observations), *reference]
    by_width = dict(groups(trainings))
    known = [each for group in by_width.values() if group[0].lazy for each in scaled(group, scheme)]
    norms = Reference(extrapolated(known))
    errors = [
        (name, seen.width, seen.seed, *row)
        for seen in observations
        for row in _errors(seen, by_width[seen.width, False], scheme, norms)
    ]
    kernels = [
        (name, *row) for group in by_width.values() for row in _kernels(group, scheme, norms)
    ]
    return (
        pd.DataFrame(errors, columns=[*COLUMNS]),
        pd.DataFrame(kernels, columns=[*KERNEL_COLUMNS]),
    )


class Reference(dict[Place, Limit]):
    """The n = ∞ values of kernels."""

    def norm(self, place: Place) -> float:
        """√(‖E_ss‖_F ‖E_tt‖_F), which errors are relative to."""
        layer, direction, *steps = place
        own = [self[layer, direction, step, step].value for step in steps]
        return float(np.sqrt(np.prod([np.linalg.norm(value) for value in own])))


def _errors(
    seen: Observation, group: Sequence[Kernels], scheme: Scheme, limits: Reference
) -> Iterator[tuple[object, ...]]:
    """Place and errors of one dense training; `group`: the kernels of all of its width."""
    size, relative = sizes(group, scheme), scaled(group, scheme)
    for place in observed(seen).values:
        layer, direction, early, late = place
        products = [getattr(seen.snapshots[step, layer], direction) for step in (early, late)]
        first, second = products
        std = seen.stds[layer]
        by_itself = sampling_error(first, second)
        row = [
            covariance_error(first, second, first.unbiased, second.unbiased, std),
            covariance_error(first, second, first.whole, second.whole, std),
            by_itself,
        ]
        if place not in limits:
            yield *place, *row, *[np.nan] * 4
            continue
        norm, limit = limits.norm(place), limits[place]
        # What turns sample covariances into kernels as they are scaled.
        scale = unit(direction, seen.width) / std**2 / seen.width
        scale /= size[layer, direction, early] * size[layer, direction, late]
        for part in ("unbiased", "whole"):
            sample = scale * getattr(first, part) @ getattr(second, part).T
            row.append(float(np.linalg.norm(sample - limit.value)) / norm)
        kept = [each.values[place] for each in relative if place in each.values]
        variance = scatter(np.stack(kept)) + limit.error**2
        row += [float(np.hypot(by_itself, np.sqrt(variance) / norm)), limit.error / norm]
        yield *place, *row


def _kernels(
    group: Sequence[Kernels], scheme: Scheme, limits: Reference
) -> Iterator[tuple[object, ...]]:
    """Width, seed, place, whether lazy, and size, contrast and offset of trainings of one width."""
    relative = scaled(group, scheme)
    for place, limit in limits.items():
        kept = [each for each in relative if place in each.values]
        if not kept:
            continue
        norm, length = limits.norm(place), float(np.linalg.norm(limit.value))
        values = np.stack([each.values[place] for each in kept])
        spread = contrasts(values) / norm
        for each, value, contrast in zip(kept, values, spread, strict=True):
            own = next(one for one in group if one.seed == each.seed).values[place]
            offset = float(np.vdot(value - limit.value, limit.value)) / length / norm
            row = each.lazy, float(np.linalg.norm(own)), contrast, offset
            yield each.width, each.seed, *place, *row


def covariance_error(
    early: SplitProduct, late: SplitProduct, early_part: Array, late_part: Array, std: float
) -> float:
    """‖<a_s(i), a_t(j)> / n - C_st‖_F / √(‖C_ss‖_F ‖C_tt‖_F), C_st = σ² <v_s(i), v_t(j)>.

    Args:
        early: the product with v_s.
        late: the product with v_t.
        early_part: a_s, what of the early product is taken; shape (N, n).
        late_part: a_t.
        std: σ, of an entry of W_0.
    """
    sample = early_part @ late_part.T / early_part.shape[1]
    expected = std**2 * early.vectors @ late.vectors.T
    sizes = [
        np.linalg.norm(std**2 * product.vectors @ product.vectors.T) for product in (early, late)
    ]
    return float(np.linalg.norm(sample - expected) / np.sqrt(sizes[0] * sizes[1]))


def sampling_error(early: SplitProduct, late: SplitProduct) -> float:
    """√((tr C_ss tr C_tt + ‖C_st‖_F²) / n) / √(‖C_ss‖_F ‖C_tt‖_F), which σ does not enter."""
    first, second = early.vectors, late.vectors
    traces = np.vdot(first, first) * np.vdot(second, second)
    square = (traces + np.linalg.norm(first @ second.T) ** 2) / early.gaussian.shape[1]
    size = np.linalg.norm(first @ first.T) * np.linalg.norm(second @ second.T)
    return float(np.sqrt(square / size))
