"""All trainings of one world, in one process: to load PyTorch for each would take longer."""

from collections.abc import Mapping, Sequence
from typing import Any

from infwidth.datasets.prepare import PreparedDataset
from infwidth.measures.features import Features
from infwidth.measures.tables import Collected, Curves, measured, together
from infwidth.multiverse.record import Record
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.training.train import train


def run(
    data: PreparedDataset,
    schemes: Mapping[str, Mapping[str, Any]],
    recipes: Sequence[tuple[int, Mapping[str, Any]]],
    seeds: int,
    label: str = "",
) -> Record:
    """Train every scheme at every width, and measure.

    Args:
        data: prepared images and labels.
        schemes: name -> the fields of a `Scheme`.
        recipes: the widths, each with the fields of its `Recipe`.
        seeds: replicas of each scheme and width.
        label: how progress reports call the world.

    Returns:
        The numbers of an experiment with the same configuration, to the last bit.
    """
    devices: set[str] = set()
    parts: list[Collected] = []
    for scheme, powers in schemes.items():
        for width, recipe in recipes:
            told = f"{label} {scheme} n={width}".strip()
            its = Scheme(**powers), width, range(seeds), Recipe(**recipe)
            record = train(data, *its, label=told)
            features, curves = Features.of_record(record), Curves.of_record(record)
            parts.append(measured(scheme, width, features, curves))
            devices.add(record.device)
    tables = together(parts)
    widest = tables.spectra["width"] == tables.spectra["width"].max()
    tables = tables._replace(spectra=tables.spectra[widest])
    return Record(**tables._asdict(), device=", ".join(sorted(devices)))
