"""Schemes at one training loss, which each reaches at a learning rate of its own."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from infwidth.theory.generalisation.choice import complete, logs

# A scheme whose loss has fallen by less than this part at every rate has not been trained. Ours.
TRAINED = 0.01


def matched(table: pd.DataFrame) -> pd.DataFrame:
    """Every scheme at the least training loss of the one that trains worst.

    Accuracy and logarithm of movement are interpolated in the logarithm of the training loss,
    between the two rates, up to the scheme's best, whose losses are on either side. A scheme that
    is below that loss at the lowest rate tried has no rows.

    Args:
        table: rows of transfer.csv, of one width.

    Returns:
        A row for each seed with the columns loss, scheme, seed, train_loss, test_accuracy and
        feature_change.
    """
    parts = [
        rows.assign(loss=loss)
        for loss, own in table.groupby("loss", sort=False)
        for rows in _of_loss(complete(own, ("scheme",)))
    ]
    columns = ["loss", "scheme", "seed", "train_loss", "test_accuracy", "feature_change"]
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def _of_loss(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    levels = {}
    for scheme, own in table.groupby("scheme", sort=False):
        means = logs(own["train_loss"]).groupby(own["learning_rate"]).mean()
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
        first, second = (own[own["learning_rate"] == means.index[end]] for end in (low, high))
        right = (1 - part) * first["test_accuracy"] + part * second["test_accuracy"]
        moved = first["feature_change"] ** (1 - part) * second["feature_change"] ** part
        values = pd.DataFrame({"test_accuracy": right, "feature_change": moved}).reset_index()
        yield values.assign(scheme=scheme, train_loss=float(np.exp(level)))
