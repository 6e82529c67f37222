"""Covariance preservation, the paper's key lemma, at finite width.

The lemma (Chen et al. 2025): with W_0 of entries N(0, 1/n), the Gaussian parts of its
products with the movements δx_s(ξ) of the features have the covariance

    Cov(Ẑ^{W_0 δx_s(ξ)}, Ẑ^{W_0 δx_t(ζ)}) = E[Z^{δx_s(ξ)} Z^{δx_t(ζ)}],

as if the movements knew nothing of W_0; and backward the same of W_0ᵀ dh. At width n the left hand
side is the sample covariance over units, <Ẑ_s(i), Ẑ_t(j)> / n, and the right hand side, for
entries of any variance σ², is C_st = σ² <δx_s(i), δx_t(j)>. The lemma is silent on finite n; were
the n units independent and exactly Gaussian, the difference would be (Isserlis' theorem)

    E ‖sample - C_st‖_F² = (tr C_ss tr C_tt + ‖C_st‖_F²) / n,

which falls by n^-1/2 and is what errors are held against here. All of that is ours.

Step 0 stands for x_0 itself, later steps for the movement δx_t = x_t - x_0; backward, every step
stands for the signals dh_t.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

from infwidth.theory.covariance.names import DIRECTIONS, Direction
from infwidth.theory.innovations.products import Array, SplitProduct
from infwidth.theory.innovations.training import Observation

COLUMNS = (
    "scheme",
    "width",
    "seed",
    "layer",
    "direction",
    "early_step",
    "late_step",
    "error",
    "error_whole",
    "sampling_error",
)


def covariance_table(scheme: str, observations: Iterable[Observation]) -> pd.DataFrame:
    """How far sample covariances are from what the lemma says.

    Args:
        scheme: its name.
        observations: trainings of any widths and seeds.

    Returns:
        Columns `COLUMNS`: one row per training, layer (of W_0's outputs, from 2), direction and
        pair s ≤ t of the steps looked at closely. `error` is the Frobenius norm, over all pairs of
        inputs, of the difference between the sample covariance of the Gaussian parts and C_st,
        divided by √(‖C_ss‖_F ‖C_tt‖_F), where C_st = σ² <v_s(i), v_t(j)>; `error_whole` is the same
        with the whole product, Onsager part and all, in the Gaussian part's place;
        `sampling_error` is the root mean square that n independent Gaussian units would give.
    """
    rows = [(scheme, seen.width, seen.seed, *row) for seen in observations for row in _errors(seen)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _errors(seen: Observation) -> Iterator[tuple[int, Direction, int, int, float, float, float]]:
    """Layer, direction, early step, late step and the three errors."""
    for layer, std in seen.stds.items():
        for direction in DIRECTIONS:
            products: dict[int, SplitProduct] = {
                step: getattr(seen.snapshots[step, layer], direction) for step in seen.close_steps
            }
            for early, late in combinations_with_replacement(seen.close_steps, 2):
                first, second = products[early], products[late]
                errors = (
                    covariance_error(first, second, first.unbiased, second.unbiased, std),
                    covariance_error(first, second, first.whole, second.whole, std),
                    sampling_error(first, second),
                )
                yield layer, direction, early, late, *errors


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
