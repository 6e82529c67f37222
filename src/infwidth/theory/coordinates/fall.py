"""How what is measured at growing widths falls, where a plain power of n does not tell all.

Beside `infwidth.theory.powers`: what values with known errors tend to, the power of an offset whose
square is what is measured, and the width at which something has fallen to a given size. Intervals
are over networks.
"""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq, curve_fit

from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.power_law import Logarithms
from infwidth.measures.scaling import by_width

Array = NDArray[np.float64]

# Half the length of an interval in standard errors: a statement asks for a dozen of them.
ERRORS = 3.0
FEWEST_WIDTHS = 3
# Natural logarithms of widths that a crossing is looked for between; beyond, there is none.
LEAST, MOST = 0.0, 80.0
# The powers of n that an offset may have.
OFFSET_POWERS = (-6.0, -0.01)


def extrapolated(widths: Array, values: Array, errors: Array) -> Estimate:
    """v of values v + c/n with these standard errors, ± `ERRORS` of its own."""
    known = np.isfinite(values) & (errors > 0)
    if known.sum() < FEWEST_WIDTHS:
        return NOT_MEASURED
    scale = errors[known]
    design = np.column_stack([np.ones(len(scale)), 1 / widths[known]]) / scale[:, None]
    value, _ = np.linalg.lstsq(design, values[known] / scale)[0]
    margin = ERRORS * math.sqrt(np.linalg.inv(design.T @ design)[0, 0])
    return Estimate(float(value), float(value) - margin, float(value) + margin)


def offset_power(widths: Array, squares: Array, errors: Array, reference: float) -> Estimate:
    """The power a of an offset c (n^a - m^a), seen from a reference of width m.

    Args:
        widths: n.
        squares: estimates of the offset's square, which may be negative.
        errors: their standard errors.
        reference: m; infinite where the limit is in closed form.

    Returns:
        With ± `ERRORS` standard errors; not measured where fewer than two squares are as far from
        0 as that.
    """
    known = np.isfinite(squares) & (errors > 0)
    widths, squares, errors = widths[known], squares[known], errors[known]
    if len(widths) < FEWEST_WIDTHS or (squares > ERRORS * errors).sum() < 2:
        return NOT_MEASURED

    def square(n: Array, log_size: float, power: float) -> Array:
        apart = (n / widths[0]) ** power - (reference / widths[0]) ** power
        result: Array = np.exp(log_size) * apart**2
        return result

    start = (math.log(squares.max()), -1.0)
    bounds = ((-np.inf, OFFSET_POWERS[0]), (np.inf, OFFSET_POWERS[1]))
    found, covariance = curve_fit(
        square, widths, squares, start, sigma=errors, absolute_sigma=True, bounds=bounds
    )
    value, margin = float(found[1]), ERRORS * math.sqrt(covariance[1, 1])
    return Estimate(value, value - margin, value + margin)


def width_for(table: pd.DataFrame, column: str, size: float, above: float) -> Estimate:
    """The width at which a column has fallen to a size.

    The interval holds the widths at which the fitted power's 95 % band does.

    Args:
        table: a row for each width and group; zeros and NaN are left out.
        column: what falls.
        size: to what.
        above: what is added to logarithms of the column: its geometric means may lie below what
            is asked for, by a factor that does not depend on the width.
    """
    groups = by_width(table[table[column] > 0], column)
    if len(groups) < FEWEST_WIDTHS:
        return NOT_MEASURED
    logs, design = _logarithms(groups)
    plain = np.linalg.pinv(design)

    def crossing(side: int) -> float:
        def height(log_width: float) -> float:
            weights = np.array([1.0, log_width]) @ plain
            margin = logs.half_width(weights) if side else 0.0
            return float(weights @ logs.means + above + side * margin - math.log(size))

        if not height(LEAST) > 0:
            return math.nan
        return math.exp(brentq(height, LEAST, MOST)) if height(MOST) < 0 else math.inf

    return Estimate(*(crossing(side) for side in (0, -1, 1)))


def _logarithms(groups: dict[int, Array]) -> tuple[Logarithms, Array]:
    """Of values at each width, and the design of a power of n."""
    design = np.column_stack([np.ones(len(groups)), np.log(list(groups))])
    return Logarithms([*groups.values()]), design
