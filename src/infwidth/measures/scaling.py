"""The scaling table: exponent in the width and level at the largest width of every metric."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from infwidth.files.tables import read_csv, write_csv
from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.finite_width import log_factors
from infwidth.measures.metrics import METRICS, Metric
from infwidth.measures.misfit import misfit
from infwidth.measures.power_law import fit_power_law, geometric_mean


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
    raw_low: float
    raw_high: float
    full_exponent: float
    full_low: float
    full_high: float
    unbounded_exponent: float
    unbounded_low: float
    unbounded_high: float
    misfit: float
    residual: float
    curvature: float
    curvature_low: float
    curvature_high: float
    local_exponent: float
    local_low: float
    local_high: float
    law: str


def write(folder: Path, *, samples: int, steps: int, fit_width_ratio: float) -> None:
    """Write scaling.csv from metrics.csv and spectra.csv, all in a paper folder.

    Args:
        folder: the paper folder.
        samples: as for `scaling_table`, like the others.
        steps: the last step.
        fit_width_ratio: of the configuration.
    """
    tables = (read_csv(folder / f"{name}.csv") for name in ("metrics", "spectra"))
    table = scaling_table(*tables, samples=samples, steps=steps, fit_width_ratio=fit_width_ratio)
    write_csv(table, folder / "scaling.csv")


def scaling_table(
    metrics: pd.DataFrame,
    spectra: pd.DataFrame,
    *,
    samples: int,
    steps: int,
    fit_width_ratio: float,
) -> pd.DataFrame:
    """Fit every metric of every scheme, layer and kind at the last step.

    Args:
        metrics: metrics.csv.
        spectra: spectra.csv, whose spectrum at the largest width sets the correction.
        samples: N.
        steps: the last step.
        fit_width_ratio: least eigenvalues take part from n = fit_width_ratio x (matrix columns) on.
    """
    final_spectra = spectra[spectra["step"] == steps]
    # Grouped before the last step is chosen: a scheme that never reached it keeps its rows.
    rows = [
        _fit(
            metric,
            key,
            group[group["step"] == steps],
            final_spectra,
            samples,
            fit_width_ratio,
        )
        for metric in METRICS.values()
        for key, group in groups(metric.beside(metrics))
    ]
    return pd.DataFrame([asdict(row) for row in rows])


def law_along(fit: "pd.Series[float]", final: pd.DataFrame, spectra: pd.DataFrame) -> pd.DataFrame:
    """A fitted law at the widths that it was fitted to.

    Args:
        fit: a row of scaling.csv that has an exponent.
        final: metrics.csv at the last step.
        spectra: spectra.csv at the last step.

    Returns:
        Columns `law`, with the finite-width factor, and `power`, its power of n alone, indexed by
        the width, ascending.
    """
    metric = METRICS[str(fit["metric"])]
    key = (str(fit["scheme"]), int(fit["layer"]), str(fit["kind"]))
    own = dict(groups(metric.beside(final)))[key]
    values = by_width(wholly_resolved(own, metric.name), metric.name)
    widths = sorted(values)[-int(fit["widths"]) :]
    power = float(fit["exponent"]) * np.log(widths)
    effect = np.zeros_like(power)
    if metric.matrix is not None and fit["correction_power"] > 0:
        spectrum = _spectrum(spectra, key, metric.matrix.name, max(widths))
        effect = float(fit["correction_power"]) * log_factors(spectrum, widths, stages=key[1])
    power += np.mean([np.log(values[width]).mean() for width in widths]) - (power + effect).mean()
    return pd.DataFrame({"law": np.exp(power + effect), "power": np.exp(power)}, index=widths)


def wholly_resolved(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows of widths at which every seed has a positive value.

    Where some are under resolution, the rest are the large ones: their mean would be too high.
    """
    return table[(table[column] > 0).groupby(table["width"]).transform("all")]


def groups(table: pd.DataFrame) -> Iterator[tuple[tuple[str, int, str], pd.DataFrame]]:
    """The parts of a table that share scheme, layer and kind, in order of appearance."""
    for key, group in table.groupby(["scheme", "layer", "kind"], sort=False):
        scheme, layer, kind = cast(tuple[str, int, str], key)
        yield (scheme, int(layer), kind), group


def by_width(table: pd.DataFrame, column: str) -> dict[int, NDArray[np.float64]]:
    """The values of a column at each width, ascending."""
    return {
        int(cast(int, width)): values.to_numpy(dtype=np.float64)
        for width, values in table.groupby("width")[column]
    }


def _fit(
    metric: Metric,
    key: tuple[str, int, str],
    final: pd.DataFrame,
    spectra: pd.DataFrame,
    samples: int,
    fit_width_ratio: float,
) -> ScalingRow:
    """One row: `final` and `spectra` are of the last step."""
    scheme, layer, kind = key
    matrix = metric.matrix
    columns = 0 if matrix is None else matrix.copies * samples
    defined = final if matrix is None else final[final["width"] >= columns]
    resolved = defined[defined[metric.name].notna()]
    level = _level(defined[defined["width"] == defined["width"].max()], metric)
    wide = wholly_resolved(defined, metric.name)
    if matrix is not None:
        wide = wide[wide["width"] >= fit_width_ratio * columns]
    values = by_width(wide, metric.name)
    factors = None
    if matrix is not None and metric.corrected and values:
        spectrum = _spectrum(spectra, key, matrix.name, max(values))
        if len(spectrum) and (spectrum > 0).all():
            factors = log_factors(spectrum, list(values), stages=layer)
        else:
            values = {}  # the finite-width effect, and so the exponent, is unknown without it
    law = fit_power_law(list(values), [*values.values()], factors)
    missed = misfit(list(values), [*values.values()], factors)
    others = {
        name: number
        for rule, exponent in law.others.items()
        for name, number in exponent.columns(f"{rule}_exponent", rule).items()
    }
    return ScalingRow(
        metric=metric.name,
        scheme=scheme,
        layer=layer,
        kind=kind,
        exponent=law.exponent.value,
        ci_low=law.exponent.low,
        ci_high=law.exponent.high,
        value=level.value,
        value_low=level.low,
        value_high=level.high,
        largest_width=float(defined["width"].max()),
        widths=len(values),
        seeds=int(final["seed"].nunique()),
        correction="marchenko-pastur" if metric.corrected else "none",
        correction_power=law.correction_power,
        r_squared=law.r_squared,
        unresolved=len(defined) - len(resolved),
        **others,
        misfit=missed.p,
        residual=missed.residual,
        law=missed.law,
        **missed.curvature.columns("curvature"),
        **missed.local.columns("local_exponent", "local"),
    )


def _level(widest: pd.DataFrame, metric: Metric) -> Estimate:
    """The metric at one width: its mean over seeds, or an upper bound if some are unresolved."""
    values = widest[metric.name]
    upper = metric.upper(widest)
    if len(values) and values.notna().all():
        return geometric_mean(values.to_numpy())
    if values.empty or upper is None:
        return NOT_MEASURED
    return NOT_MEASURED._replace(high=float(values.fillna(upper).max()))


def _spectrum(
    spectra: pd.DataFrame, key: tuple[str, int, str], matrix: str, width: int
) -> NDArray[np.float64]:
    """The spectrum of a matrix at one width, ascending."""
    scheme, layer, kind = key
    rows = spectra[
        (spectra["scheme"] == scheme)
        & (spectra["layer"] == layer)
        & (spectra["kind"] == kind)
        & (spectra["matrix"] == matrix)
        & (spectra["width"] == width)
    ]
    return rows.sort_values("index")["eigenvalue"].to_numpy()
