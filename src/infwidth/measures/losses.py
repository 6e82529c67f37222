"""Losses and accuracies at the end: what a network has learnt, and how it does on new images."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.power_law import geometric_mean, mean

# Columns of runs.csv -> in words.
ENDS: Mapping[str, str] = MappingProxyType(
    {
        "train_accuracy": "training accuracy",
        "test_accuracy": "test accuracy",
        "train_loss": "training loss",
        "test_loss": "test loss",
    }
)


def ends(runs: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """A quantity at the last step, by scheme and width: mean over seeds with its interval.

    A loss has a geometric mean, and none where it is 0 in a seed; an accuracy an arithmetic one,
    whose interval ends where accuracies do.

    Args:
        runs: runs.csv.
        quantity: one of `ENDS`.

    Returns:
        Columns `scheme`, `width`, `value`, `low`, `high`; a row for all that reached the last step.
    """
    last = runs[runs["step"] == runs["step"].max()]
    of = _loss if quantity.endswith("loss") else _accuracy
    rows = [
        {"scheme": scheme, "width": width, **of(values.to_numpy(dtype=np.float64))._asdict()}
        for (scheme, width), values in last.groupby(["scheme", "width"], sort=False)[quantity]
    ]
    return pd.DataFrame(rows, columns=["scheme", "width", *Estimate._fields])


def final(runs: pd.DataFrame, quantity: str) -> dict[str, Estimate]:
    """Scheme -> a quantity at the last step and the scheme's largest width there, as from `ends`.

    A scheme that never reached the last step has none.

    Args:
        runs: runs.csv.
        quantity: one of `ENDS`.
    """
    found = dict.fromkeys(runs["scheme"], NOT_MEASURED)
    widest = ends(runs, quantity).sort_values("width").groupby("scheme", sort=False).tail(1)
    for row in widest.to_dict("records"):
        found[str(row["scheme"])] = Estimate(*(float(row[name]) for name in Estimate._fields))
    return found


def _loss(values: NDArray[np.float64]) -> Estimate:
    return geometric_mean(values) if (values > 0).all() else NOT_MEASURED


def _accuracy(values: NDArray[np.float64]) -> Estimate:
    found = mean(values)
    return Estimate(*(float(end) for end in np.clip(found, 0, 1)))
