"""From a scheme and a width to initial networks, learning rates and the size of W_0."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.activations import ACTIVATIONS
from infwidth.network.layers import Layer
from infwidth.network.layers.dense import DenseLayer
from infwidth.network.layers.initial import GaussianWeights
from infwidth.network.layers.input import InputGeometry, InputLayer
from infwidth.network.layers.lazy import LazyLayer, LazyMatrix
from infwidth.network.mlp import Network
from infwidth.network.precision import PRECISIONS
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
    """One replica per seed, with its initial weights.

    Every weight is a standard normal draw, of a stream fixed by seed, width and layer, times the
    scheme's standard deviation.
    """
    dtype = PRECISIONS[recipe.precision].dtype
    stds = initial_stds(scheme, width, recipe)

    def weights(layer: int, rows: int, columns: int, purpose: str = "weights") -> Tensor:
        draws = torch.empty(len(seeds), rows, columns, dtype=dtype, device=device)
        for replica, seed in enumerate(seeds):
            generator = stream(seed, purpose, width, layer)
            draws[replica] = standard_normal((rows, columns), generator)
        return draws.mul_(stds[layer])

    geometry = InputGeometry.of(
        torch.as_tensor(data.train_inputs, device=device),
        torch.as_tensor(data.test_inputs, device=device),
    )
    trained = geometry.train.shape[0]
    untrained = geometry.test.shape[0] - trained
    input_layer = InputLayer(
        geometry,
        weights(0, width, trained),
        weights(0, width, untrained, "untrained input directions"),
    )

    def lazy(layer: int) -> LazyLayer:
        return LazyLayer(
            [
                LazyMatrix(
                    GaussianWeights(
                        (width, width),
                        stds[layer],
                        stream(seed, "weights", width, layer),
                        stream(seed, "untrained hidden directions", width, layer),
                    ),
                    torch.empty(0, dtype=dtype, device=device),
                    recipe.lazy_tolerance,
                )
                for seed in seeds
            ]
        )

    hidden = range(1, recipe.hidden_layers)
    layers: list[Layer] = [
        lazy(layer) if recipe.layer == "lazy" else DenseLayer(weights(layer, width, width))
        for layer in hidden
    ]
    layers.append(DenseLayer(weights(recipe.hidden_layers, data.classes, width)))
    return Network(input_layer, layers, ACTIVATIONS[recipe.activation], dtype)
