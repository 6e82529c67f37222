"""Trainings of one scheme at many learning rates, at every width, with both losses.

They are the experiment's own: its training set, batches and steps, in dense layers on the CPU.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from infwidth.datasets.prepare import PreparedDataset
from infwidth.measures.features import Features
from infwidth.measures.metrics import METRICS, headline
from infwidth.measures.spectra import spectra_of
from infwidth.measures.tables import metrics_table
from infwidth.network.losses import LOSSES
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.transfer.grid import Array, best, coarse, explored, rate
from infwidth.theory.transfer.names import COLUMNS
from infwidth.training.record import CURVES, TrainingRecord
from infwidth.training.train import train

RETENTION = METRICS["retention"]


def transfer_table(
    data: PreparedDataset,
    name: str,
    scheme: Scheme,
    widths: Sequence[int],
    seeds: Sequence[int],
    recipe: Recipe,
) -> pd.DataFrame:
    """Train one scheme with every loss, at every width, at the rates of `grid.explored`.

    Args:
        data: prepared images and labels.
        name: the scheme's.
        scheme: powers of the width.
        widths: n, ascending. The search at a width starts near the best rate of the one before.
        seeds: of each training.
        recipe: how to train; its learning rate is that at place 0, its loss is not used.

    Returns:
        A row per training with the columns of `names.COLUMNS`, in the order of loss, width, rate
        and seed. All but the first six are of the end of the training, of the last hidden layer's
        h, and empty where it diverged; `untrained_loss` is of its start.
    """
    found: list[pd.DataFrame] = []
    for loss in LOSSES:
        first = 0
        for width in widths:
            how = replace(recipe, loss=loss)
            tables = _tables(data, name, scheme, width, seeds, how, first)
            first = coarse(best({place: _left(table) for place, table in tables.items()}))
            found += [tables[place].assign(loss=loss) for place in sorted(tables)]
    return pd.concat(found, ignore_index=True)[[*COLUMNS]]


def _tables(
    data: PreparedDataset,
    name: str,
    scheme: Scheme,
    width: int,
    seeds: Sequence[int],
    recipe: Recipe,
    first: int,
) -> dict[int, pd.DataFrame]:
    """The rows of every rate that is tried with one loss at one width, by its place."""
    tables: dict[int, pd.DataFrame] = {}

    def outcome(place: int) -> Array:
        eta = rate(place, recipe.learning_rate)
        label = f"{name} {recipe.loss} n={width} η={eta:.3g}"
        record = train(data, scheme, width, seeds, replace(recipe, learning_rate=eta), label)
        tables[place] = _ends(name, width, record).assign(learning_rate=eta)
        return _left(tables[place])

    explored(outcome, first)
    return tables


def _left(table: pd.DataFrame) -> Array:
    """Final over untrained loss of each seed, infinite where it diverged."""
    left = table["train_loss"] / table["untrained_loss"]
    return left.fillna(np.inf).to_numpy(dtype=np.float64)


def _ends(name: str, width: int, record: TrainingRecord) -> pd.DataFrame:
    """What each seed's training came to."""
    features = Features.of_record(record)
    table = headline(metrics_table(name, width, features, spectra_of(features)))
    table = RETENTION.beside(table).set_index(["step", "seed"])
    rows = pd.DataFrame({"scheme": name, "width": width, "seed": record.seeds})
    rows["diverged"] = rows["seed"].map(record.diverged).astype("Int64")
    rows["untrained_loss"] = record.curves["train_loss"][0]
    going = rows["diverged"].isna() & np.isfinite(record.curves["train_loss"][-1])
    for curve in CURVES:
        rows[curve] = np.where(going, record.curves[curve][-1], np.nan)
    for metric in ("feature_change", "retention"):
        last = table[metric].reindex([(record.steps[-1], seed) for seed in record.seeds])
        rows[metric] = np.where(going, last.to_numpy(), np.nan)
    return rows


def measured_part(files: Files, settings: Settings, part: str) -> Tables:
    """The table of one scheme."""
    recipe = Recipe(**settings["experiment_recipe"])
    table = transfer_table(
        files.dataset(),
        part,
        Scheme(**settings["schemes"][part]),
        sorted(settings["widths"]),
        range(settings["seeds"]),
        # What is measured is measured at the start and at the end.
        replace(recipe, snapshots=2),
    )
    return {"transfer": table}
