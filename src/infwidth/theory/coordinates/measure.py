"""Networks of growing width, trained alike, against the n = ∞ network: coordinates and outputs."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from infwidth.datasets.prepare import PreparedDataset
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.theory.coordinates.ensemble import Ensemble, Inputs, ensembles, geometric_means
from infwidth.theory.coordinates.laws import (
    PROBABILITIES,
    Array,
    Law,
    correlation,
    distances,
    expected_distance,
)
from infwidth.theory.coordinates.names import MOMENTS, ladder, looked_at, networks
from infwidth.theory.coordinates.reference import reference_of
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.outputs import measure as outputs

Rows = list[dict[str, object]]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "coordinates": (
        "scheme", "width", "group", "step", "kind", "distance", "expected_distance",
        "shape_distance", "scale",
    ),
    "dependence": (
        "scheme", "width", "step", "kind", "moment", "networks", "correlation",
        "correlation_error", "neighbours", "neighbours_error",
    ),
    "quantiles": ("scheme", "width", "step", "probability", "quantile"),
    "outputs": outputs.OUTPUTS,
    "offsets": outputs.OFFSETS,
}  # fmt: skip


def ensemble_tables(
    data: PreparedDataset,
    schemes: Mapping[str, Scheme],
    widths: Sequence[int],
    seeds: int,
    trained: int,
    recipe: Recipe,
) -> Tables:
    """Train ensembles of every scheme and width, and hold them against their reference.

    Args:
        data: its first inputs are trained on, and the first test inputs looked at beside them.
        schemes: by name.
        widths: of the theory; `ladder` says which are compared.
        seeds: of the theory; `networks` says how many are trained.
        trained: how many inputs are trained on.
        recipe: with dense layers.

    Returns:
        coordinates: for each scheme, width, group of networks, step and kind (h or x of the last
        hidden layer) the `distance` of a network's coordinates from the law of the reference, in
        its standard deviations; what independent draws of the law would be expected at; the
        distance of shapes alone, all networks of the width together being brought to the
        reference's standard deviation; and their standard deviation before that, over the
        reference's (`scale`). Of a group stands the geometric mean; all widths have as many groups.
        dependence: the correlations of `laws.correlation`.
        quantiles: of h at the first input, all networks of a width together, in standard
        deviations; rows of the reference have its width, or none where it is in closed form.
        outputs, offsets: see `infwidth.theory.outputs.measure`.
    """
    inputs, steps = Inputs.of(data, trained), looked_at(recipe.steps)
    rows: dict[str, Rows] = {name: [] for name in COLUMNS}
    compared = ladder(widths)
    counts = [networks(width, widths, seeds) for width in compared]
    for name, scheme in schemes.items():
        reference = reference_of(
            name, scheme, inputs, recipe, steps, max(widths), max(counts, default=0)
        )
        for step, laws in reference.laws.items():
            rows["quantiles"] += _quantiles(name, reference.width, step, laws["h"])
        for width, count in zip(compared, counts, strict=True):
            seen = ensembles(inputs, scheme, width, range(count), recipe, steps)
            limits = reference.limits(seen[0])
            for ensemble in seen:
                if ensemble.step not in limits or len(ensemble.seeds) < 2:
                    continue
                limit, laws = limits[ensemble.step], reference.laws[ensemble.step]
                for offset, each in outputs.rows(name, ensemble, inputs, limit, min(counts)):
                    rows["offsets"].append(offset)
                    rows["outputs"] += each
                for table, found in _rows(name, ensemble, laws, min(counts)).items():
                    rows[table] += found
    return {name: pd.DataFrame(rows[name], columns=list(COLUMNS[name])) for name in COLUMNS}


def _rows(scheme: str, seen: Ensemble, laws: Mapping[str, Law], groups: int) -> dict[str, Rows]:
    """Of coordinates.csv, dependence.csv and quantiles.csv."""
    rows: dict[str, Rows] = {"coordinates": [], "dependence": []}
    for kind, values in seen.features.items():
        place = {"scheme": scheme, "width": seen.width, "step": seen.step, "kind": kind}
        found = _distances(seen.width, values, laws[kind], groups)
        rows["coordinates"] += [place | row for row in found]
        for moment in MOMENTS:
            told = correlation(values, moment)
            rows["dependence"].append(
                place
                | {
                    "moment": moment,
                    "networks": len(values),
                    "correlation": told.pairs[0],
                    "correlation_error": told.pairs[1],
                    "neighbours": told.neighbours[0],
                    "neighbours_error": told.neighbours[1],
                }
            )
    first = np.quantile(seen.features["h"][:, 0], PROBABILITIES)
    std = float(seen.features["h"][:, 0].std())
    rows["quantiles"] = _quantile_rows(scheme, seen.width, seen.step, first / std)
    return rows


def _distances(width: int, values: Array, law: Law, groups: int) -> Rows:
    scale = values.std(axis=(0, 2)) / law.scale
    both = distances(values, law), distances(values / scale[:, None], law)
    expected = expected_distance(law, width)
    means = zip(*(geometric_means(each, groups).tolist() for each in both), strict=True)
    return [
        {
            "group": group,
            "distance": distance,
            "expected_distance": expected,
            "shape_distance": shape,
            "scale": float(scale.mean()),
        }
        for group, (distance, shape) in enumerate(means)
    ]


def _quantiles(scheme: str, width: float, step: int, law: Law) -> Rows:
    return _quantile_rows(scheme, width, step, law.quantile(PROBABILITIES)[0] / law.scale[0])


def _quantile_rows(scheme: str, width: float, step: int, quantiles: Array) -> Rows:
    return [
        {"scheme": scheme, "width": width, "step": step, "probability": p, "quantile": q}
        for p, q in zip(PROBABILITIES.tolist(), quantiles.tolist(), strict=True)
    ]


def measured(files: Files, settings: Settings) -> Tables:
    """The tables of the statement, and of `outputs`."""
    return ensemble_tables(
        files.dataset(),
        {name: Scheme(**powers) for name, powers in settings["schemes"].items()},
        settings["widths"],
        settings["seeds"],
        settings["samples"],
        Recipe(**settings["recipe"]),
    )
