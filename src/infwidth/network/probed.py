"""An MLP that trains on batches of many inputs, and probes that follow their own movement.

Batches go through the weights as anybody's do: afresh, at each step. N probes are carried along by
the identity of `infwidth.network.mlp`, summed over the steps since they were last looked at,

    x' W'ᵀ - x Wᵀ = (x' - x) W'ᵀ - Σ_s η_s (x x_Bᵀ) y_B,

with x_B and y_B the features and gradients of the batch of step s, and x the probes' features from
before these steps. It is exact however many steps there are, so probes are looked at once in many
steps, and never read off weights into which their movement was rounded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from infwidth.network.activations import Activation
from infwidth.network.layers import Layer
from infwidth.network.layers.probed_input import ProbedInput
from infwidth.network.mlp import Following, Rates, update_norms
from infwidth.network.state import State

# Probes are looked at when steps have taken so many inputs since: their features and gradients
# stay in memory until then, and one look costs as much as a third of a step on as many inputs.
MOST_INPUTS = 512


@dataclass(frozen=True)
class Step:
    """What a step did to the weights, W' = W - η yᵀ x in every layer.

    Attributes:
        batch: places of its inputs, shape (R, B).
        features: x of each layer after the first, shape (R, B, n).
        signals: y of each of the L + 1 layers, shape (R, B, outputs).
        rates: η of each.
    """

    batch: Tensor
    features: tuple[Tensor, ...]
    signals: tuple[Tensor, ...]
    rates: Rates

    def keep(self, replicas: Tensor) -> Self:
        """Of these replicas alone."""
        return type(self)(
            self.batch[replicas],
            tuple(x[replicas] for x in self.features),
            tuple(y[replicas] for y in self.signals),
            self.rates,
        )


def step_sizes(signals: Sequence[Tensor], features: Sequence[Tensor], rates: Rates) -> Tensor:
    """‖η yᵀ x‖_F per layer and replica, from Gram matrices of y and x or, if smaller, from yᵀ x.

    Args:
        signals: y of each layer, shape (R, B, outputs).
        features: x of each layer, shape (R, B, inputs).
        rates: η of each layer.

    Returns:
        Shape (layers, R).
    """
    sizes = []
    for y, x, rate in zip(signals, features, rates, strict=True):
        if y.shape[1] ** 2 <= y.shape[2] * x.shape[2]:
            sizes.append(update_norms([y], [x @ x.mT], (rate,))[0])
        else:
            products = (one_y.mT @ one_x for one_y, one_x in zip(y, x, strict=True))
            norms = [torch.linalg.vector_norm(each, dtype=torch.float64) for each in products]
            sizes.append(rate * torch.stack(norms))
    return torch.stack(sizes)


class ProbedNetwork(Following):
    """R replicas that train on batches of other inputs than the N probes, which follow.

    A step is `forward` with a batch, then `step` with the gradients at what that gave.
    """

    input_layer: ProbedInput

    def __init__(
        self,
        input_layer: ProbedInput,
        layers: Sequence[Layer],
        activation: Activation,
        dtype: torch.dtype,
    ) -> None:
        """Run the initial weights forward, on the probes; see `Following`."""
        super().__init__(input_layer, layers, activation, dtype)
        self._batch = torch.empty(0)
        self._activations: list[tuple[Tensor, Tensor]] = []
        self._steps: list[Step] = []

    def forward(self, batch: Tensor) -> Tensor:
        """Outputs of training inputs, given by their places: (R, B) -> (R, B, classes), float64."""
        self._batch, self._activations = batch, []
        h = self.input_layer.forward(batch)
        for layer in self.layers:
            x = self.activation.value(h)
            self._activations.append((h, x))
            h = layer.forward(x)
        return h.double()

    def step(self, error_signal: Tensor, rates: Rates, *, norms: bool = False) -> Tensor | None:
        """One step of gradient descent on the batch of the latest `forward`.

        Args:
            error_signal: gradient of the objective with respect to the batch's outputs, shape
                (R, B, classes).
            rates: the learning rates of the L + 1 layers, from the input on.
            norms: whether to compute the size of the step.

        Returns:
            ‖W' - W‖_F of each layer and replica, shape (L + 1, R), if asked for.
        """
        signals = self.backward(error_signal, self._activations)
        features = [x for _, x in self._activations]
        sizes = None
        if norms:
            sizes = step_sizes(signals, [self.input_layer.batch, *features], rates)
        self.input_layer.update(signals[0], rates[0])
        for layer, y, x, rate in zip(self.layers, signals[1:], features, rates[1:], strict=True):
            layer.update(y, x, rate)
        self._steps.append(Step(self._batch, tuple(features), tuple(signals), rates))
        if len(self._steps) * self._batch.shape[1] >= MOST_INPUTS:
            self.follow()
        return sizes

    def follow(self) -> None:
        """Bring the probes up to date."""
        if not self._steps:
            return
        movement = self.input_layer.movement(
            (step.batch, step.signals[0], step.rates[0]) for step in self._steps
        )
        for index, (state, layer) in enumerate(zip(self.hidden, self.layers, strict=True)):
            old = state.feature_rounded
            movement = layer.follow(state.move(movement, self.activation))
            for step in self._steps:
                y, rate = step.signals[index + 1], step.rates[index + 1]
                movement.baddbmm_(old @ step.features[index].mT, y, alpha=-rate)
        self.outputs = self.outputs + movement
        self._steps = []

    def train_outputs(self, count: int) -> Tensor:
        """Outputs on the first `count` training inputs, shape (R, count, classes)."""
        return self.evaluated(self.input_layer.preactivations(count))

    def state(self) -> State:
        """Of the layers, the probes, and the steps that these have not followed yet."""
        return super().state() | {"steps": [vars(step) for step in self._steps]}

    def restore(self, state: State) -> None:
        """Take over a state of as many replicas."""
        super().restore(state)
        device = self.outputs.device
        self._steps = [
            Step(
                batch=step["batch"].to(device),
                features=tuple(x.to(device) for x in step["features"]),
                signals=tuple(y.to(device) for y in step["signals"]),
                rates=tuple(step["rates"]),
            )
            for step in state["steps"]
        ]

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone (indices)."""
        super().keep(replicas)
        self._steps = [step.keep(replicas) for step in self._steps]
