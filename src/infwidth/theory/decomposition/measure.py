"""The parts that a pre-activation moves by.

With W_t = W_0 + (W_t - W_0) and x_t = x_0 + δx_t, and W_0 δx_t in its Gaussian and its Onsager part
(see `infwidth.theory.innovations`), the pre-activations of hidden layer l ≥ 2 are

    h_t = W_0 x_0 + Ẑ^{W_0 δx_t} + Ż^{W_0 δx_t} + (W_t - W_0) x_t,

so that δh_t = h_t - h_0 has three parts: `gaussian` and `onsager`, by which the layer passes on its
input's movement, and `learned`, by which its own weights move. The first layer has a single part,
(W_t - W_0) ξ. The paper's proof works with these parts; how large they are, and how the movement is
shared among them, is measured here.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from infwidth.theory.innovations.products import Array
from infwidth.theory.innovations.training import Observation

COLUMNS = ("scheme", "width", "seed", "step", "layer", "part", "size", "share")


def decomposition_table(scheme: str, observations: Iterable[Observation]) -> pd.DataFrame:
    """Sizes of the parts of δh_t and their shares in it.

    Args:
        scheme: its name.
        observations: trainings of any widths and seeds.

    Returns:
        Columns `COLUMNS`: one row per training, step > 0 looked at, hidden layer and part.
        `size` is ‖part‖_F / ‖h_0‖_F over units and inputs; `share` is <part, δh_t> / ‖δh_t‖²,
        which may be negative; the shares of a layer's parts add up to 1.
    """
    rows = [(scheme, seen.width, seen.seed, *row) for seen in observations for row in _parts(seen)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _parts(seen: Observation) -> Iterator[tuple[int, int, str, float, float]]:
    """Step, layer, part, size and share."""
    for step, changes in seen.changes.items():
        if step == 0:
            continue
        for layer, (initial, change) in enumerate(zip(seen.initial, changes, strict=True), 1):
            for name, part in _parts_of(seen, step, layer, change).items():
                size = float(np.linalg.norm(part) / np.linalg.norm(initial))
                yield step, layer, name, size, share(part, change)


def _parts_of(seen: Observation, step: int, layer: int, change: Array) -> dict[str, Array]:
    if layer == 1:
        return {"learned": change}
    snapshot = seen.snapshots[step, layer]
    return {
        "gaussian": snapshot.forward.gaussian,
        "onsager": snapshot.onsager,
        "learned": snapshot.learned,
    }


def share(part: Array, change: Array) -> float:
    """<part, δh> / ‖δh‖², of arrays of one shape; NaN where nothing moved."""
    square = float(np.vdot(change, change))
    return float(np.vdot(part, change)) / square if square > 0 else np.nan
