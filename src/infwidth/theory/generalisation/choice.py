"""Which learning rate stands for a scheme: its best one, or one that all have in common."""

import math
from collections.abc import Sequence

import pandas as pd

# Losses below this are as good as zero, and not told apart.
FITTED = 1e-6


def logs(losses: "pd.Series[float]") -> "pd.Series[float]":
    """Logarithms of losses, of those below `FITTED` as at it."""
    return losses.clip(lower=FITTED).map(math.log)


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

    The training loss, because test images must not choose. Of equal rates it is the lowest.
    Arguments as of `complete`.
    """
    kept = complete(table, by)
    keys = [kept[each] for each in by]
    means = logs(kept["train_loss"]).groupby([*keys, kept["learning_rate"]]).transform("mean")
    least = kept[means == means.groupby(keys).transform("min")]
    rates = least["learning_rate"].groupby([least[each] for each in by])
    best: pd.DataFrame = least[least["learning_rate"] == rates.transform("min")]
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
        of_rate = own.assign(log=logs(own["train_loss"])).groupby("learning_rate")
        order = pd.DataFrame({"count": -of_rate.size(), "loss": of_rate["log"].mean()})
        common = order.sort_values(["count", "loss"]).index[0]
        parts.append(own[own["learning_rate"] == common])
    return pd.concat(parts) if parts else kept
