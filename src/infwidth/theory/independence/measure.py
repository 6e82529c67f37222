"""Theorem 4.5: the n = ∞ features stay linearly independent through training.

N features of the n = ∞ network are linearly independent exactly if their Gram matrix,
K_ij = lim <h(ξ_i), h(ξ_j)> / n, has a least eigenvalue above zero. At every step, in every hidden
layer, before and after the activation, that eigenvalue is extrapolated from finite widths by the
law of `infwidth.measures.power_law`,

    log λ_min = log C + b log n + κ log F_l(n),    0 ≤ κ ≤ 1.

κ is 1 at initialisation, and less for what training adds, which is no sample of independent units;
few widths with n ≫ N cannot tell a larger κ from a smaller b. The exponent b tells whether there is
anything to extrapolate to: where its interval lies below `FALLING`, λ_min vanishes; where it lies
across, there is no telling. Elsewhere the limit is C, given that b = 0, since F_l(n) → 1. That
makes C positive by construction: what could have come out otherwise is b, and `detectable` says how
steep a fall would have been seen.

Near n = 2N the data hardly tell κ from b. Two things do: at step 0 units are independent samples,
so that κ = 1; and later λ_min is held against that of step 0 in the same network, in which most of
the effect and of the scatter is the same. The *paired* exponent is b of that quotient, without a
finite-width term, so that a later step stands on step 0, whose own is b with κ = 1. Both are
fitted over widths of `PAIRED_RATIO` times N and more.

The paper proves C > 0 under µP for inputs and activations that meet its assumptions, and does not
say how large it is. Rules and thresholds are ours.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.finite_width import log_factors, nearest_step
from infwidth.measures.metrics import METRICS
from infwidth.measures.power_law import UPPER_QUANTILE
from infwidth.measures.scaling import by_width, groups, wholly_resolved
from infwidth.theory.independence.fits import (
    fit_exponent,
    limit_of,
    narrower,
    paired_exponent,
    starting_exponent,
)
from infwidth.theory.measuring import Files, Settings, Tables

Array = NDArray[np.float64]
Training = Literal["experiment", "activation", "stress"]

# A fall is seen where the interval of b lies below 0. A true n^-b is seen with POWER at this many
# half intervals: exactly so with many degrees of freedom, and at up to 5 % fewer with few
# (the quantile of the noncentral t over that of t).
POWER = 0.9
HALF_INTERVALS = 1 + float(ndtri(POWER)) / float(ndtri(UPPER_QUANTILE))


@dataclass(frozen=True)
class Extrapolated:
    """λ_min of one Gram matrix at one step, over all widths; NaN stands for an empty cell.

    Attributes:
        limit: of λ_min(K)/n at n = ∞, 0 where it vanishes, empty where b does not tell;
            `limit_low`, `limit_high` its 95 % interval over seeds, given that b = 0 and given
            F_l(n), which is itself known to a few per cent.
        exponent: b where it is free; `ci_low`, `ci_high` its interval.
        ratio_exponent: of λ_min over the mean eigenvalue, whose fall is collapse rather than
            shrinking; `ratio_low`, `ratio_high` its interval.
        widths: how many widths took part.
        largest_width: the largest of them.
        value: λ_min/n there, geometric mean over seeds.
        resolution: the largest resolution of λ_min/n over all widths and seeds.
        unresolved: how many trainings had λ_min under its resolution.
        unresolved_from: the smallest width at which one had.
        smallest_seen: the smallest resolved λ_min/n of any width and seed.
        feature_change: ‖h^t - h^0‖ / ‖h^0‖ at the largest width, geometric mean over seeds.
        detectable: the smallest b > 0 such that a true n^-b would have been seen to fall with
            probability `POWER`, by the scatter of these seeds, in the narrower of the intervals of
            the exponent and the paired exponent.
        paired_exponent: of λ_min over that at step 0 in the same network, empty where that has no
            limit above 0; at step 0 b with κ = 1. `paired_low`, `paired_high` its interval.
    """

    limit: float
    limit_low: float
    limit_high: float
    exponent: float
    ci_low: float
    ci_high: float
    ratio_exponent: float
    ratio_low: float
    ratio_high: float
    widths: int
    largest_width: float
    value: float
    resolution: float
    unresolved: int
    unresolved_from: float
    smallest_seen: float
    feature_change: float
    detectable: float
    paired_exponent: float
    paired_low: float
    paired_high: float


COLUMNS = [
    *("training", "activation", "samples", "scheme", "step", "layer", "kind"),
    *(field.name for field in fields(Extrapolated)),
]


def independence_table(
    metrics: pd.DataFrame,
    spectra: pd.DataFrame,
    *,
    training: Training,
    activation: str,
    samples: int,
    fit_width_ratio: float,
) -> pd.DataFrame:
    """Least eigenvalues at n = ∞ of every scheme, layer, kind and step.

    Args:
        metrics: metrics.csv.
        spectra: spectra.csv; its spectrum at the first or last step, whichever is nearer in the
            logarithm of the step, at the largest width, sets F_l(n).
        training: whose tables these are.
        activation: φ.
        samples: N.
        fit_width_ratio: widths take part from n = fit_width_ratio x N on.

    Returns:
        One row each, with `COLUMNS`.
    """
    wide = METRICS["gram_ratio"].beside(metrics[metrics["width"] >= fit_width_ratio * samples])
    grams = spectra[spectra["matrix"] == "gram"]
    rows = []
    for key, group in groups(wide):
        scheme, layer, kind = key
        correction = _Correction(_of(grams, scheme, layer, kind), layer)
        start = group[group["step"] == 0]
        stands = False
        for step, at_step in group.groupby("step"):
            index = {
                "training": training,
                "activation": activation,
                "samples": samples,
                "scheme": scheme,
                "step": int(str(step)),
                "layer": layer,
                "kind": kind,
            }
            paired = None
            if int(str(step)):
                paired = paired_exponent(at_step, start, samples) if stands else NOT_MEASURED
            fitted = _extrapolate(at_step, correction, int(str(step)), samples, paired)
            if paired is None:
                stands = fitted.limit > 0
            rows.append({**index, **asdict(fitted)})
    # Named even where no width takes part and there is no row.
    return pd.DataFrame(rows, columns=COLUMNS)


class _Correction:
    """log F_l(n) of one scheme, layer and kind at any step; each spectrum's is computed once."""

    def __init__(self, spectra: pd.DataFrame, layer: int) -> None:
        self.spectra = spectra
        self.layer = layer
        self.known: dict[tuple[int, tuple[int, ...]], Array | None] = {}

    def __call__(self, step: int, widths: Sequence[int]) -> Array | None:
        """At these widths; None where the spectrum has no positive least eigenvalue."""
        there = self.spectra[self.spectra["width"] == max(widths)]
        if there.empty:
            return None
        nearest = nearest_step(there["step"], step)
        key = (nearest, tuple(widths))
        if key not in self.known:
            ordered = there[there["step"] == nearest].sort_values("index")
            spectrum = ordered["eigenvalue"].to_numpy(dtype=np.float64)
            positive = bool((spectrum > 0).all())
            self.known[key] = log_factors(spectrum, widths, self.layer) if positive else None
        return self.known[key]


def _of(table: pd.DataFrame, scheme: str, layer: int, kind: str) -> pd.DataFrame:
    chosen = (table["scheme"] == scheme) & (table["layer"] == layer) & (table["kind"] == kind)
    return table[chosen]


def _extrapolate(
    rows: pd.DataFrame,
    correction: _Correction,
    step: int,
    samples: int,
    paired: Estimate | None,
) -> Extrapolated:
    """One Gram matrix at one step: `rows` are its widths and seeds; `paired` is None at step 0."""
    resolved, lost = rows[rows["gram_min_eig"].notna()], rows[rows["gram_min_eig"].isna()]
    used = wholly_resolved(rows, "gram_min_eig")
    parts = by_width(used, "gram_min_eig")
    widths, eigenvalues = list(parts), list(parts.values())
    ratios = list(by_width(used, "gram_ratio").values())
    factors = correction(step, widths) if widths else None
    law = fit_exponent(widths, eigenvalues, factors)
    ratio = fit_exponent(widths, ratios, factors)
    if paired is None:
        paired = starting_exponent(widths, eigenvalues, factors, samples)
    deciding = narrower(law, paired)
    limit = limit_of(law, deciding, eigenvalues, factors)
    widest = rows[rows["width"] == rows["width"].max()]
    changes = widest["feature_change"].to_numpy(dtype=np.float64)
    upper = METRICS["gram_min_eig"].upper(rows)
    assert upper is not None
    return Extrapolated(
        limit=limit.value,
        limit_low=limit.low,
        limit_high=limit.high,
        exponent=law.value,
        ci_low=law.low,
        ci_high=law.high,
        ratio_exponent=ratio.value,
        ratio_low=ratio.low,
        ratio_high=ratio.high,
        widths=len(widths),
        largest_width=max(widths, default=math.nan),
        value=float(np.exp(np.log(eigenvalues[-1]).mean())) if widths else math.nan,
        resolution=float(upper.max()),
        unresolved=len(lost),
        unresolved_from=float(lost["width"].min()),
        smallest_seen=float(resolved["gram_min_eig"].min()),
        feature_change=_geometric_mean(changes),
        detectable=HALF_INTERVALS * (deciding.high - deciding.value),
        paired_exponent=paired.value,
        paired_low=paired.low,
        paired_high=paired.high,
    )


def _geometric_mean(values: Array) -> float:
    """0 if one of them is 0; NaN if one is not defined."""
    with np.errstate(divide="ignore"):
        return float(np.exp(np.log(values).mean()))


def measured(files: Files, settings: Settings) -> Tables:
    """The table of the statement: of the experiment's trainings, then of each activation's."""
    others = zip(
        settings["activations"], files.parts("metrics"), files.parts("spectra"), strict=True
    )
    own = (settings["activation"], files.table("metrics"), files.table("spectra"))
    trainings: list[tuple[Training, int, str, pd.DataFrame, pd.DataFrame]] = [
        ("experiment", settings["all_samples"], *own),
        *(("activation", settings["samples"], *other) for other in others),
    ]
    tables = [
        independence_table(
            metrics,
            spectra,
            training=training,
            activation=activation,
            samples=samples,
            fit_width_ratio=settings["fit_width_ratio"],
        )
        for training, samples, activation, metrics, spectra in trainings
    ]
    return {"independence": pd.concat(tables, ignore_index=True)}
