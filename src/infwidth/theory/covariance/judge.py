"""Covariance preservation: whether its error is that of a sample, and what it leaves out.

Errors are held against those of a sample of n independent Gaussian units. All of that is ours.
"""

from dataclasses import dataclass

import pandas as pd

from infwidth.numbers import with_interval
from infwidth.theory.covariance.names import DIRECTIONS, Direction
from infwidth.theory.finding import Finding, conjunction, negation, verdict
from infwidth.theory.powers import HALF_WAY, WidthLaw

# Errors of up to so many times that of a sample of n Gaussian units count as being of that size:
# units of a finite network are neither quite independent nor quite Gaussian.
FACTOR = 2.0

LEMMA = "Covariance preservation (key lemma)"
PRODUCTS = {
    "forward": ("W_0 δx_t", "E[Z^{δx_s} Z^{δx_t}]"),
    "backward": ("W_0ᵀ dh_t", "E[Z^{dh_s} Z^{dh_t}]"),
}

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
        times = with_interval(*self.ratio.level)
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
        origin="paper" if scheme == "µP" else "follows",
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
