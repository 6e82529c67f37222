"""The fits of the independence of features: exponents and limits of least eigenvalues."""

import math
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from infwidth.experiment import FEWEST_WIDTHS, FEWEST_WIDTHS_CORRECTED
from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.power_law import Logarithms, fit, fit_power_law
from infwidth.measures.scaling import by_width, wholly_resolved

Array = NDArray[np.float64]

# An exponent whose interval lies below this is taken as a fall towards zero: as the config's
# `stable_exponent`, which says the same of Table 1. The least true one is IP's -1.
FALLING = -0.25
# Nearer to N training has a finite-width effect of its own, which the start does not share, and the
# effect of Gaussian sampling is not quite that of features after the activation.
PAIRED_RATIO = 8


def fit_exponent(widths: Sequence[int], values: Sequence[Array], factors: Array | None) -> Estimate:
    """b of the module's law with its 95 % interval over seeds.

    Args:
        widths: n of each group of values.
        values: positive values over seeds at each width; lengths may differ.
        factors: log F_l(n) at each width; None: F = 1.

    Returns:
        All NaN where there is not at least one width more than parameters.
    """
    return fit_power_law(widths, values, factors).exponent


def fit_limit(values: Sequence[Array], factors: Array | None) -> Estimate:
    """C of the module's law with b = 0, with its 95 % interval over seeds.

    Args:
        values: positive values over seeds at each width; lengths may differ.
        factors: log F_l(n) at each width; None: F = 1.

    Returns:
        All NaN where there is not at least one width more than parameters.
    """
    if len(values) < (FEWEST_WIDTHS if factors is None else FEWEST_WIDTHS_CORRECTED) - 1:
        return NOT_MEASURED
    design = np.ones((len(values), 1))
    return fit(Logarithms(values), design, factors, index=0).parameter.exponential


def paired_exponent(rows: pd.DataFrame, start: pd.DataFrame, samples: int) -> Estimate:
    """The power of n of λ_min over that at step 0 in the same network, of one Gram matrix."""
    both = rows.merge(start, on=["width", "seed"], suffixes=("", "_start"))
    wide = both[both["width"] >= PAIRED_RATIO * samples]
    quotient = wide.assign(quotient=wide["gram_min_eig"] / wide["gram_min_eig_start"])
    values = by_width(wholly_resolved(quotient, "quotient"), "quotient")
    return fit_exponent(list(values), [*values.values()], None)


def starting_exponent(
    widths: Sequence[int], values: Sequence[Array], factors: Array | None, samples: int
) -> Estimate:
    """b with κ = 1, over widths of `PAIRED_RATIO` times N; arguments as of `fit_exponent`."""
    first = bisect_left(widths, PAIRED_RATIO * samples)
    wide = np.log(widths[first:])
    if factors is None or len(wide) < FEWEST_WIDTHS:
        return NOT_MEASURED
    design = np.stack([np.ones(len(wide)), wide], axis=-1)
    logs = Logarithms(values[first:])
    return fit(logs, design, factors[first:], index=1, powers=(1.0, 1.0)).parameter


def narrower(first: Estimate, second: Estimate) -> Estimate:
    """The one whose interval is narrower, or known."""
    widths = [each.high - each.low for each in (first, second)]
    if math.isnan(widths[1]):
        return first
    return first if widths[0] <= widths[1] else second


def limit_of(
    law: Estimate, deciding: Estimate, eigenvalues: Sequence[Array], factors: Array | None
) -> Estimate:
    """λ_min at n = ∞: 0 where b falls, C where it does not, nothing where it may."""
    if law.high < FALLING:
        return Estimate(0.0, 0.0, 0.0)
    if math.isnan(deciding.value) or deciding.low < FALLING:
        return NOT_MEASURED
    return fit_limit(eigenvalues, factors)
