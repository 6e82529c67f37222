"""From a scheme and a width to initial networks, learning rates and the size of W_0."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.activations import ACTIVATIONS, Activation
from infwidth.network.layers import Layer
from infwidth.network.layers.dense import DenseLayer
from infwidth.network.layers.initial import GaussianWeights
from infwidth.network.layers.input import InputGeometry, InputLayer
from infwidth.network.layers.lazy import LazyLayer, LazyMatrix
from infwidth.network.layers.probed_input import ProbedGeometry, ProbedInput
from infwidth.network.mlp import Network
from infwidth.network.precision import PRECISIONS
from infwidth.network.probed import ProbedNetwork
from infwidth.network.randomness import standard_normal, stream
from infwidth.recipe import Recipe
from infwidth.schemes import Role, Scheme


def roles(hidden_layers: int) -> tuple[Role, ...]:
    """The role of each of the L + 1 weight layers.

    >>> roles(3)
    ('input', 'hidden', 'hidden', 'output')
    """
    hidden: list[Role] = ["hidden"] * (hidden_layers - 1)
    return ("input", *hidden, "output")


def learning_rates(
    scheme: Scheme, width: int, recipe: Recipe, *, first: bool = False
) -> tuple[float, ...]:
    """The SGD rate of each of the L + 1 weight layers, in the first step or in a later one."""
    return tuple(
        scheme.rate(
            role,
            width,
            learning_rate=recipe.learning_rate,
            reference_width=recipe.reference_width,
            first=first,
        )
        for role in roles(recipe.hidden_layers)
    )


def initial_stds(scheme: Scheme, width: int, recipe: Recipe) -> tuple[float, ...]:
    """The standard deviation of each of the L + 1 initial weight matrices."""
    return tuple(
        scheme.init_std(role, width, sigma=recipe.init_std, reference_width=recipe.reference_width)
        for role in roles(recipe.hidden_layers)
    )


def initial_norms(data: PreparedDataset, scheme: Scheme, width: int, recipe: Recipe) -> Tensor:
    """Root mean square of ‖W_0‖_F over draws, for each of the L + 1 weight layers, float64."""
    sizes = [data.train_inputs.shape[1], *[width] * recipe.hidden_layers, data.classes]
    stds = initial_stds(scheme, width, recipe)
    return torch.tensor(
        [
            std * math.sqrt(fan_in * fan_out)
            for std, fan_in, fan_out in zip(stds, sizes[:-1], sizes[1:], strict=True)
        ],
        dtype=torch.float64,
    )


def initial_network(
    data: PreparedDataset,
    scheme: Scheme,
    width: int,
    seeds: Sequence[int],
    recipe: Recipe,
    device: torch.device,
) -> Network:
    """One replica per seed, with its initial weights, that trains on the inputs that follow.

    Every weight is a standard normal draw, of a stream fixed by seed, width and layer, times the
    scheme's standard deviation.
    """
    start = _Start(scheme, width, seeds, recipe, device)
    geometry = InputGeometry.of(
        torch.as_tensor(data.train_inputs, device=device),
        torch.as_tensor(data.test_inputs, device=device),
    )
    trained = geometry.train.shape[0]
    input_layer = InputLayer(geometry, *start.input_weights(trained, len(geometry.test)))
    return Network(input_layer, start.layers(data.classes), start.activation, start.dtype)


def initial_probed_network(
    data: PreparedDataset,
    scheme: Scheme,
    width: int,
    seeds: Sequence[int],
    recipe: Recipe,
    device: torch.device,
) -> ProbedNetwork:
    """The same on a training set, of which it takes batches while the probes follow."""
    start = _Start(scheme, width, seeds, recipe, device)
    train, probes, test = (
        torch.as_tensor(inputs, device=device)
        for inputs in (data.train_inputs, data.probes, data.test_inputs)
    )
    geometry = ProbedGeometry.of(train, probes, test, start.dtype)
    trained = geometry.train.shape[1]
    input_layer = ProbedInput(geometry, *start.input_weights(trained, geometry.test.shape[1]))
    return ProbedNetwork(input_layer, start.layers(data.classes), start.activation, start.dtype)


@dataclass(frozen=True)
class _Start:
    """Initial weights of one replica per seed."""

    scheme: Scheme
    width: int
    seeds: Sequence[int]
    recipe: Recipe
    device: torch.device

    @property
    def dtype(self) -> torch.dtype:
        return PRECISIONS[self.recipe.precision].dtype

    @property
    def activation(self) -> Activation:
        return ACTIVATIONS[self.recipe.activation]

    @cached_property
    def stds(self) -> tuple[float, ...]:
        return initial_stds(self.scheme, self.width, self.recipe)

    def input_weights(self, trained: int, directions: int) -> tuple[Tensor, Tensor]:
        """Along the directions of the training inputs, and along the others."""
        return (
            self._weights(0, self.width, trained),
            self._weights(0, self.width, directions - trained, "untrained input directions"),
        )

    def layers(self, classes: int) -> list[Layer]:
        """The layers after the first."""
        hidden = self._lazy if self.recipe.layer == "lazy" else self._dense
        layers = [hidden(layer) for layer in range(1, self.recipe.hidden_layers)]
        last = DenseLayer(self._weights(self.recipe.hidden_layers, classes, self.width))
        return [*layers, last]

    def _dense(self, layer: int) -> Layer:
        return DenseLayer(self._weights(layer, self.width, self.width))

    def _lazy(self, layer: int) -> Layer:
        like = torch.empty(0, dtype=self.dtype, device=self.device)
        matrices = []
        for seed in self.seeds:
            draws, test_draws = (
                stream(seed, purpose, self.width, layer)
                for purpose in ("weights", "untrained hidden directions")
            )
            shape = (self.width, self.width)
            weights = GaussianWeights(shape, self.stds[layer], draws, test_draws)
            matrices.append(LazyMatrix(weights, like, self.recipe.lazy_tolerance))
        return LazyLayer(matrices)

    def _weights(self, layer: int, rows: int, columns: int, purpose: str = "weights") -> Tensor:
        draws = torch.empty(len(self.seeds), rows, columns, dtype=self.dtype, device=self.device)
        for replica, seed in enumerate(self.seeds):
            generator = stream(seed, purpose, self.width, layer)
            draws[replica] = standard_normal((rows, columns), generator)
        return draws.mul_(self.stds[layer])
