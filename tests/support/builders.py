"""Small trainings for tests, and a plain network to hold the engine against.

`PlainNetwork` is the textbook: one replica, raw d-dimensional inputs, weight matrices, autograd,
gradient descent in place. It shares no formula with the engine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from infwidth.datasets.prepare import Inputs, PreparedDataset
from infwidth.network.initialisation import initial_network
from infwidth.network.layers.dense import DenseLayer
from infwidth.network.mlp import Following, Network
from infwidth.recipe import Recipe
from infwidth.schemes import Role, Scheme

# As in the workflow, whose trainings have one thread each.
torch.set_num_threads(1)

CPU = torch.device("cpu")
# PyTorch's own functions, from which autograd takes the derivatives.
PLAIN_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "silu": torch.nn.functional.silu,
    "relu": torch.relu,
    "gelu": torch.nn.functional.gelu,
    "erf": torch.erf,
}


def recipe(**changes: Any) -> Recipe:
    """A short training of a small network, in float64."""
    fields: dict[str, Any] = {
        "hidden_layers": 3,
        "activation": "tanh",
        "loss": "mse",
        "learning_rate": 0.5,
        "reference_width": 1.0,
        "init_std": 1.0,
        "steps": 6,
        "batch_size": None,
        "snapshots": 12,
        "layer": "dense",
        "lazy_tolerance": 1e-2,
        "precision": "float64",
        "device": "cpu",
    }
    return Recipe(**fields | changes)


def dataset(
    samples: int = 5,
    dimension: int = 12,
    test_samples: int = 4,
    classes: int = 3,
    repeated: Sequence[tuple[int, int]] = (),
) -> PreparedDataset:
    """Random unit inputs and labels; `repeated` pairs (i, j): input i is made equal to input j.

    Inputs are counted through the training inputs first, then the test inputs.
    """
    rng = np.random.default_rng([samples, dimension, test_samples])
    inputs = rng.standard_normal((samples + test_samples, dimension))
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    for copy, original in repeated:
        inputs[copy] = inputs[original]
    labels = rng.integers(classes, size=samples + test_samples)
    return PreparedDataset(
        inputs[:samples], labels[:samples], inputs[samples:], labels[samples:], classes
    )


def with_probes(data: PreparedDataset, probes: int, *, held_out: bool = False) -> PreparedDataset:
    """The data as a training set, whose first inputs, or the first test inputs, are probed."""
    source = data.test_inputs if held_out else data.train_inputs
    return replace(data, probe_inputs=source[:probes])


def all_inputs(data: PreparedDataset) -> Inputs:
    """Training inputs, then test inputs: (N + M, d)."""
    return np.concatenate([data.train_inputs, data.test_inputs])


def raw_input_weights(network: Network, data: PreparedDataset, replica: int) -> Tensor:
    """An n x d matrix that acts on all inputs as the replica's input layer does now.

    On directions that no input has, its weights are arbitrary, and made large here.
    """
    inputs = torch.as_tensor(all_inputs(data))
    test = network.input_layer.test_preactivations().double()
    images = torch.cat([network.hidden[0].initial, test], dim=1)[replica].T
    inverse = torch.linalg.pinv(inputs.T, rtol=1e-9)
    weights: Tensor = images @ inverse
    torch.testing.assert_close(weights @ inputs.T, images, rtol=1e-11, atol=1e-11)
    generator = torch.Generator().manual_seed(replica)
    anything = torch.randn(weights.shape, generator=generator, dtype=torch.float64)
    unseen: Tensor = anything - anything @ inputs.T @ inverse
    return weights + 3 * unseen


@dataclass
class PlainNetwork:
    """One replica of an MLP without biases, on raw inputs.

    Attributes:
        weights: of each of the L + 1 layers, (outputs, inputs).
        rates: of gradient descent, one per layer.
        activation: its name.
        loss: its name.
    """

    weights: list[Tensor]
    rates: Sequence[float]
    activation: str
    loss: str

    def forward(self, inputs: Tensor) -> tuple[list[Tensor], Tensor]:
        """Hidden pre-activations of every layer, each (n, N), and the outputs, (classes, N)."""
        hidden, preactivation = [], self.weights[0] @ inputs.T
        for weights in self.weights[1:]:
            hidden.append(preactivation)
            preactivation = weights @ PLAIN_ACTIVATIONS[self.activation](preactivation)
        return hidden, preactivation

    def losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Loss of each sample, (N,)."""
        if self.loss == "cross_entropy":
            return torch.nn.functional.cross_entropy(outputs.T, labels, reduction="none")
        values = []
        for sample, label in enumerate(labels.tolist()):
            target = torch.zeros_like(outputs[:, sample])
            target[label] = 1
            values.append(((outputs[:, sample] - target) ** 2).sum() / 2)
        return torch.stack(values)

    def step(self, inputs: Tensor, labels: Tensor) -> list[float]:
        """Gradient descent on the mean loss of a batch; returns each layer's ‖W' - W‖_F."""
        for weights in self.weights:
            weights.requires_grad_(True)
        objective = self.losses(self.forward(inputs)[1], labels).mean()
        gradients = torch.autograd.grad(objective, self.weights)
        norms = []
        for layer, (gradient, rate) in enumerate(zip(gradients, self.rates, strict=True)):
            new = self.weights[layer].detach() - rate * gradient
            norms.append(float(torch.linalg.norm(new - self.weights[layer].detach())))
            self.weights[layer] = new
        return norms


def both(
    data: PreparedDataset, scheme: Scheme, width: int, seeds: Sequence[int], how: Recipe
) -> tuple[Network, list[PlainNetwork]]:
    """The engine's network at initialisation, and a plain one for each of its replicas."""
    network = initial_network(data, scheme, width, seeds, how, CPU)
    rates = rates_by_role(scheme, width, how)
    plain = [
        PlainNetwork(
            [raw_input_weights(network, data, replica), *dense_weights(network, replica)],
            rates,
            how.activation,
            how.loss,
        )
        for replica in range(len(seeds))
    ]
    return network, plain


def rates_by_role(scheme: Scheme, width: int, how: Recipe) -> tuple[float, ...]:
    """The rate of each layer, straight from the scheme."""
    middle: list[Role] = ["hidden"] * (how.hidden_layers - 1)
    roles: list[Role] = ["input", *middle, "output"]
    return tuple(
        scheme.rate(
            role, width, learning_rate=how.learning_rate, reference_width=how.reference_width
        )
        for role in roles
    )


def dense_weights(network: Following, replica: int) -> list[Tensor]:
    """Copies of one replica's weights after the input layer."""
    layers = [layer for layer in network.layers if isinstance(layer, DenseLayer)]
    assert len(layers) == len(network.layers)
    return [layer.weights[replica].double().clone() for layer in layers]
