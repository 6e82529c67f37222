r"""The n = ∞ column of Table 1: what each metric tends to as the width grows.

The fitted exponent decides first. Where its interval lies below -`stable_exponent` the metric
vanishes at n = ∞, where it lies above `stable_exponent` it diverges, at that rate, unless a single
power is refused (see `infwidth.measures.misfit`): a *crossover* is not seen to tend anywhere, and
its rate is the exponent at the largest widths. What changes less with the width, there too, is
extrapolated by

    m(n) = C (1 + A n^-a),    0.25 ≤ a ≤ 2,

whose C is the limit. For n ≫ N a mean over seeds is expected to near its limit as n^-1; a is
fitted, since more than one term is at work at the measured widths. The law and its rules are ours:
the paper has no rates and no finite widths.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.metrics import METRICS
from infwidth.measures.misfit import CROSSOVER
from infwidth.measures.power_law import Logarithms
from infwidth.measures.scaling import by_width, wholly_resolved
from infwidth.theory.measuring import Files, Settings, Tables

Array = NDArray[np.float64]
Approach = Literal["vanishes", "diverges", "converges", "crossover", "undetermined"]

# From half the power that fluctuations fall with (n^-1/2) to twice that of the first correction to
# a mean (n^-1).
RATES: Array = np.linspace(0.25, 2.0, 36)
# As many as the law has parameters, and one.
FEWEST_WIDTHS = 4
# One power of n describes the approach near the limit alone, and a limit further off than a factor
# of two would rest on the law more than on what was measured. So widths whose value is further than
# this from that at the largest take no part, nor is a limit believed that is.
FURTHEST = 2.0
# What may be left of the approach at the largest width, as a part of the limit, where it is slower
# than any a allowed. Seen in SP, NTP and µP is some 0.05; IP's first layer, which never settles
# over three decades of width, has 0.5 and more.
SETTLED = 0.1


@dataclass(frozen=True)
class Extrapolation:
    """m(n) = C (1 + A n^-a), fitted.

    Attributes:
        limit: C ≥ 0.
        amplitude: A.
        rate: a, all NaN where the data do not determine it: A n^-a is zero within the noise, or
            any a in `RATES` will do.
        slow: a is at its lower end with more than `SETTLED` still to go: the metric is not seen to
            settle.
    """

    limit: Estimate
    amplitude: float
    rate: Estimate
    slow: bool


def extrapolate(widths: Sequence[int], values: Sequence[Array]) -> Extrapolation:
    """Fit C (1 + A n^-a) to the geometric means over seeds.

    Least squares over C and A at each a in `RATES`, the best a kept. A deviation at width n counts
    √n times: the metrics' fluctuations fall as n^-1/2.

    Args:
        widths: n of each group of values, ascending, `FEWEST_WIDTHS` or more.
        values: positive values over seeds at each width; lengths may differ.

    Raises:
        ValueError: there are fewer widths.
    """
    if len(widths) < FEWEST_WIDTHS:
        raise ValueError(f"{len(widths)} widths, the law needs {FEWEST_WIDTHS}")
    logs = Logarithms(values)
    means, sizes = np.exp(logs.means), np.asarray(widths, dtype=np.float64)
    fits = [_fit(rate, sizes, means) for rate in RATES]
    best = min(fits, key=lambda at_rate: at_rate.loss)
    limit, part, rate = best.limit, best.part, best.rate
    amplitude = part / limit * sizes[0] ** rate if limit > 0 else math.nan
    left = abs(amplitude) * sizes[-1] ** -rate if limit > 0 else math.inf
    if min(map(len, values)) < 2:
        alone = NOT_MEASURED._replace(value=limit)
        return Extrapolation(alone, amplitude, NOT_MEASURED, slow=False)
    (limit_low, limit_high), rates = _interval(fits, best, _CONSTANT, logs, means)
    (part_low, part_high), _ = _interval(fits, best, _POWER, logs, means)
    seen = part_low > 0 or part_high < 0
    determined = seen and not (rates[0] <= RATES[0] and rates[-1] >= RATES[-1])
    return Extrapolation(
        limit=Estimate(limit, min(max(limit_low, 0.0), limit), max(limit_high, limit)),
        amplitude=amplitude,
        rate=Estimate(rate, rates[0], rates[-1]) if determined else NOT_MEASURED,
        slow=bool(seen and rate <= RATES[0] and left > SETTLED),
    )


# The places of C and of C A n_1^-a, the correction at the narrowest width n_1.
_CONSTANT, _POWER = 0, 1


@dataclass(frozen=True)
class _AtRate:
    """Weighted least squares at one a.

    Attributes:
        rate: a.
        limit: C ≥ 0.
        part: C A n_1^-a.
        loss: what is left with these.
        free: both parameters where C may be negative, and `free_loss` what is left then.
        combination: what the means are multiplied by to give `free`, shape (2, widths).
        curvature: by how much moving a parameter by d raises the loss, over d².
    """

    rate: float
    limit: float
    part: float
    loss: float
    free: Array
    free_loss: float
    combination: Array
    curvature: Array


def _fit(rate: float, widths: Array, means: Array) -> _AtRate:
    weights = widths / widths.sum()
    roots = np.sqrt(weights)
    power = (widths / widths[0]) ** -rate
    design = np.column_stack([np.ones_like(power), power])
    combination = np.linalg.pinv(design * roots[:, None]) * roots
    free = combination @ means
    limit, part = free.tolist()
    if limit < 0:
        # Where C would be negative it is 0 and the power stands alone.
        limit, part = 0.0, float(weights * power @ means / (weights * power @ power))
    return _AtRate(
        rate=float(rate),
        limit=limit,
        part=part,
        loss=float((means - limit - part * power) ** 2 @ weights),
        free=free,
        free_loss=float((means - design @ free) ** 2 @ weights),
        combination=combination,
        curvature=1 / np.diag(np.linalg.inv(design.T @ (design * weights[:, None]))),
    )


def _interval(
    fits: Sequence[_AtRate], best: _AtRate, index: int, logs: Logarithms, means: Array
) -> tuple[tuple[float, float], list[float]]:
    """A parameter's interval at whatever a, and the a that it allows.

    A profile: allowed is what leaves no more than the ends of the parameter's own interval leave at
    the best a. That one is a weighted sum of means over seeds, as everywhere.
    """
    own = logs.half_width(best.combination[index] * means)
    most = best.loss + own**2 * best.curvature[index]
    allowed = [fit for fit in fits if fit.free_loss <= most]
    margins = [math.sqrt((most - fit.free_loss) / fit.curvature[index]) for fit in allowed]
    values = [float(fit.free[index]) for fit in allowed]
    low = min(value - margin for value, margin in zip(values, margins, strict=True))
    high = max(value + margin for value, margin in zip(values, margins, strict=True))
    return (low, high), [fit.rate for fit in allowed]


@dataclass(frozen=True)
class LimitRow:
    """One metric's limit, as in limits.csv, without the columns of single widths."""

    limit: Estimate
    rate: Estimate
    amplitude: float
    approach: Approach
    value_at_largest: float
    largest_width: float

    def columns(self) -> dict[str, float | str]:
        """Each estimate in three columns."""
        rest = {name: value for name, value in vars(self).items() if name not in ("limit", "rate")}
        return {**self.limit.columns("limit"), **self.rate.columns("rate"), **rest}


def limits_table(
    metrics: pd.DataFrame, scaling: pd.DataFrame, *, stable_exponent: float, steps: int
) -> pd.DataFrame:
    """The limits at n = ∞ of every metric, scheme, layer and kind at the last step.

    Args:
        metrics: metrics.csv.
        scaling: scaling.csv; its exponents decide what vanishes and what diverges, and its count of
            widths, the widest ones, is what is extrapolated from.
        stable_exponent: of the config.
        steps: the last step.

    Returns:
        A row for each measured width, with columns `scheme, metric, layer, kind, width, value,
        value_low, value_high` (geometric mean and range over seeds), and beside them, the same in
        each row of a metric, those of `LimitRow`: `limit` (0 and inf included) and its 95 %
        interval; `rate`, by which the metric vanishes (n^-rate), diverges (n^rate), nears its limit
        (n^-rate), or changes at the largest widths (n^rate, a crossover), empty where it is not
        determined; `amplitude` A; `approach`; `value_at_largest`,
        empty where a seed is under resolution there; `largest_width`.
    """
    final = metrics[metrics["step"] == steps]
    # What is set against step 0 has its limit from those of its two sides.
    extrapolated = [name for name, metric in METRICS.items() if metric.retains is None]
    of_key = dict(iter(final.groupby(["scheme", "layer", "kind"], sort=False)))
    parts = []
    for _, fit in scaling[scaling["metric"].isin(extrapolated)].iterrows():
        metric, layer = str(fit["metric"]), int(fit["layer"])
        rows = of_key.get((fit["scheme"], layer, fit["kind"]), final.iloc[:0])
        rows = METRICS[metric].beside(rows)
        measured = by_width(rows[rows[metric] > 0], metric)
        resolved = by_width(wholly_resolved(rows, metric), metric)
        row = _limit(resolved, fit, stable_exponent)
        part = pd.DataFrame(
            {
                "scheme": fit["scheme"],
                "metric": metric,
                "layer": layer,
                "kind": fit["kind"],
                "width": list(measured),
                "value": [math.exp(np.log(values).mean()) for values in measured.values()],
                "value_low": [values.min() for values in measured.values()],
                "value_high": [values.max() for values in measured.values()],
            }
        )
        parts.append(part.assign(**row.columns()))
    return pd.concat(parts, ignore_index=True)


def _limit(measured: dict[int, Array], fit: "pd.Series[Any]", stable_exponent: float) -> LimitRow:
    """The rule of the module: the exponent first, then the extrapolation."""
    exponent, low, high = Estimate.of(fit, "exponent")
    at_largest, largest = float(fit["value"]), float(fit["largest_width"])
    nan = math.nan
    within = -stable_exponent <= low and high <= stable_exponent
    if fit["law"] == CROSSOVER:
        local = Estimate.of(fit, "local_exponent", "local")
        within = within and -stable_exponent <= local.low and local.high <= stable_exponent
        if not within:
            return LimitRow(NOT_MEASURED, local, nan, "crossover", at_largest, largest)
    if high < -stable_exponent:
        rate = Estimate(-exponent, -high, -low)
        return LimitRow(Estimate(0, 0, 0), rate, nan, "vanishes", at_largest, largest)
    if low > stable_exponent:
        far, rate = Estimate(math.inf, math.inf, math.inf), Estimate(exponent, low, high)
        return LimitRow(far, rate, nan, "diverges", at_largest, largest)
    used = _near(measured, int(fit["widths"]))
    if len(used) < FEWEST_WIDTHS:
        none = NOT_MEASURED
        return LimitRow(none, none, nan, "undetermined", at_largest, largest)
    found = extrapolate(used, [measured[width] for width in used])
    # The lower end, too: what converges must be seen not to vanish.
    near = found.limit.low * FURTHEST >= at_largest >= found.limit.value / FURTHEST
    settled = within and near and not found.slow and not int(fit["unresolved"])
    return LimitRow(
        limit=found.limit,
        rate=found.rate,
        amplitude=found.amplitude,
        approach="converges" if settled else "undetermined",
        value_at_largest=at_largest,
        largest_width=largest,
    )


def _near(measured: dict[int, Array], most: int) -> list[int]:
    """The widths that an extrapolation rests on: the widest `most`, from where `FURTHEST` allows.

    Never fewer than `FEWEST_WIDTHS`, as long as there are as many.
    """
    widest = list(measured)[-most:] if most else []
    levels = np.array([np.log(measured[width]).mean() for width in widest])
    far = np.flatnonzero(np.abs(levels - levels[-1:]) > math.log(FURTHEST))
    first = int(far[-1]) + 1 if len(far) else 0
    return widest[min(first, max(len(widest) - FEWEST_WIDTHS, 0)) :]


def measured(files: Files, settings: Settings) -> Tables:
    """The table of the statement."""
    table = limits_table(
        files.table("metrics"),
        files.table("scaling"),
        stable_exponent=settings["stable_exponent"],
        steps=settings["steps"],
    )
    return {"limits": table}
