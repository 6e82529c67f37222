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
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Literal

import numpy as np
import pandas as pd

from infwidth.paper.numbers import with_interval
from infwidth.theory.finding import Finding, conjunction, negation, verdict
from infwidth.theory.innovations import Array, Observation, Product
from infwidth.theory.powers import HALF_WAY, WidthLaw

Direction = Literal["forward", "backward"]
DIRECTIONS: tuple[Direction, Direction] = ("forward", "backward")
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
# Errors of up to so many times that of a sample of n Gaussian units count as being of that size:
# units of a finite network are neither quite independent nor quite Gaussian.
FACTOR = 2.0

LEMMA = "Covariance preservation (key lemma)"
PRODUCTS = {
    "forward": ("W_0 δx_t", "E[Z^{δx_s} Z^{δx_t}]"),
    "backward": ("W_0ᵀ dh_t", "E[Z^{dh_s} Z^{dh_t}]"),
}


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
            products: dict[int, Product] = {
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
    early: Product, late: Product, early_part: Array, late_part: Array, std: float
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


def sampling_error(early: Product, late: Product) -> float:
    """√((tr C_ss tr C_tt + ‖C_st‖_F²) / n) / √(‖C_ss‖_F ‖C_tt‖_F), which σ does not enter."""
    first, second = early.vectors, late.vectors
    traces = np.vdot(first, first) * np.vdot(second, second)
    square = (traces + np.linalg.norm(first @ second.T) ** 2) / early.gaussian.shape[1]
    size = np.linalg.norm(first @ first.T) * np.linalg.norm(second @ second.T)
    return float(np.sqrt(square / size))


# What findings and the figure look at, in words: the pairs (s, t) of steps, T being the last one.
MOMENTS = ("at initialisation", "at the last step", "between steps")


def moment_errors(table: pd.DataFrame, moment: str) -> pd.DataFrame:
    """Root mean squares over layers and pairs of steps, one row per training and direction.

    Args:
        table: as from `covariance_table`, of one scheme or more.
        moment: one of `MOMENTS`: the pair (0, 0); (T, T); all (s, t) with s < t.

    Returns:
        Columns scheme, direction, width, seed, error, error_whole, sampling_error.
    """
    early, late = table["early_step"], table["late_step"]
    last = late.max()
    chosen = {
        "at initialisation": (early == 0) & (late == 0),
        "at the last step": (early == last) & (late == last),
        "between steps": early < late,
    }[moment]
    values = ["error", "error_whole", "sampling_error"]
    squares = table[chosen].copy()
    squares[values] **= 2
    keys = ["scheme", "direction", "width", "seed"]
    means: pd.DataFrame = squares.groupby(keys, sort=False, as_index=False)[values].mean()
    means[values] **= 0.5
    return means


@dataclass(frozen=True)
class MomentLaw:
    """The error of one scheme, direction and moment.

    Attributes:
        error: its law.
        ratio: that of its ratio to the sampling error.
    """

    error: WidthLaw
    ratio: WidthLaw

    @classmethod
    def of(cls, table: pd.DataFrame, moment: str, value: str) -> "MomentLaw":
        """Of the rows of one scheme and direction; `value` is error or error_whole."""
        errors = moment_errors(table, moment)
        ratios = errors.assign(ratio=errors[value] / errors["sampling_error"])
        return cls(WidthLaw.of(errors, value), WidthLaw.of(ratios, "ratio"))

    @property
    def is_sampling(self) -> bool | None:
        """Whether the error falls with n, to that of a sample.

        It is, if the power's interval lies below 0 and the ratio's at the largest width below
        `FACTOR`; it is not, if the power's lies above `HALF_WAY` or the ratio's above `FACTOR`.
        None if neither. The power's interval alone would not do where C_st is nearly of rank one:
        the error is then that of a single variance, and its logarithm scatters widely.
        """
        power, ratio = self.error.power, self.ratio.level
        if power.low > HALF_WAY or ratio.low > FACTOR:
            return False
        return True if power.high < 0 and ratio.high < FACTOR else None

    def __str__(self) -> str:
        """The error's law and the ratio at the largest width."""
        level = self.ratio.level
        times = with_interval(level.value, level.low, level.high)
        return f"{self.error}, {times} times that of a sample"


def findings(table: pd.DataFrame) -> list[Finding]:
    """What the errors come to: for each scheme and direction, the lemma, and what it leaves out."""
    found = []
    for scheme in dict.fromkeys(table["scheme"]):
        for direction in DIRECTIONS:
            part = table[(table["scheme"] == scheme) & (table["direction"] == direction)]
            found += [_lemma(scheme, direction, part), _contrast(scheme, direction, part)]
    return found


def _lemma(scheme: str, direction: Direction, table: pd.DataFrame) -> Finding:
    laws = {moment: MomentLaw.of(table, moment, "error") for moment in MOMENTS}
    numbers = "; ".join(f"{moment} {law}" for moment, law in laws.items())
    product, covariance = PRODUCTS[direction]
    return Finding(
        source=LEMMA,
        statement=(
            f"{scheme}, {direction}: the covariance of the Gaussian part of {product} is "
            f"{covariance}, but for an error that falls with the width as that of a sample"
        ),
        verdict=verdict(conjunction(law.is_sampling for law in laws.values())),
        evidence=f"relative error {numbers}",
    )


def _contrast(scheme: str, direction: Direction, table: pd.DataFrame) -> Finding:
    """Whether the Onsager part is needed; backward, only features that are learned need it."""
    law = MomentLaw.of(table, "at the last step", "error_whole")
    product, _ = PRODUCTS[direction]
    if direction == "backward" and scheme in ("SP", "NTP"):
        holds = law.is_sampling
        statement = f"so has the whole of {product} at the last step: its Onsager part vanishes"
    else:
        holds = negation(law.is_sampling)
        statement = f"not so the whole of {product} at the last step: its Onsager part stays"
    return Finding(
        source="here",
        statement=f"{scheme}, {direction}: {statement}",
        verdict=verdict(holds),
        evidence=f"relative error {law}",
    )
