r"""The n = ∞ column of Table 1: what each metric tends to as the width grows.

The fitted exponent decides first. Where its interval lies below -`stable_exponent` the metric
vanishes at n = ∞, where it lies above `stable_exponent` it diverges, at that rate. What changes
less with the width is extrapolated by

    m(n) = C (1 + A n^-a),    0.25 ≤ a ≤ 2,

whose C is the limit. For n ≫ N a mean over seeds is expected to near its limit as n^-1; a is
fitted, since more than one term is at work at the measured widths. The law and its rules are ours:
the paper has no rates and no finite widths.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from infwidth.exponents import by_width, with_gram_ratio
from infwidth.scaling import INTERVAL, bootstrap_means

Array = NDArray[np.float64]
Approach = Literal["vanishes", "diverges", "converges", "undetermined"]

METRICS = ("feature_change", "gram_min_eig", "gram_ratio", "spacetime_min_eig")

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
    """m(n) = C (1 + A n^-a), fitted; intervals are 95 % bootstrap intervals over the seeds.

    Attributes:
        limit: C ≥ 0; `limit_low`, `limit_high` its interval (NaN with a single seed).
        amplitude: A.
        rate: a; `rate_low`, `rate_high` its interval. All NaN where the data do not determine it:
            A n^-a is zero within the noise, or any a in `RATES` will do.
        slow: a is at its lower end with more than `SETTLED` still to go: the metric is not seen to
            settle.
    """

    limit: float
    limit_low: float
    limit_high: float
    amplitude: float
    rate: float
    rate_low: float
    rate_high: float
    slow: bool


def extrapolate(widths: Sequence[int], values: Sequence[Array], seed: int = 0) -> Extrapolation:
    """Fit C (1 + A n^-a) to the geometric means over seeds.

    Least squares over C and A at each a in `RATES`, the best a kept. A deviation at width n counts
    √n times: the metrics' fluctuations fall as n^-1/2.

    Args:
        widths: n of each group of values, ascending, `FEWEST_WIDTHS` or more.
        values: positive values over seeds at each width; lengths may differ.
        seed: of the bootstrap, which resamples seeds within each width.

    Raises:
        ValueError: there are fewer widths.
    """
    if len(widths) < FEWEST_WIDTHS:
        raise ValueError(f"{len(widths)} widths, the law needs {FEWEST_WIDTHS}")
    rng = np.random.default_rng(seed)
    logs = [np.log(value) for value in values]
    sizes = np.asarray(widths, dtype=np.float64)
    means = np.array([log.mean() for log in logs])
    limit, part, rate = (float(value[0]) for value in _fit(sizes, np.exp(means)[None]))
    amplitude = part / limit * sizes[0] ** rate if limit > 0 else math.nan
    left = abs(amplitude) * sizes[-1] ** -rate if limit > 0 else math.inf
    if min(map(len, logs)) < 2:
        empty = math.nan
        return Extrapolation(limit, empty, empty, amplitude, empty, empty, empty, slow=False)
    resampled = np.stack([bootstrap_means(log, rng) for log in logs], axis=-1)
    limits, parts, rates = _fit(sizes, np.exp(resampled))
    limit_low, limit_high = np.percentile(limits, INTERVAL)
    part_low, part_high = np.percentile(parts, INTERVAL)
    rate_low, rate_high = np.percentile(rates, INTERVAL)
    seen = part_low > 0 or part_high < 0
    determined = seen and not (rate_low <= RATES[0] and rate_high >= RATES[-1])
    return Extrapolation(
        limit=limit,
        limit_low=float(limit_low),
        limit_high=float(limit_high),
        amplitude=amplitude,
        rate=rate if determined else math.nan,
        rate_low=float(rate_low) if determined else math.nan,
        rate_high=float(rate_high) if determined else math.nan,
        slow=bool(seen and rate <= RATES[0] and left > SETTLED),
    )


def _fit(widths: Array, means: Array) -> tuple[Array, Array, Array]:
    """Profile least squares of each row of means, shape (B, widths).

    Returns:
        C, C A n_1^-a (the correction at the narrowest width n_1) and a, shape (B,) each.
    """
    weights = widths / widths.sum()
    powers = (widths / widths[0]) ** -RATES[:, None]
    centred = powers - (powers @ weights)[:, None]
    levels = means @ weights
    # Without its weighted mean the power is orthogonal to the constant.
    squares = (centred**2) @ weights
    parts = (means * weights) @ centred.T / squares
    limits = levels[:, None] - parts * (powers @ weights)
    # Where C would be negative it is 0 and the power stands alone.
    alone = (means * weights) @ powers.T / ((powers**2) @ weights)
    parts, limits = np.where(limits < 0, alone, parts), np.maximum(limits, 0.0)
    losses = np.stack(
        [
            (means - limits[:, [place]] - parts[:, [place]] * power) ** 2 @ weights
            for place, power in enumerate(powers)
        ],
        axis=-1,
    )
    best = losses.argmin(axis=1)
    rows = np.arange(len(means))
    return limits[rows, best], parts[rows, best], RATES[best]


@dataclass(frozen=True)
class LimitRow:
    """One metric's limit, as in limits.csv, without the columns of single widths."""

    limit: float
    limit_low: float
    limit_high: float
    rate: float
    rate_low: float
    rate_high: float
    amplitude: float
    approach: Approach
    value_at_largest: float
    largest_width: float


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
        interval; `rate`, by which the metric vanishes, diverges (n^rate) or nears its limit
        (n^-rate), empty where it is not determined; `amplitude` A; `approach`; `value_at_largest`,
        empty where a seed is under resolution there; `largest_width`.
    """
    final = metrics[metrics["step"] == steps]
    of_key = dict(iter(with_gram_ratio(final).groupby(["scheme", "layer", "kind"], sort=False)))
    parts = []
    for _, fit in scaling[scaling["metric"].isin(METRICS)].iterrows():
        metric, layer = str(fit["metric"]), int(fit["layer"])
        rows = of_key.get((fit["scheme"], layer, fit["kind"]), final.iloc[:0])
        measured = by_width(rows[rows[metric] > 0], metric)
        row = _limit(measured, fit, stable_exponent)
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
        parts.append(part.assign(**asdict(row)))
    return pd.concat(parts, ignore_index=True)


def _limit(measured: dict[int, Array], fit: "pd.Series[float]", stable_exponent: float) -> LimitRow:
    """The rule of the module: the exponent first, then the extrapolation."""
    exponent, low, high = (float(fit[name]) for name in ("exponent", "ci_low", "ci_high"))
    at_largest, largest = float(fit["value"]), float(fit["largest_width"])
    nan = math.nan
    if high < -stable_exponent:
        return LimitRow(0, 0, 0, -exponent, -high, -low, nan, "vanishes", at_largest, largest)
    if low > stable_exponent:
        return LimitRow(
            math.inf, math.inf, math.inf, exponent, low, high, nan, "diverges", at_largest, largest
        )
    used = _near(measured, int(fit["widths"]))
    if len(used) < FEWEST_WIDTHS:
        return LimitRow(nan, nan, nan, nan, nan, nan, nan, "undetermined", at_largest, largest)
    found = extrapolate(used, [measured[width] for width in used])
    within = -stable_exponent <= low and high <= stable_exponent
    near = found.limit_low * FURTHEST >= at_largest
    settled = within and near and not found.slow and not int(fit["unresolved"])
    return LimitRow(
        limit=found.limit,
        limit_low=found.limit_low,
        limit_high=found.limit_high,
        rate=found.rate,
        rate_low=found.rate_low,
        rate_high=found.rate_high,
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
