"""Trainings under µP with other activations, for Theorem 4.5 through training.

Apart from `infwidth.theory.independence.measure`, which extrapolates from these and the
experiment's own trainings and does without PyTorch.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from infwidth.datasets.prepare import PreparedDataset
from infwidth.measures.features import Features
from infwidth.measures.spectra import spectra_of
from infwidth.measures.tables import metrics_table, spectra_table
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.setting import first_samples, with_activation
from infwidth.training.train import train

MUP = "µP"
# At a narrow width there are so many times as many seeds at most, for one sample; see `replicas`.
MOST_REPLICAS = 128


def train_activation(
    data: PreparedDataset,
    widths: Sequence[int],
    seeds: int,
    recipe: Recipe,
    activation: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train under µP with one activation, in memory.

    Args:
        data: prepared images and labels.
        widths: n of each training.
        seeds: how many replicas at the largest width; at the others as `replicas` says.
        recipe: how to train, but for the activation; see `with_activation`.
        activation: φ.

    Returns:
        The tables `infwidth.measures.tables.metrics_table` and `spectra_table`, of all widths.
    """
    of_width = replicas(widths, seeds, len(data.train_labels))
    return train_widths(data, of_width, with_activation(recipe, activation))


def replicas(widths: Sequence[int], seeds: int, samples: int) -> dict[int, range]:
    """Seeds at each width: so many at the largest, and more where they are cheap.

    Least eigenvalues scatter most at the smallest widths, and there a training costs least, as long
    as the spectra of few samples are taken of it.
    """
    most = max(MOST_REPLICAS // samples, 1)
    return {width: range(seeds * min(max(widths) // width, most)) for width in widths}


def train_widths(
    data: PreparedDataset, seeds: Mapping[int, Sequence[int]], recipe: Recipe
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As `train_activation`, with the recipe as it is, and at each width its own seeds."""
    metrics, spectra = [], []
    for width, replicas in seeds.items():
        label = f"{MUP} {recipe.activation} n={width}"
        record = train(data, SCHEMES[MUP], width, replicas, recipe, label)
        features = Features.of_record(record)
        values = spectra_of(features)
        metrics.append(metrics_table(MUP, width, features, values))
        spectra.append(spectra_table(MUP, width, features, values))
    return pd.concat(metrics, ignore_index=True), pd.concat(spectra, ignore_index=True)


def measured_part(files: Files, settings: Settings, part: str) -> Tables:
    """Metrics and spectra of one activation."""
    metrics, spectra = train_activation(
        first_samples(files.dataset(), settings["samples"]),
        settings["widths"],
        settings["seeds"],
        Recipe(**settings["recipe"]),
        part,
    )
    return {"metrics": metrics, "spectra": spectra}
