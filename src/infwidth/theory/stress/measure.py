"""Theorem 4.5 under stress: the extrapolation of `independence`, where the theorem is strained.

The theorem knows no bound on the number of samples, of steps, nor on the learning rate. So its
least eigenvalues are followed with up to 128 samples, over ten times the steps, and at rates up to
the edge of stability. The extrapolation is that of `infwidth.theory.independence.measure`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from infwidth.theory.independence.measure import COLUMNS, independence_table
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.stress.names import SETTING

# Columns of stress.csv before and after those of independence.csv, `samples` standing in these.
BEFORE = ("last_step", "learning_rate")
AFTER = ("trainings", "inputs", "wide", "rank", "parallel_pairs")
# A setting that is told of, and no more.
_UNTRAINED: Mapping[str, object] = MappingProxyType(
    {
        **{"training": "stress", "scheme": "µP", "step": 0, "layer": 1, "kind": "h"},
        **{"widths": 0, "unresolved": 0, "diverged": 0, "lost": 0},
    }
)


def stress_table(
    trainings: pd.DataFrame,
    metrics: pd.DataFrame,
    spectra: pd.DataFrame,
    sharpness: pd.DataFrame,
    *,
    activation: str,
    fit_width_ratio: float,
) -> pd.DataFrame:
    """Least eigenvalues at n = ∞ of every setting.

    Args:
        trainings: as from `infwidth.theory.stress.train.strained_tables`, like the next three.
        metrics: of all settings.
        spectra: of all settings.
        sharpness: of all settings.
        activation: φ.
        fit_width_ratio: of the configuration.

    Returns:
        The rows of `independence_table` with columns strain, setting, last_step (T) and
        learning_rate in front and, behind, `edge` (η times half the sharpness at that step, mean
        over seeds at the smallest width), `diverged` (how many trainings had by then), `lost` (how
        many had by the last step, after which there may be no row) and those of `Training`. A
        setting with too few images or widths has one row, with `trainings` 0.
    """
    parts = []
    for row in trainings.to_dict("records"):
        own = [_of(table, row) for table in (metrics, spectra, sharpness)]
        if row["trainings"]:
            table = independence_table(
                own[0],
                own[1],
                training="stress",
                activation=activation,
                samples=row["samples"],
                fit_width_ratio=fit_width_ratio,
            )
            going = own[0].drop_duplicates(["width", "seed", "step"])["step"].value_counts()
            table["edge"] = table["step"].map(own[2].groupby("step")["edge"].mean())
            table["diverged"] = row["trainings"] - table["step"].map(going)
            table["lost"] = row["trainings"] - going.get(row["last_step"], 0)
        else:
            untrained = {**_UNTRAINED, "activation": activation, "samples": row["samples"]}
            table = pd.DataFrame([untrained], columns=[*COLUMNS, "edge", "diverged", "lost"])
        for place, name in enumerate((*SETTING, *BEFORE)):
            table.insert(place, name, row[name])
        parts.append(table.assign(**{name: row[name] for name in AFTER}))
    return pd.concat(parts, ignore_index=True)


def _of(table: pd.DataFrame, row: Mapping[Any, Any]) -> pd.DataFrame:
    strain, setting = SETTING
    own: pd.DataFrame = table[(table[strain] == row[strain]) & (table[setting] == row[setting])]
    return own


def measured(files: Files, settings: Settings) -> Tables:
    """The tables of the statement."""
    names = ("trainings", "metrics", "spectra", "sharpness")
    joined = {name: pd.concat(files.parts(name), ignore_index=True) for name in names}
    table = stress_table(
        *joined.values(),
        activation=settings["activation"],
        fit_width_ratio=settings["fit_width_ratio"],
    )
    return {"stress": table, "sharpness": joined["sharpness"]}
