"""Trainings under µP that strain Theorem 4.5, for `infwidth.theory.stress.measure`.

Apart from that, which extrapolates from these and does without PyTorch. What is strained is the
number of samples, the number of steps, or the learning rate, which goes up to the edge of stability
and beyond. How far is ours. Everything is in full batch: the edge is that of gradient descent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import takewhile

import numpy as np
import pandas as pd
import torch

from infwidth.datasets.prepare import PreparedDataset, parallel_pairs
from infwidth.experiment import FEWEST_WIDTHS_CORRECTED
from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.theory.independence.train import MUP, replicas, train_widths
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.stress.names import RATES, SAMPLES, STEPS
from infwidth.theory.stress.sharpness import sharpness
from infwidth.training.descent import Descent
from infwidth.training.train import log_spaced_steps

# Samples are doubled from `theory.samples` up to this.
MOST_SAMPLES = 128
# Long and fast trainings have this many times `theory.samples`, which take longer to fit, and
# networks of half the widths where these are wide enough.
MORE_SAMPLES = 4
LONGER = 10
# Learning rates over 2 / sharpness at initialisation, from which on gradient descent is unstable.
EDGES = (0.5, 1.0, 2.0)
# Replicas whose sharpness is followed, at the smallest width.
FOLLOWED = 2


@dataclass(frozen=True)
class Strained:
    """A setting: N samples, T steps, η at initialisation over the edge's; None: as it is."""

    strain: str
    samples: int
    steps: int
    edge: float | None = None


@dataclass(frozen=True)
class Training:
    """A row of the table of trainings; NaN stands for an empty cell.

    Attributes:
        strain: what is strained; with `setting`, the number within it, the key of all tables.
        samples: N; last_step: T; learning_rate: η.
        inputs: how many images there are to take samples from.
        wide: how many of the widths are wide enough for N samples.
        rank: of the N inputs; h of layer 1 is linear in them.
        parallel_pairs: inputs equal up to sign, which Assumption 4.1 excludes.
        trainings: widths and seeds together; 0 if N samples are too many.
    """

    strain: str
    setting: int
    samples: int
    last_step: int
    learning_rate: float
    inputs: int
    wide: int
    rank: int
    parallel_pairs: int
    trainings: int


def plan(strain: str, samples: int, steps: int) -> list[Strained]:
    """The settings of a strain.

    Args:
        strain: one of `infwidth.theory.stress.names`.
        samples: `theory.samples`.
        steps: `theory.steps`.
    """
    more = samples * MORE_SAMPLES
    if strain == STEPS:
        return [Strained(STEPS, more, LONGER * steps)]
    if strain == RATES:
        return [Strained(RATES, more, steps, edge) for edge in EDGES]
    counts = takewhile(lambda count: count <= MOST_SAMPLES, (samples * 2**k for k in range(64)))
    return [Strained(SAMPLES, count, steps) for count in counts]


def all_inputs(data: PreparedDataset) -> PreparedDataset:
    """The test images as further samples: the theorem asks for inputs, whatever they are."""
    return PreparedDataset(
        np.concatenate([data.train_inputs, data.test_inputs]),
        np.concatenate([data.train_labels, data.test_labels]),
        data.test_inputs[:1],
        data.test_labels[:1],
        data.classes,
    )


def wide_enough(strained: Strained, widths: Sequence[int], ratio: float) -> list[int]:
    """The widths of a setting that are `ratio` times its samples or more."""
    least = ratio * strained.samples
    halves = [width // 2 for width in widths]
    if strained.strain != SAMPLES and min(halves) >= least:
        return halves
    return [width for width in widths if width >= least]


def strained_tables(
    data: PreparedDataset,
    settings: Sequence[Strained],
    widths: Sequence[int],
    seeds: int,
    recipe: Recipe,
    fit_width_ratio: float,
) -> Tables:
    """Train every setting.

    Args:
        data: all inputs that there are, as from `all_inputs`.
        settings: as from `plan`.
        widths: n, some of which may be too narrow.
        seeds: at the largest width.
        recipe: the experiment's; steps, learning rate and batch size are the setting's.
        fit_width_ratio: of the configuration.

    Returns:
        Table `trainings`, a row for each setting, and `metrics`, `spectra` and `sharpness` of those
        that were trained, with the columns strain and setting in front.
    """
    found: dict[str, list[pd.DataFrame]] = {
        name: [] for name in ("trainings", "metrics", "spectra", "sharpness")
    }
    for number, strained in enumerate(settings):
        wide = wide_enough(strained, widths, fit_width_ratio)
        for name, table in _tables(data, strained, number, wide, seeds, recipe):
            if name != "trainings":
                table.insert(0, "strain", strained.strain)
                table.insert(1, "setting", number)
            found[name].append(table)
    return {
        name: pd.concat(tables, ignore_index=True)
        if tables
        else pd.DataFrame(columns=["strain", "setting"])
        for name, tables in found.items()
    }


def _tables(
    data: PreparedDataset,
    strained: Strained,
    number: int,
    wide: Sequence[int],
    seeds: int,
    recipe: Recipe,
) -> Iterator[tuple[str, pd.DataFrame]]:
    """The tables of one setting."""
    some = replace(
        data,
        train_inputs=data.train_inputs[: strained.samples],
        train_labels=data.train_labels[: strained.samples],
    )
    fits = len(some.train_labels) == strained.samples and len(wide) >= FEWEST_WIDTHS_CORRECTED
    how = replace(recipe, steps=strained.steps, batch_size=None)
    of_width = replicas(wide, seeds, strained.samples) if fits else {}
    if strained.edge is not None and fits:
        start = followed(some, min(wide), range(FOLLOWED), replace(how, steps=0))
        edge = 2 / float(start["sharpness"].mean())
        how = replace(how, learning_rate=strained.edge * edge)
    training = Training(
        strain=strained.strain,
        setting=number,
        samples=strained.samples,
        last_step=strained.steps,
        learning_rate=how.learning_rate,
        inputs=len(data.train_labels),
        wide=len(wide),
        rank=int(np.linalg.matrix_rank(some.train_inputs)),
        parallel_pairs=len(parallel_pairs(some.train_inputs)),
        trainings=sum(len(each) for each in of_width.values()),
    )
    yield "trainings", pd.DataFrame([asdict(training)])
    if fits:
        metrics, spectra = train_widths(some, of_width, how)
        yield "metrics", metrics
        yield "spectra", spectra
        yield "sharpness", followed(some, min(wide), range(FOLLOWED), how)


def followed(
    data: PreparedDataset, width: int, seeds: Sequence[int], recipe: Recipe
) -> pd.DataFrame:
    """The sharpness along the same training, at its snapshots, until it diverges.

    Returns:
        Columns width, seed, step, train_loss, sharpness, and edge: η times half of it, 1 at the
        edge of stability.
    """
    scheme, eta = SCHEMES[MUP], recipe.learning_rate
    network = initial_network(data, scheme, width, seeds, recipe, torch.device("cpu"))
    rates = learning_rates(scheme, width, recipe)
    descent = Descent(network, data, rates, seeds, recipe.loss, recipe.batch_size)
    snapshots = set(log_spaced_steps(recipe.steps, recipe.snapshots))
    rows: list[Mapping[str, float]] = []
    for step in range(recipe.steps + 1):
        going = descent.going()
        if not bool(going.all()):
            descent.keep(going.nonzero().flatten())
            if not len(descent.alive):
                break
        if step in snapshots:
            for place, replica in enumerate(descent.alive.tolist()):
                value = sharpness(descent, rates, eta, place)
                rows.append(
                    {
                        "width": width,
                        "seed": seeds[replica],
                        "step": step,
                        "train_loss": float(descent.losses[place]),
                        "sharpness": value,
                        "edge": eta * value / 2,
                    }
                )
        if step < recipe.steps:
            descent.advance()
    return pd.DataFrame(rows)


def measured_part(files: Files, settings: Settings, part: str) -> Tables:
    """The tables of one strain."""
    recipe = Recipe(**settings["recipe"])
    return strained_tables(
        all_inputs(files.dataset()),
        plan(part, settings["samples"], recipe.steps),
        settings["widths"],
        settings["seeds"],
        recipe,
        settings["fit_width_ratio"],
    )
