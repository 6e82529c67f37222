r"""IP step by step: how large its last features are, when they get so large, and at which depth.

In the experiment's own trainings all is read from metrics.csv, at its snapshots; the mean
eigenvalue of the Gram matrix over n is the mean square of the coordinates. Beside them, small
trainings of three hidden layers and tanh in full batches are followed at every step, under IP and
IP-LLR; where the prediction of `infwidth.theory.escape.saddle` applies, it stands in the same row.
All sizes and depths are ours.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme, built_in
from infwidth.theory.escape.names import (
    DEPTH_WIDTHS,
    DEPTHS,
    FAR_BELOW,
    IP,
    LARGE,
    MAIN,
    PART_OF_WIDTH,
    SIZES,
    SMALL,
)
from infwidth.theory.escape.saddle import ACTIVATION, LAYERS, saddle
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.setting import first_samples
from infwidth.training.descent import Descent
from infwidth.training.train import log_spaced_steps

Array = NDArray[np.float64]

RUN = ["trainings", "scheme", "hidden_layers", "samples", "width", "seed"]
COLUMNS = (
    *RUN, "step", "mean_square", "feature_change", "predicted_square", "predicted_change",
)  # fmt: skip
TIMES = (*RUN, "size", "step", "earliest_step", "predicted_step", "predicted_growth")
FOLLOWED = (
    "seed", "step", "mean_square", "moved_square", "feature_change", "train_loss", "decrease",
)  # fmt: skip
DEPTH_COLUMNS = (
    "scheme", "hidden_layers", "width", "seed", "steps", "first_decrease", "initial_square",
    "moved_square", "feature_change", "first_loss", "last_loss",
)  # fmt: skip


def followed(
    data: PreparedDataset,
    scheme: Scheme,
    width: int,
    seeds: Sequence[int],
    recipe: Recipe,
    looks: Collection[int] | None = None,
) -> pd.DataFrame:
    """Train, and look at the last hidden layer.

    Args:
        data: the training inputs.
        scheme: powers of the width.
        width: n.
        seeds: of the initial weights.
        recipe: how to train.
        looks: the steps to look at; None: all.

    Returns:
        A row for each of these steps and each seed that has not diverged. `mean_square` is that of
        the coordinates of h_t, `moved_square` that of h_t - h_0, `feature_change` the mean over
        samples of ‖h_t - h_0‖ / ‖h_0‖. `decrease`, in the rows of step 0, is what the first step
        takes off the loss to first order, Σ_l ‖W^l_1 - W^l_0‖_F² / η_l.
    """
    network = initial_network(data, scheme, width, seeds, recipe, torch.device("cpu"))
    later, first = (learning_rates(scheme, width, recipe, first=each) for each in (False, True))
    descent = Descent(network, data, later, seeds, recipe.loss, recipe.batch_size, first)
    last = network.hidden[-1]
    seen = []
    for step in range(recipe.steps + 1):
        kept = descent.going().nonzero().flatten()
        if len(kept) < len(descent.alive):
            descent.keep(kept)
            if not len(kept):
                break
        looking = looks is None or step in looks
        if looking:
            replicas = descent.alive
            values = [
                (last.initial + last.change).square().mean(dim=(1, 2)),
                last.change.square().mean(dim=(1, 2)),
                (last.change.norm(dim=-1) / last.initial.norm(dim=-1)).mean(dim=-1),
                descent.losses,
            ]
        decrease = torch.full_like(descent.losses, torch.nan)
        if step < recipe.steps:
            rates = torch.tensor(descent.rates, dtype=torch.float64)[:, None]
            moved = descent.advance(norms=step == 0)
            if moved is not None:
                decrease = (moved.square() / rates).sum(dim=0)
        if looking:
            of_step = torch.full_like(decrease, step)
            seen.append(torch.stack([replicas.double(), of_step, *values, decrease], dim=1))
    table = pd.DataFrame(torch.cat(seen).numpy(), columns=[*FOLLOWED])
    return table.astype({"seed": int, "step": int}).assign(
        seed=[int(seeds[int(replica)]) for replica in table["seed"]]
    )


def crossing(
    steps: Array, squares: Array, size: float, growth: float = math.nan
) -> tuple[float, float]:
    """The step at which a size is reached, log-linear in between, and the earliest that it can be.

    Between two steps that are far apart growth may have slowed down, so that the line between them
    is too low; but it never was quicker than the saddle's largest eigenvalue allows.

    Args:
        steps: ascending, shape (S,).
        squares: positive, shape (S,).
        size: what is to be reached.
        growth: the most that the logarithm of squares grows in a step.

    Returns:
        Both NaN where the size is not reached, or from too near.
    """
    above = np.flatnonzero(squares >= size)
    if not len(above) or squares[0] > FAR_BELOW * size:
        return math.nan, math.nan
    before = above[0] - 1
    logs = np.log(squares[before : above[0] + 1])
    reached = float(np.interp(math.log(size), logs, steps[before : above[0] + 1]))
    earliest = float(steps[before] + (math.log(size) - logs[0]) / growth)
    return reached, min(reached, earliest) if math.isfinite(earliest) else math.nan


def small_trainings(
    data: PreparedDataset, widths: Sequence[int], seeds: Sequence[int], recipe: Recipe
) -> pd.DataFrame:
    """IP and IP-LLR with three hidden layers of tanh, every step; as `followed`."""
    schemes = built_in(LAYERS)
    return pd.concat(
        [
            followed(data, schemes[name], width, seeds, recipe).assign(
                trainings=SMALL,
                scheme=name,
                hidden_layers=LAYERS,
                samples=len(data.train_labels),
                width=width,
            )
            for name in (IP, LARGE)
            for width in widths
        ],
        ignore_index=True,
    )


def main_trainings(metrics: pd.DataFrame, samples: int) -> pd.DataFrame:
    """IP and IP-LLR in the experiment's metrics.csv, if they are there, at every snapshot."""
    last = (metrics["layer"] == metrics["layer"].max()) & (metrics["kind"] == "h")
    rows = metrics[last & metrics["scheme"].isin((IP, LARGE)) & (metrics["gram_mean_eig"] > 0)]
    names = {"gram_mean_eig": "mean_square", "layer": "hidden_layers"}
    named: pd.DataFrame = rows.rename(columns=names).assign(trainings=MAIN, samples=samples)
    return named


def with_prediction(
    table: pd.DataFrame, data: PreparedDataset, recipe: Recipe, snapshots: Sequence[int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Trainings beside the saddle's linear law, and the times to reach sizes.

    Args:
        table: of either kind of trainings.
        data: what they were trained on.
        recipe: how; its prediction is for `LAYERS`, `ACTIVATION` and full batches of the probes
            alone.
        snapshots: the steps that are kept.

    Returns:
        Rows of escape.csv and of escape_times.csv; see `crossing`.
    """
    steps = int(table["step"].max()) if len(table) else 0
    squares, changes = (np.full(2 * steps + 1, np.nan) for _ in range(2))
    growth = math.nan
    whole = recipe.batch_size is None or recipe.batch_size >= len(data.train_labels)
    whole = whole and data.probe_inputs is None
    if (recipe.hidden_layers, recipe.activation, whole) == (LAYERS, ACTIVATION, True):
        system = saddle(data, recipe)
        # What has left the saddle long since may overflow.
        with np.errstate(over="ignore", invalid="ignore"):
            squares, changes = system.follow(2 * steps)
        growth = system.growth
    known = table["scheme"] == IP
    at = table["step"].to_numpy(dtype=int)
    wide = table["width"].to_numpy(dtype=np.float64)
    table = table.assign(
        predicted_square=np.where(known, squares[at] / wide**2, np.nan),
        predicted_change=np.where(known, changes[at], np.nan),
    )
    times = []
    for key, run in table.groupby(RUN, sort=False):
        facts: dict[str, Any] = dict(zip(RUN, key, strict=True))
        most = growth if facts["scheme"] == IP else math.nan
        law = squares / facts["width"] ** 2 if facts["scheme"] == IP else np.zeros_like(squares)
        seen = (run[name].to_numpy(dtype=np.float64) for name in ("step", "mean_square"))
        own_steps, own_squares = seen
        for size in SIZES:
            reached, earliest = crossing(own_steps, own_squares, size, most)
            expected, _ = crossing(np.arange(len(law), dtype=np.float64), law, size)
            times.append([*facts.values(), size, reached, earliest, expected, most])
    kept = table[table["step"].isin(snapshots)]
    return kept[[*COLUMNS]], pd.DataFrame(times, columns=[*TIMES])


def depth_table(
    data: PreparedDataset, widths: Sequence[int], seeds: Sequence[int], recipe: Recipe
) -> pd.DataFrame:
    """IP and IP-LLR at each of `DEPTHS`: the first step, and the last hidden layer at the end."""
    return pd.DataFrame(
        [row for depth in DEPTHS for row in _at_depth(data, depth, widths, seeds, recipe)],
        columns=[*DEPTH_COLUMNS],
    )


def _at_depth(
    data: PreparedDataset, depth: int, widths: Sequence[int], seeds: Sequence[int], recipe: Recipe
) -> Iterator[Mapping[str, object]]:
    schemes, how = built_in(depth), replace(recipe, hidden_layers=depth)
    for name in (IP, LARGE):
        for width in widths:
            table = followed(data, schemes[name], width, seeds, how, (0, how.steps))
            for seed, run in table.groupby("seed"):
                first, last = run.iloc[0], run.iloc[-1]
                if last["step"] == how.steps:
                    yield {
                        "scheme": name,
                        "hidden_layers": depth,
                        "width": width,
                        "seed": seed,
                        "steps": how.steps,
                        "first_decrease": first["decrease"],
                        "initial_square": first["mean_square"],
                        "moved_square": last["moved_square"],
                        "feature_change": last["feature_change"],
                        "first_loss": first["train_loss"],
                        "last_loss": last["train_loss"],
                    }


def measured(files: Files, settings: Settings) -> Tables:
    """The tables of the statement."""
    recipe, data = Recipe(**settings["recipe"]), files.dataset()
    few, seeds, widths = (
        first_samples(data, settings["samples"]),
        settings["seeds"],
        settings["widths"],
    )
    how = replace(recipe, hidden_layers=LAYERS, activation=ACTIVATION, batch_size=None)
    main = main_trainings(files.table("metrics"), len(data.probes))
    small = small_trainings(few, widths, range(seeds), how)
    looks = log_spaced_steps(how.steps, how.snapshots)
    parts = [
        with_prediction(main, data, recipe, sorted(set(main["step"]))),
        with_prediction(small, few, how, looks),
    ]
    narrow = sorted({max(width // PART_OF_WIDTH, 1) for width in widths})[-DEPTH_WIDTHS:]
    escape, times = (pd.concat(each, ignore_index=True) for each in zip(*parts, strict=True))
    return {
        "escape": escape,
        "escape_times": times,
        "escape_depths": depth_table(few, narrow, range(seeds), how),
    }
