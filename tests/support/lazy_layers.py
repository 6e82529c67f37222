"""Lazy layers beside dense ones, and mistakes to be found in them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from builders import CPU, dataset
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.network.layers import Layer
from infwidth.network.layers.dense import DenseLayer
from infwidth.network.layers.directions import Basis
from infwidth.network.layers.initial import GaussianWeights, InitialWeights, KnownWeights
from infwidth.network.layers.lazy import LazyLayer, LazyMatrix
from infwidth.network.losses import LOSSES, one_hot
from infwidth.network.mlp import Following, Network
from infwidth.network.randomness import standard_normal
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.training.batches import Batches

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
    layers = looked_at_lazily(dense.layers, tolerance)
    return Network(dense.input_layer, layers, dense.activation, dense.dtype)


def looked_at_lazily(layers: Sequence[Layer], tolerance: float) -> list[Layer]:
    """Dense layers, of which the hidden ones are looked at lazily."""
    *hidden, output = layers
    known: list[Layer] = []
    for layer in hidden:
        assert isinstance(layer, DenseLayer)
        looked_at = [LazyMatrix(KnownWeights(each), each, tolerance) for each in layer.weights]
        known.append(LazyLayer(looked_at))
    return [*known, output]


def matrices(network: Following) -> list[LazyMatrix]:
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
    batches = Batches(range(replicas), len(targets), how.batch_size)
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


def unprojected(weights: GaussianWeights, count: int, known: Basis) -> Tensor:
    """Draws with a part along what is known, which should be determined."""
    draws = standard_normal((count, known.all.shape[1]), weights._generator)
    return draws.to(known.all) * weights._std


@dataclass
class WithoutTheKnownPart:
    """Draws that take away the known part, which the matrix adds."""

    matrix: LazyMatrix
    right: InitialWeights

    def forward(self, rows: Tensor, known: Basis) -> Tensor:
        taken = rows @ self.matrix.backward_images.all.T @ known.all
        return self.right.forward(rows, known) - taken

    def backward(self, rows: Tensor, known: Basis) -> Tensor:
        taken = rows @ self.matrix.forward_images.all.T @ known.all
        return self.right.backward(rows, known) - taken


def mistaken(extend: Callable[[LazyMatrix, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A look from one side, without the known part."""

    def look(matrix: LazyMatrix, directions: Tensor) -> Tensor:
        right = matrix.weights
        matrix.weights = WithoutTheKnownPart(matrix, right)  # type: ignore[assignment]
        rows = extend(matrix, directions)
        matrix.weights = right
        return rows

    return look


# What takes the place of what: the arguments of `setattr`.
MISTAKES = {
    "unprojected": (GaussianWeights, "_independent", unprojected),
    "without the known part": (
        LazyMatrix,
        "_extend_forward",
        mistaken(LazyMatrix._extend_forward),
    ),
    "without the known part backward": (
        LazyMatrix,
        "_extend_backward",
        mistaken(LazyMatrix._extend_backward),
    ),
}
