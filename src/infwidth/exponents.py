"""The scaling table: exponent in the width and level at the largest width of every metric."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from infwidth.finite_width import log_factors
from infwidth.scaling import NOT_MEASURED, fit_power_law, geometric_mean


@dataclass(frozen=True)
class Metric:
    """A metric of metrics.csv.

    Attributes:
        matrix: the matrix whose least eigenvalue it is (its spectrum sets the finite-width
            correction), or None.
        copies: columns of that matrix per sample.
    """

    matrix: str | None = None
    copies: int = 1


METRICS = {
    "feature_change": Metric(),
    "gram_min_eig": Metric("gram"),
    "gram_ratio": Metric("gram"),
    "spacetime_min_eig": Metric("spacetime", copies=2),
}


@dataclass(frozen=True)
class ScalingRow:
    """One row of scaling.csv; NaN stands for an empty cell."""

    metric: str
    scheme: str
    layer: int
    kind: str
    exponent: float
    ci_low: float
    ci_high: float
    value: float
    value_low: float
    value_high: float
    largest_width: float
    widths: int
    seeds: int
    correction: str
    correction_power: float
    raw_exponent: float
    r_squared: float
    unresolved: int


def scaling_table(
    metrics: pd.DataFrame, spectra: pd.DataFrame, samples: int, fit_width_ratio: float
) -> pd.DataFrame:
    """Fit every metric of every scheme, layer and kind at the last step.

    Args:
        metrics: metrics.csv.
        spectra: spectra.csv, whose spectrum at the largest width sets the correction.
        samples: N.
        fit_width_ratio: least eigenvalues take part from n = fit_width_ratio x (matrix columns) on.
    """
    final = metrics[metrics["step"] == metrics["step"].max()].copy()
    final["gram_ratio"] = final["gram_min_eig"] / final["gram_mean_eig"]
    final_spectra = spectra[spectra["step"] == spectra["step"].max()]
    rows = [
        _fit(metric, scheme, layer, kind, group, final_spectra, samples, fit_width_ratio)
        for metric in METRICS
        for (scheme, layer, kind), group in groups(final)
    ]
    return pd.DataFrame([asdict(row) for row in rows])


def groups(table: pd.DataFrame) -> Iterator[tuple[tuple[str, int, str], pd.DataFrame]]:
    """The parts of a table that share scheme, layer and kind, in order of appearance."""
    for key, group in table.groupby(["scheme", "layer", "kind"], sort=False):
        scheme, layer, kind = cast(tuple[str, int, str], key)
        yield (scheme, int(layer), kind), group


def _fit(
    metric: str,
    scheme: str,
    layer: int,
    kind: str,
    group: pd.DataFrame,
    spectra: pd.DataFrame,
    samples: int,
    fit_width_ratio: float,
) -> ScalingRow:
    matrix = METRICS[metric].matrix
    columns = METRICS[metric].copies * samples
    defined = group if matrix is None else group[group["width"] >= columns]
    resolved = defined[defined[metric].notna()]
    largest = resolved["width"].max()
    level = NOT_MEASURED
    if len(resolved):
        level = geometric_mean(resolved.loc[resolved["width"] == largest, metric].to_numpy())
    if matrix is not None:
        resolved = resolved[resolved["width"] >= fit_width_ratio * columns]
    by_width = {
        int(width): resolved.loc[resolved["width"] == width, metric].to_numpy()
        for width in sorted(resolved["width"].unique())
    }
    spectrum = _spectrum(spectra, scheme, layer, kind, matrix, by_width)
    widths = list(by_width)
    factors = None if spectrum is None else log_factors(spectrum, widths, stages=layer)
    law = fit_power_law(widths, list(by_width.values()), factors)
    return ScalingRow(
        metric=metric,
        scheme=scheme,
        layer=layer,
        kind=kind,
        exponent=law.exponent,
        ci_low=law.low,
        ci_high=law.high,
        value=level.value,
        value_low=level.low,
        value_high=level.high,
        largest_width=largest,
        widths=len(by_width),
        seeds=int(group["seed"].nunique()),
        correction="none" if matrix is None else "marchenko-pastur",
        correction_power=law.correction_power,
        raw_exponent=law.raw_exponent,
        r_squared=law.r_squared,
        unresolved=len(defined) - int(defined[metric].notna().sum()),
    )


def _spectrum(
    spectra: pd.DataFrame,
    scheme: str,
    layer: int,
    kind: str,
    matrix: str | None,
    by_width: dict[int, NDArray[np.float64]],
) -> NDArray[np.float64] | None:
    """The spectrum of a matrix at the largest width of a fit."""
    if matrix is None or not by_width:
        return None
    rows = spectra[
        (spectra["scheme"] == scheme)
        & (spectra["layer"] == layer)
        & (spectra["kind"] == kind)
        & (spectra["matrix"] == matrix)
        & (spectra["width"] == max(by_width))
    ]
    return rows.sort_values("index")["eigenvalue"].to_numpy()
