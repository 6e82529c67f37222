"""Kernel limits on all the data, and what trained features hold of the classes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from infwidth.datasets.prepare import PreparedDataset
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.theory.coordinates.names import LINEAR
from infwidth.theory.generalisation.choice import at_best
from infwidth.theory.generalisation.limit import Row, limit_rows
from infwidth.theory.generalisation.names import LIMITS, MOST_IMAGES, PROBED, SIGNAL
from infwidth.theory.generalisation.signal import signal_rows
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.training.train import train


def limit_table(
    data: PreparedDataset,
    schemes: Mapping[str, Scheme],
    transfer: pd.DataFrame,
    seeds: Sequence[int],
    recipe: Recipe,
) -> pd.DataFrame:
    """The kernel limits of SP and NTP, at the rates that their networks were trained at.

    Args:
        data: all training and test images.
        schemes: by name.
        transfer: transfer.csv.
        seeds: of batches and initial outputs.
        recipe: for everything but the loss and the learning rate.

    Returns:
        A row for each scheme, loss and kind (see `names`), and, of SGD, learning rate and seed;
        train_loss and the like are empty where it diverged. No rows where there are more than
        `MOST_IMAGES` images.
    """
    rows: list[Row] = []
    for name in LINEAR:
        own = transfer[transfer["scheme"] == name]
        if own.empty or len(data.train_inputs) + len(data.test_inputs) > MOST_IMAGES:
            continue
        rates = {
            str(loss): sorted(set(each)) for loss, each in own.groupby("loss")["learning_rate"]
        }
        rows += limit_rows(name, schemes[name], data, recipe, rates, seeds)
    return pd.DataFrame(rows, columns=list(LIMITS))


def signal_table(
    data: PreparedDataset,
    schemes: Mapping[str, Scheme],
    transfer: pd.DataFrame,
    recipe: Recipe,
) -> pd.DataFrame:
    """Train the widest networks at their best rate again, and look at their last features.

    Args:
        data: all training and test images; the first `PROBED` of either are looked at.
        schemes: by name.
        transfer: transfer.csv.
        recipe: for everything but the loss and the learning rate.

    Returns:
        A row for each scheme, loss, seed, step (first and last) and number of directions, with the
        columns of `signal.signal_rows`.
    """
    probes = np.concatenate([data.train_inputs[:PROBED], data.test_inputs[:PROBED]])
    chosen = at_best(transfer[transfer["width"] == transfer["width"].max()])
    rows: list[Row] = []
    for place in chosen.to_dict("records"):
        how = replace(recipe, loss=place["loss"], learning_rate=place["learning_rate"], snapshots=2)
        width, seed = int(place["width"]), int(place["seed"])
        record = train(
            replace(data, probe_inputs=probes), schemes[place["scheme"]], width, [seed], how
        )
        told = {name: place[name] for name in ("scheme", "loss", "width", "learning_rate", "seed")}
        told["classes"] = data.classes
        start, change = (each[..., 1, -1, 0, :, :].mT for each in (record.initial, record.change))
        for step, moved in zip(record.steps.tolist(), change, strict=True):
            rows += [told | {"step": step} | row for row in _signal(data, start + moved)]
    return pd.DataFrame(rows, columns=list(SIGNAL))


def _signal(data: PreparedDataset, features: np.ndarray) -> Iterator[dict[str, float]]:
    """Of features of the probes, shape (probes, n)."""
    wide = features.astype(np.float64)
    trained = len(data.train_inputs[:PROBED])
    return signal_rows(
        wide[:trained],
        data.train_labels[:trained],
        wide[trained:],
        data.test_labels[:PROBED],
        data.classes,
    )


def measured(files: Files, settings: Settings) -> Tables:
    """The tables of the statement."""
    data, transfer = files.dataset(), files.table("transfer")
    schemes = {name: Scheme(**powers) for name, powers in settings["schemes"].items()}
    recipe = Recipe(**settings["experiment_recipe"])
    return {
        "kernel_limit": limit_table(data, schemes, transfer, range(settings["seeds"]), recipe),
        "class_signal": signal_table(data, schemes, transfer, recipe),
    }
