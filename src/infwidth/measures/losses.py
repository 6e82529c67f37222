"""The training loss at the end: how much a network has learnt when its features are read."""

import pandas as pd

from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.power_law import geometric_mean


def final_losses(runs: pd.DataFrame) -> dict[str, Estimate]:
    """Scheme -> training loss at the last step and the scheme's largest width, mean over seeds.

    The mean is geometric; a scheme that never reached the last step, or whose loss is 0 in a seed,
    has none.

    Args:
        runs: runs.csv.
    """
    last = runs[runs["step"] == runs["step"].max()]
    found = dict.fromkeys(runs["scheme"], NOT_MEASURED)
    for scheme, rows in last.groupby("scheme"):
        losses = rows.loc[rows["width"] == rows["width"].max(), "train_loss"].to_numpy(dtype=float)
        if (losses > 0).all():
            found[str(scheme)] = geometric_mean(losses)
    return found
