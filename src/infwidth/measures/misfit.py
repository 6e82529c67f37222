"""Whether a single power of the width describes the data, and what to say where it does not.

The law of `power_law` is tested against free means at every width. Q, the sum of squares that the
law leaves of the means, is set against what the seeds' own scatter leaves on the average,

    F = Q / Σ_i m_ii v_i,    M = 1 - D D⁺,

where D is the law's design and v_i the variance of the mean at width i, estimated there alone. F
has the F distribution with the degrees of freedom of Box (Brunner, Dette & Munk 1997): its false
alarms stay near their nominal rate with three seeds, whose variances are so uncertain that tests
that divide by each of them alarm far too often. It is asked of all widths and of the widest half,
and the smaller probability counts twice (Bonferroni).

A power is *refused* if the test says so, the law is off by more than `NEGLIGIBLE` somewhere, and
its exponent is not to be had at the largest widths: it still changes over the widest half of them,
or is another one there. What narrow networks alone add refuses no power of wide ones. Levels and
sizes are ours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.power_law import LinearLaw, Logarithms, power_design

Array = NDArray[np.float64]
Law = Literal["power", "crossover", "undetermined", ""]
CROSSOVER: Law = "crossover"

# Of false alarms of the test. Each run asks it of a hundred laws.
LEVEL = 0.01
# A law that holds to this part of the values at every width tells its exponent, whatever the test.
NEGLIGIBLE = 0.01
# Where no mean lies further beside it than this part, last digits would be tested.
TOLD = 1e-5
# An exponent that changes by less than this per decade of the width stays what it is: over three
# decades it changes by about `APART`.
BENT = 0.02
# An exponent at the largest widths that differs by less than this from the fitted one is the same.
APART = 0.05
# The widths of the local exponent, the fewest that one does not simply run through.
LOCAL_WIDTHS = 3
# The widest half has at least as many, one more than a parabola has parameters.
FEWEST_HALF = 4


@dataclass(frozen=True)
class Misfit:
    """How a fitted law misses its data.

    Attributes:
        p: the probability of as large an F where the law holds, of all widths or of the widest
            half; NaN without two seeds at each width.
        residual: the largest distance of a mean from the law, in logarithms.
        curvature: by how much the exponent changes per decade of the width over the widest half of
            the widths.
        local: the exponent at the `LOCAL_WIDTHS` largest widths, corrected as the law is.
        apart: by how much it exceeds the fitted one.
    """

    p: float
    residual: float
    curvature: Estimate
    local: Estimate
    apart: Estimate

    @property
    def law(self) -> Law:
        """What the data say of a single power: not refused, refused, or neither; "" untested."""
        if math.isnan(self.p):
            return ""
        if self.p >= LEVEL or self.residual < NEGLIGIBLE:
            return "power"
        refused = _beyond(self.curvature, BENT) or _beyond(self.apart, APART)
        return CROSSOVER if refused else "undetermined"


UNTESTED = Misfit(math.nan, math.nan, NOT_MEASURED, NOT_MEASURED, NOT_MEASURED)


def _beyond(estimate: Estimate, size: float) -> bool:
    """Whether the whole interval lies further from zero than a size, on one side."""
    return estimate.low > size or estimate.high < -size


def misfit(widths: Sequence[int], values: Sequence[Array], log_factors: Array | None) -> Misfit:
    """Test the law that `fit_power_law` fits, with the same arguments.

    Returns:
        All NaN where there is not at least one width more than parameters.
    """
    if len(widths) < (3 if log_factors is None else 4):
        return UNTESTED
    design = power_design(widths)
    logs = Logarithms(values)
    law = LinearLaw(logs, design, log_factors)
    local = _of_last(design[-LOCAL_WIDTHS:], 1, len(widths))
    half = design[-max((len(widths) + 1) // 2, FEWEST_HALF) :]
    # A κ between its bounds is a parameter like the others. It is known from narrow networks.
    whole = law.all_parameters
    residual = float(np.abs(law.residuals).max())
    probabilities = [1.0]
    if residual >= TOLD:
        probabilities = [lack_of_fit(law.corrected, logs, part) for part in (whole, half)]
    decades = half[:, 1] / math.log(10)
    # Twice the coefficient of (log n)², per decade rather than per e-fold.
    parabola = np.column_stack([np.ones_like(decades), decades, decades**2 / 2 * math.log(10)])
    return Misfit(
        p=min(2 * min(probabilities), 1.0),
        residual=residual,
        curvature=law.estimate(_of_last(parabola, 2, len(widths))),
        local=law.estimate(local),
        apart=law.estimate(local - law.weights(1)),
    )


def _of_last(design: Array, index: int, count: int) -> Array:
    """Weights of `count` means in a parameter that is fitted to the last of them."""
    weights = np.zeros(count)
    weights[-len(design) :] = np.linalg.pinv(design)[index]
    return weights


def lack_of_fit(means: Array, logs: Logarithms, design: Array) -> float:
    """The probability of as large an F as was seen where the last of the means follow a law.

    Args:
        means: of the logarithms, corrected.
        logs: the logarithms, which tell how the means scatter.
        design: of the law, a row for each of the last means.
    """
    last = slice(-len(design), None)
    left = np.eye(len(design)) - design @ np.linalg.pinv(design)
    weighted = left * logs.variances[last]
    parts = np.diag(weighted)
    expected = float(parts.sum())
    if not expected > 0:
        return math.nan
    above = expected**2 / float((weighted * weighted.T).sum())
    below = expected**2 / float((parts**2 / (logs.counts[last] - 1)).sum())
    return float(fdtrc(above, below, float(((left @ means[last]) ** 2).sum()) / expected))
