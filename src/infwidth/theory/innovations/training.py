"""The training of one network whose products with W_0 are taken apart."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.activations import Activation
from infwidth.network.initialisation import initial_network, initial_stds, learning_rates
from infwidth.network.layers.dense import DenseLayer
from infwidth.network.layers.lazy import LazyLayer
from infwidth.network.mlp import HiddenState, Network
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.theory.innovations.matrix import ObservedMatrix
from infwidth.theory.innovations.products import Array, SplitProduct, exact
from infwidth.training.descent import Descent
from infwidth.training.train import log_spaced_steps, pick_device

logger = logging.getLogger(__name__)

# What the training leaves out of movements and signals, relative to their size.
# The training that is run knows W_0 through its directions alone, so that each g_k is Gaussian at
# any tolerance. A smaller one brings the training nearer to the dense one, which it equals within
# what seeds differ by; but its directions use up the n dimensions that the g_k live in.
TOLERANCE = 1e-2


@dataclass(frozen=True)
class Snapshot:
    """One hidden-to-hidden matrix at one step t.

    Attributes:
        forward: W_0 times x_0 at step 0, times δx = x_t - x_0 after it.
        backward: W_0ᵀ times the signals dh_t.
        onsager: Ż^{W_0 δx}, shape (N, n); zero at step 0.
        learned: (W_t - W_0) x_t, shape (N, n): what of δh the other two parts leave.
    """

    forward: SplitProduct
    backward: SplitProduct
    onsager: Array
    learned: Array


@dataclass(frozen=True)
class Observation:
    """The training of one network, as far as it went.

    Attributes:
        width: n.
        seed: of the network.
        close_steps: 0, the first step, the middle one and the last, whose vectors were looked at in
            full; ascending.
        initial: h_0 of each hidden layer, from layer 1 on, shape (N, n).
        changes: δh of each hidden layer by step, every snapshot's.
        snapshots: of layers 2 to L, by (step, layer).
        stds: of an entry of W_0, by layer from 2 to L.
        known: how many of the n dimensions were used up in the end, as a fraction, at most.
    """

    width: int
    seed: int
    close_steps: tuple[int, ...]
    initial: tuple[Array, ...]
    changes: dict[int, tuple[Array, ...]]
    snapshots: dict[tuple[int, int], Snapshot]
    stds: dict[int, float]
    known: float


def close_steps(steps: Sequence[int]) -> tuple[int, ...]:
    """Of ascending snapshot steps: the start, the first step, the middle one and the last.

    >>> close_steps([0, 1, 2, 6, 14, 34, 83, 200])
    (0, 1, 14, 200)
    """
    return tuple(sorted({*steps[:2], steps[len(steps) // 2], steps[-1]}))


def observed_network(
    data: PreparedDataset,
    scheme: Scheme,
    width: int,
    seed: int,
    recipe: Recipe,
    tolerance: float,
    activation: Activation | None = None,
) -> tuple[Network, list[ObservedMatrix]]:
    """The dense network of this seed, its hidden matrices behind `ObservedMatrix`.

    Args:
        data: prepared images and labels.
        scheme: powers of the width.
        width: n.
        seed: of the initial weights.
        recipe: how to train.
        tolerance: of the matrices.
        activation: φ, if it is none of those that a recipe names.

    Returns:
        The network, of one replica, and the matrices of layers 2 to L.
    """
    dense = initial_network(
        data, scheme, width, [seed], replace(recipe, layer="dense"), pick_device(recipe.device)
    )
    *hidden, output = dense.layers
    matrices = [
        ObservedMatrix(layer.weights[0], tolerance)
        for layer in hidden
        if isinstance(layer, DenseLayer)
    ]
    layers = [LazyLayer([matrix]) for matrix in matrices]
    network = Network(
        dense.input_layer, [*layers, output], activation or dense.activation, dense.dtype
    )
    return network, matrices


def observe(
    data: PreparedDataset,
    scheme: Scheme,
    width: int,
    seed: int,
    recipe: Recipe,
    tolerance: float = TOLERANCE,
) -> Observation:
    """Train one network and take its products with W_0 apart.

    Args:
        data: prepared images and labels.
        scheme: powers of the width.
        width: n.
        seed: of the initial weights and batches: the network is `infwidth.training.train.train`'s.
        recipe: how to train; what happens is looked at in its `snapshots` steps.
        tolerance: see `TOLERANCE`.

    Returns:
        What was seen, up to the step where the training diverged if it did.
    """
    network, matrices = observed_network(data, scheme, width, seed, recipe, tolerance)
    looks = log_spaced_steps(recipe.steps, recipe.snapshots)
    closely = close_steps(looks)
    changes: dict[int, tuple[Array, ...]] = {}
    snapshots: dict[tuple[int, int], Snapshot] = {}
    rates, first = (learning_rates(scheme, width, recipe, first=each) for each in (False, True))
    descent = Descent(network, data, rates, [seed], recipe.loss, recipe.batch_size, first)
    for step in range(recipe.steps + 1):
        if not bool(descent.going().all()):
            logger.warning("seed %d diverged at step %d, it stops here", seed, step)
            break
        for matrix in matrices:
            # Signals dh_t come up in the step that leads away from t; after the last step, too.
            matrix.close_backward = step in closely
            matrix.close_forward = step + 1 in closely
        if step not in looks:
            descent.advance()
            continue
        changes[step] = tuple(exact(state.change[0]) for state in network.hidden)
        forward = [
            _forward(state, matrix, step)
            for state, matrix in zip(network.hidden[:-1], matrices, strict=True)
        ]
        movements = [matrix.movement_product() for matrix in matrices]
        descent.advance()
        for index, matrix in enumerate(matrices):
            layer = index + 2
            # Of W_0 x_0 nothing has moved.
            moved = step > 0
            snapshots[step, layer] = Snapshot(
                forward[index],
                matrix.backward_product(),
                onsager=moved * (movements[index] - forward[index].gaussian),
                learned=changes[step][layer - 1] - movements[index],
            )
    return Observation(
        width=width,
        seed=seed,
        close_steps=tuple(step for step in closely if step in changes),
        initial=tuple(exact(state.initial[0]) for state in network.hidden),
        changes=changes,
        snapshots=snapshots,
        stds=dict(enumerate(initial_stds(scheme, width, recipe)[1:-1], 2)),
        known=max((matrix.used for matrix in matrices), default=0.0),
    )


def _forward(state: HiddenState, matrix: ObservedMatrix, step: int) -> SplitProduct:
    """W_0 times the initial features or their movement."""
    x = state.feature_change if step else state.initial_feature
    return matrix.forward_product(x[0].to(matrix.signal.dtype), initial=not step)
