"""The kernels <v_s(i), v_t(j)> of a training, and what they tend to as n → ∞.

v is x_0, a movement δx_t, or a signal dh_t. The lemma's right hand side is the n = ∞ value of such
kernels. It exists because each of them is a mean over units: over seeds it scatters with a variance
of order 1/n about a mean that is off by order 1/n. So it can be had from networks that the Gaussian
parts of another network never saw: from a few that are drawn lazily, at other seeds, extrapolated
in 1/n. The rates are those of Tensor Programs (Golikov & Yang 2022); the estimates are ours.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.network.layers.lazy import LazyLayer
from infwidth.network.mlp import Network
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES, Scheme
from infwidth.theory.covariance.names import DIRECTIONS, Direction
from infwidth.theory.innovations.matrix import CloseMatrix
from infwidth.theory.innovations.products import Array, exact
from infwidth.theory.innovations.training import TOLERANCE, Observation, close_steps
from infwidth.training.descent import Descent
from infwidth.training.train import log_spaced_steps, pick_device

# Layer of W_0's outputs (from 2), direction, early and late step.
Place = tuple[int, Direction, int, int]

# Widths of the networks that n = ∞ is extrapolated from, in units of the largest dense one. A
# factor of four between them costs the extrapolation least in scatter: a third more than the wider
# width has by itself.
REFERENCE_FACTORS = (1, 4)
# Their seeds begin here, so that no dense network has one of them.
FIRST_SEED = 1000


@dataclass(frozen=True)
class Kernels:
    """The kernels of one training.

    Attributes:
        width: n.
        seed: of the network.
        lazy: whether it was drawn lazily, to extrapolate from.
        values: each of shape (N, N), in the units in which µP's have a limit: <x, x>/n, n <dh, dh>.
    """

    width: int
    seed: int
    lazy: bool
    values: Mapping[Place, Array]

    @classmethod
    def of(cls, width: int, seed: int, lazy: bool, vectors: "Vectors") -> "Kernels":
        """From the vectors v, shape (N, n)."""
        places = dict.fromkeys((layer, direction) for layer, direction, _ in vectors)
        steps = sorted({step for _, _, step in vectors})
        return cls(
            width,
            seed,
            lazy,
            {
                (layer, direction, early, late): unit(direction, width)
                * vectors[layer, direction, early]
                @ vectors[layer, direction, late].T
                for layer, direction in places
                for early, late in combinations_with_replacement(steps, 2)
            },
        )


# By layer, direction and step.
Vectors = dict[tuple[int, Direction, int], Array]


def unit(direction: Direction, width: int) -> float:
    """What µP's kernels have a limit in: 1/n of features, n of signals."""
    return 1 / width if direction == "forward" else float(width)


def observed(seen: Observation) -> Kernels:
    """Of a dense training whose products were taken apart."""
    vectors: Vectors = {
        (layer, direction, step): getattr(seen.snapshots[step, layer], direction).vectors
        for layer in seen.stds
        for direction in DIRECTIONS
        for step in seen.close_steps
    }
    return Kernels.of(seen.width, seen.seed, False, vectors)


def lazy_network(
    data: PreparedDataset, scheme: Scheme, width: int, seed: int, recipe: Recipe
) -> tuple[Network, list[CloseMatrix]]:
    """A network whose hidden matrices are drawn where they are looked at, and these."""
    how = replace(recipe, layer="lazy", lazy_tolerance=TOLERANCE)
    drawn = initial_network(data, scheme, width, [seed], how, pick_device(how.device))
    *hidden, output = drawn.layers
    like = drawn.hidden[0].feature_rounded
    matrices = [
        CloseMatrix(layer.matrices[0].weights, like, TOLERANCE)
        for layer in hidden
        if isinstance(layer, LazyLayer)
    ]
    layers = [LazyLayer([matrix]) for matrix in matrices]
    return Network(drawn.input_layer, [*layers, output], drawn.activation, drawn.dtype), matrices


def drawn_lazily(
    data: PreparedDataset, scheme: Scheme, width: int, seed: int, recipe: Recipe
) -> Kernels:
    """Of a training of just the law that `infwidth.theory.innovations.training.observe` gives.

    Args:
        data: prepared images and labels.
        scheme: powers of the width.
        width: n.
        seed: of the network.
        recipe: how to train; what is looked at are the steps of `close_steps`.
    """
    network, matrices = lazy_network(data, scheme, width, seed, recipe)
    rates = learning_rates(scheme, width, recipe)
    descent = Descent(network, data, rates, [seed], recipe.loss, recipe.batch_size)
    looks = close_steps(log_spaced_steps(recipe.steps, recipe.snapshots))
    vectors: Vectors = {}
    for step in range(recipe.steps + 1):
        if not bool(descent.going().all()):
            break
        for matrix in matrices:
            matrix.close_backward, matrix.close_forward = step in looks, step + 1 in looks
        features = [
            state.feature_change if step else state.initial_feature for state in network.hidden[:-1]
        ]
        descent.advance()
        if step in looks:
            for layer, (feature, matrix) in enumerate(zip(features, matrices, strict=True), 2):
                vectors[layer, "forward", step] = exact(feature[0])
                vectors[layer, "backward", step] = exact(matrix.signal)
    return Kernels.of(width, seed, True, vectors)


def reference(
    data: PreparedDataset, scheme: Scheme, width: int, seeds: int, recipe: Recipe
) -> list[Kernels]:
    """The networks that n = ∞ is extrapolated from.

    Args:
        data: prepared images and labels.
        scheme: powers of the width.
        width: the largest dense one.
        seeds: how many of each width.
        recipe: how to train.
    """
    return [
        drawn_lazily(data, scheme, factor * width, seed, recipe)
        for factor in REFERENCE_FACTORS
        for seed in range(FIRST_SEED, FIRST_SEED + seeds)
    ]


def groups(trainings: Sequence[Kernels]) -> Iterator[tuple[tuple[int, bool], list[Kernels]]]:
    """Trainings of one width and way of drawing."""
    for key in dict.fromkeys((each.width, each.lazy) for each in trainings):
        yield key, [each for each in trainings if (each.width, each.lazy) == key]


def sizes(group: Sequence[Kernels], scheme: Scheme) -> dict[tuple[int, Direction, int], float]:
    """What v_t are divided by, by layer, direction and step: 1 for µP, whose kernels have a limit.

    The kernels of other schemes vanish or grow with n, each by its own power. What is compared
    between widths is their shape: v_t is divided by (mean over seeds of ‖K_tt‖_F)^1/2.
    """
    own = [place for place in group[0].values if place[2] == place[3]]
    if scheme == SCHEMES["µP"]:
        return {place[:3]: 1.0 for place in own}
    return {
        place[:3]: float(np.sqrt(np.mean([np.linalg.norm(each.values[place]) for each in group])))
        for place in own
    }


def scaled(group: Sequence[Kernels], scheme: Scheme) -> list[Kernels]:
    """The kernels of vectors divided by their `sizes`."""
    size = sizes(group, scheme)
    return [
        replace(
            each,
            values={
                place: value / (size[place[:3]] * size[place[0], place[1], place[3]])
                for place, value in each.values.items()
            },
        )
        for each in group
    ]


@dataclass(frozen=True)
class Limit:
    """The n = ∞ value of one kernel.

    Attributes:
        value: shape (N, N).
        error: its standard error in the Frobenius norm, from the scatter over seeds.
    """

    value: Array
    error: float


def extrapolated(trainings: Sequence[Kernels]) -> dict[Place, Limit]:
    """The n = ∞ value of each kernel, linear in 1/n, from at least two widths.

    Args:
        trainings: scaled, of two seeds a width or more.
    """
    by_width = [group for _, group in groups(trainings)]
    inverse = np.array([1 / group[0].width for group in by_width])
    weights = np.linalg.pinv(np.column_stack([np.ones_like(inverse), inverse]))[0]
    limits = {}
    for place in set.intersection(*(set(each.values) for each in trainings)):
        value, variance = 0.0, 0.0
        for weight, group in zip(weights, by_width, strict=True):
            values = np.stack([each.values[place] for each in group])
            value = value + weight * values.mean(axis=0)
            variance += weight**2 * scatter(values) / len(values)
        limits[place] = Limit(np.asarray(value), float(np.sqrt(variance)))
    return limits


def scatter(values: Array) -> float:
    """The variance over seeds, Σ_ij Var(K_ij); NaN of a single seed. Shape (seeds, N, N)."""
    return float(values.var(axis=0, ddof=1).sum()) if len(values) > 1 else np.nan


def contrasts(values: Array) -> Array:
    """√(k/(k+1)) ‖K_k - mean of those before‖_F of the seeds k = 1, 2, ..., NaN of the first.

    Independent, if the values are and are Gaussian, with squares whose mean is the variance (these
    are Helmert's contrasts); deviations from the mean of all would depend on each other.
    """
    found = np.full(len(values), np.nan)
    for place in range(1, len(values)):
        before = values[:place].mean(axis=0)
        found[place] = np.sqrt(place / (place + 1)) * np.linalg.norm(values[place] - before)
    return found
