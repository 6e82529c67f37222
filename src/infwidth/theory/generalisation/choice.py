"""Which learning rate stands for a scheme: its best one, or one that all have in common."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def complete(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """The trainings at rates at which no seed diverged.

    Args:
        table: columns learning_rate, train_loss, and those of `by`; a row for each seed.
        by: what has rates of its own.
    """
    whole = table["train_loss"].notna().groupby([table[each] for each in (*by, "learning_rate")])
    kept: pd.DataFrame = table[whole.transform("all")]
    return kept


def at_best(table: pd.DataFrame, by: Sequence[str] = ("scheme", "loss", "width")) -> pd.DataFrame:
    """The trainings at the rate of the least training loss, geometric mean over seeds.

    The training loss, because test images must not choose. Arguments as of `complete`.
    """
    kept = complete(table, by)
    keys = [kept[each] for each in by]
    means = np.log(kept["train_loss"]).groupby([*keys, kept["learning_rate"]]).transform("mean")
    best: pd.DataFrame = kept[means == means.groupby(keys).transform("min")]
    return best


def at_common(table: pd.DataFrame) -> pd.DataFrame:
    """The trainings at one rate for all, for each loss.

    It is the rate at which most schemes and widths were trained and did not diverge, and among
    several such rates that of the least training loss, geometric mean over all.

    Args:
        table: transfer.csv.
    """
    kept = complete(table, ("scheme", "loss", "width"))
    parts = []
    for _, own in kept.groupby("loss", sort=False):
        of_rate = own.assign(log=np.log(own["train_loss"])).groupby("learning_rate")
        order = pd.DataFrame({"count": -of_rate.size(), "loss": of_rate["log"].mean()})
        common = order.sort_values(["count", "loss"]).index[0]
        parts.append(own[own["learning_rate"] == common])
    return pd.concat(parts) if parts else kept
