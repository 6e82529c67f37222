"""Schemes at one training loss, which each reaches at a learning rate of its own."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from infwidth.theory.generalisation.choice import complete

# A scheme whose loss has fallen by less than this part at every rate has not been trained. Ours.
TRAINED = 0.01
SEEN = ("test_accuracy", "test_loss", "feature_change")


def matched(table: pd.DataFrame) -> pd.DataFrame:
    """Every scheme at the least training loss of the one that trains worst.

    Values are interpolated in the logarithm of the training loss, and of themselves, between the
    two rates, up to the scheme's best, whose losses are on either side. A scheme that is below that
    loss at the lowest rate tried has no rows.

    Args:
        table: rows of transfer.csv, of one width.

    Returns:
        A row for each loss, scheme and seed, with the columns of `SEEN` and train_loss.
    """
    parts = [
        rows.assign(loss=loss)
        for loss, own in table.groupby("loss", sort=False)
        for rows in _of_loss(complete(own, ("scheme",)))
    ]
    columns = ["loss", "scheme", "seed", "train_loss", *SEEN]
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def _of_loss(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    levels = {}
    for scheme, own in table.groupby("scheme", sort=False):
        means = np.log(own["train_loss"]).groupby(own["learning_rate"]).mean()
        if means.min() < np.log((1 - TRAINED) * own["untrained_loss"]).mean():
            levels[scheme] = means.loc[: means.idxmin()]
    level = max((means.min() for means in levels.values()), default=np.nan)
    for scheme, means in levels.items():
        above = means[means > level]
        if above.empty and means.iloc[-1] < level:
            continue
        place = min(len(above), len(means) - 1)
        low, high = max(place - 1, 0), place
        part = (means.iloc[low] - level) / (means.iloc[low] - means.iloc[high]) if place else 1.0
        own = table[table["scheme"] == scheme].set_index("seed")
        ends = [
            np.log(own.loc[own["learning_rate"] == means.index[end], list(SEEN)])
            for end in (low, high)
        ]
        values = np.exp((1 - part) * ends[0] + part * ends[1]).reset_index()
        yield values.assign(scheme=scheme, train_loss=float(np.exp(level)))
