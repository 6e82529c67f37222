"""What a hidden layer costs, held densely or drawn lazily, and which of the two is the cheaper.

Dense, a training step takes two products with the n x n matrix and one update of it, on N inputs:
6 n² N operations. Lazily (`infwidth.network.layers.lazy`), with r directions forward and s
backward, five products with each: 10 (r + s) n N operations. How many directions a training needs
was measured, like the rates, by `make bench`; the numbers here are those of its tables, rounded.

With a training set beside the probes, N is the batch. Each input of each batch is another direction
then, and adding it takes further products with those that are there. The probes follow at
what their Gram matrix with each batch takes.
"""

import math
from dataclasses import fields
from typing import Any, Literal

from infwidth.experiment import Experiment
from infwidth.recipe import Recipe

LayerKind = Literal["dense", "lazy"]

# Operations per second of one core in either kind of step.
DENSE_RATE = 5.5e10
LAZY_RATE = 3.5e10
# What a dense step takes at 64 and 256 units beyond its products with matrices.
SECONDS_PER_ACTIVATION = 1e-8
# Directions per sample at rest, for every factor of ten in the tolerance; less in short trainings.
DIRECTIONS_PER_DECADE = 8
STEPS_PER_DIRECTION = 4
# Directions are found early, but not at once: their mean number over the steps of a training.
MEAN_DIRECTIONS = 0.8
# Found in every step alike: half of them in the mean; and the products, in units of those of a
# step, that adding as many directions as it has inputs takes with those that are there.
MEAN_OF_GROWING = 0.5
ADDING = 1.6
# Probes follow when batches have had so many inputs (`infwidth.network.probed`).
FOLLOWED_INPUTS = 512


def batch(experiment: Experiment) -> int:
    """How many inputs a step runs through the weights: all probes, or a batch of others."""
    if experiment.train_samples is None:
        return experiment.samples
    return experiment.batch_size or experiment.train_samples


def bytes_per_number(experiment: Experiment) -> int:
    """Of the working precision."""
    return 8 if experiment.precision == "float64" else 4


def shown_inputs(experiment: Experiment) -> int:
    """Of how many inputs besides the probes each snapshot tells loss and accuracy."""
    return experiment.test_samples + min(experiment.train_samples or 0, experiment.test_samples)


def directions(experiment: Experiment, width: int) -> int:
    """About how many directions, r + s, a training comes to look at: those of µP, the most."""
    if experiment.train_samples is not None:
        seen = experiment.steps * batch(experiment)
        followed = 1 + experiment.snapshots + seen // max(FOLLOWED_INPUTS, batch(experiment))
        return min(seen + followed * experiment.samples, width) + min(seen, width)
    per_sample = min(
        DIRECTIONS_PER_DECADE * -math.log10(experiment.lazy_tolerance),
        max(experiment.steps / STEPS_PER_DIRECTION, 1),
    )
    return 2 * int(min(per_sample * experiment.samples, width))


def untrained_directions(experiment: Experiment, width: int) -> int:
    """How many more the test inputs need, which training's steps have nothing to do with.

    Every snapshot finds them moved, and what training looked at gone from them; so it does as many
    training inputs where these are not the probes.
    """
    return min(experiment.snapshots * shown_inputs(experiment), width)


def seconds_per_step(experiment: Experiment, width: int, kind: LayerKind) -> float:
    """Of the matrix of one hidden layer of one replica, on one core."""
    inputs = batch(experiment)
    if kind == "dense":
        return 6 * width**2 * inputs / DENSE_RATE
    found = MEAN_DIRECTIONS * directions(experiment, width)
    if experiment.train_samples is not None:
        found = MEAN_OF_GROWING * (1 + ADDING) * directions(experiment, width)
    return 10 * found * width * inputs / LAZY_RATE


def input_seconds(experiment: Experiment, width: int, dimension: int) -> float:
    """Of the first layer in a step of one replica, on one core: a product and an update.

    Its weights are held along the training inputs' directions where these are not the probes, and
    nowhere else.
    """
    if experiment.train_samples is None:
        return 0.0
    held = min(experiment.train_samples, dimension)
    return 4 * held * width * batch(experiment) / DENSE_RATE


def activation_seconds(experiment: Experiment, width: int) -> float:
    """Of what each layer's activations take in a step of one replica, on one core.

    Entrywise work on each of the n x N activations, and four products of an N x N matrix with them;
    the matrix is that of batch and probes where these are not the same.
    """
    entries = width * batch(experiment)
    return entries * (SECONDS_PER_ACTIVATION + 4 * experiment.samples / DENSE_RATE)


def layer_bytes(experiment: Experiment, width: int, kind: LayerKind) -> int:
    """Memory of one hidden layer of one replica."""
    if kind == "dense":
        return width**2 * bytes_per_number(experiment)
    # Directions and images, and in passing one of these matrices anew while it grows.
    rows = 2.5 * directions(experiment, width) + 3 * untrained_directions(experiment, width)
    rows += 8 * batch(experiment)
    return int(rows * width * bytes_per_number(experiment))


def layer_kind(experiment: Experiment, width: int) -> LayerKind:
    """The kind that a training at this width uses: as configured, or the quicker one.

    Which is quicker is judged by the sizes alone, not by the machine at hand: the same
    configuration draws the same random numbers everywhere.
    """
    if experiment.layer == "dense":
        return "dense"
    if experiment.layer == "lazy":
        return "lazy"
    dense, lazy = (seconds_per_step(experiment, width, kind) for kind in ("dense", "lazy"))
    return "dense" if dense <= lazy else "lazy"


def recipe_settings(experiment: Experiment, width: int) -> dict[str, Any]:
    """The fields of a `Recipe` for one width, in JSON types, with layer `auto` decided.

    A key that the training does not use stands at 0: no training hangs on its value.
    """
    settings = experiment.settings(*(field.name for field in fields(Recipe)))
    settings["layer"] = layer_kind(experiment, width)
    if settings["layer"] == "dense":
        settings["lazy_tolerance"] = 0.0
    return settings
