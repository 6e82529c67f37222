"""Lazy layers beside dense ones, and mistakes to be found in them."""

from collections.abc import Iterator, Sequence

import torch
from builders import CPU, dataset
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.network.layers.dense import DenseLayer
from infwidth.network.layers.directions import Basis
from infwidth.network.layers.known import KnownMatrix
from infwidth.network.layers.lazy import LazyLayer, LazyMatrix
from infwidth.network.losses import LOSSES, one_hot
from infwidth.network.mlp import Network
from infwidth.network.randomness import standard_normal
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.training.batches import sample_weights

WIDTH = 64
SEEDS = (3, 0)
DATA = dataset(6, 12, 4)
EXACT = 1e-9


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def start(scheme: str, how: Recipe, seeds: Sequence[int] = SEEDS, width: int = WIDTH) -> Network:
    return initial_network(DATA, SCHEMES[scheme], width, seeds, how, CPU)


def start_on_known_weights(scheme: str, how: Recipe, tolerance: float) -> Network:
    """What `start` gives for dense layers, but its hidden weights are looked at lazily."""
    dense = start(scheme, how)
    *hidden, output = dense.layers
    known = []
    for layer in hidden:
        assert isinstance(layer, DenseLayer)
        known.append(LazyLayer([KnownMatrix(weights, tolerance) for weights in layer.weights]))
    return Network(dense.input_layer, [*known, output], dense.activation, dense.dtype)


def matrices(network: Network) -> list[LazyMatrix]:
    """Of all hidden layers and replicas."""
    lazy = [layer for layer in network.layers if isinstance(layer, LazyLayer)]
    assert len(lazy) == len(network.layers) - 1
    return [matrix for layer in lazy for matrix in layer.matrices]


def training(
    networks: Sequence[Network],
    scheme: str,
    how: Recipe,
    data: PreparedDataset = DATA,
    width: int = WIDTH,
) -> Iterator[list[Tensor]]:
    """Train the networks side by side; gives the sizes of each one's step after every step."""
    rates = learning_rates(SCHEMES[scheme], width, how)
    targets = one_hot(torch.as_tensor(data.train_labels), data.classes)
    replicas = len(networks[0].outputs)
    batches = sample_weights(range(replicas), len(targets), how.batch_size)
    for _ in range(how.steps):
        weights = next(batches)[:, :, None]
        steps = []
        for network in networks:
            signal = LOSSES[how.loss].gradient(network.outputs, targets) * weights
            norms = network.step(signal, rates, norms=True)
            assert norms is not None
            steps.append(norms)
        yield steps


def check_close(actual: Tensor, expected: Tensor, relative: float) -> None:
    assert actual.shape == expected.shape
    error = float((actual - expected).norm() / expected.norm())
    assert error <= relative, f"error {error:.1e}"


def look(matrix: LazyMatrix, x: Tensor) -> Tensor:
    """x W_tᵀ, looked at as training looks, so that what it does later agrees with it."""
    matrix._extend_forward(matrix.forward_basis.split(x)[1])
    return matrix.evaluate(x)


def unprojected(matrix: LazyMatrix, count: int, known: Basis) -> Tensor:
    """Draws with a part along what is known, which should be determined."""
    draws = standard_normal((count, known.all.shape[1]), matrix._generator)
    return draws.to(known.all) * matrix._std


def without_the_known_part(matrix: LazyMatrix, rows: Tensor) -> Tensor:
    """Draws that take away the known part, which the matrix adds."""
    fresh = matrix._independent(len(rows), matrix.backward_basis)
    return fresh - rows @ matrix.backward_images.all.T @ matrix.backward_basis.all


def without_the_known_part_backward(matrix: LazyMatrix, rows: Tensor) -> Tensor:
    fresh = matrix._independent(len(rows), matrix.forward_basis)
    return fresh - rows @ matrix.forward_images.all.T @ matrix.forward_basis.all


# In place of which method.
MISTAKES = {
    "_independent": unprojected,
    "draw_forward": without_the_known_part,
    "draw_backward": without_the_known_part_backward,
}
