"""An MLP without biases, R replicas moving together, that follows its own movement.

At small learning rates in wide networks the movement of the features is many orders smaller than
the features (SP's first layer: n^-3/2), so it must not be read off as a difference of two large
numbers, nor off weights into which it was rounded. From W' = W - η yᵀ x follows

    x' W'ᵀ - x Wᵀ = (x' - x) W'ᵀ - η (x xᵀ) y,

exactly: each step adds to the pre-activations the old features' N x N Gram matrix times the
gradient signal y, and the weights' action on the *change* of the features. Both have the size of
the movement itself, so its relative accuracy is that of the working precision, at one product with
W forward and one backward per step. Pre-activations h, their movement δh and features are kept in
float64; products, and what only enters them, are in the working precision.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from infwidth.network.activations import Activation
from infwidth.network.layers import Layer
from infwidth.network.layers.input import InputLayer
from infwidth.network.state import OfReplicas, State, Stateful, take_tensors

Rates = tuple[float, ...]


class HiddenState(OfReplicas):
    """One hidden layer on the N training inputs: h = h^0 + δh and x = φ(h), all (R, N, n) float64.

    Attributes:
        initial: h^0.
        initial_feature: φ(h^0).
        change: δh.
        feature: φ(h^0 + δh).
        preactivation_rounded: h in the working precision.
        feature_rounded: x in the working precision.
    """

    OF_REPLICAS = (
        "initial", "initial_feature", "change", "feature", "preactivation_rounded",
        "feature_rounded",
    )  # fmt: skip

    def __init__(self, initial: Tensor, activation: Activation, dtype: torch.dtype) -> None:
        """Start from h^0 in float64."""
        self.initial = initial
        self.initial_feature = activation.feature(initial, dtype)
        self.change = torch.zeros_like(initial)
        self.feature = self.initial_feature
        self.preactivation_rounded = initial.to(dtype)
        self.feature_rounded = self.feature.to(dtype)

    @property
    def feature_change(self) -> Tensor:
        """δx = φ(h^0 + δh) - φ(h^0)."""
        return self.feature - self.initial_feature

    def move(self, movement: Tensor, activation: Activation) -> Tensor:
        """Add to δh; returns the change of x in the movement's precision."""
        self.change += movement
        preactivation = self.initial + self.change
        feature = activation.feature(preactivation, movement.dtype)
        moved = (feature - self.feature).to(movement.dtype)
        self.feature = feature
        self.preactivation_rounded = preactivation.to(movement.dtype)
        self.feature_rounded = feature.to(movement.dtype)
        return moved


class FirstLayer(Stateful, Protocol):
    """The input layer, of which a network asks what the first hidden layer starts from."""

    initial: Tensor

    def test_preactivations(self) -> Tensor:
        """The test inputs times Wᵀ, shape (R, M, n)."""

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone (indices)."""


class Following:
    """R replicas of an MLP with L hidden layers, and N inputs that follow what training does.

    Attributes:
        hidden: of these inputs, layer by layer.
        outputs: theirs, shape (R, N, classes), float64.
    """

    input_layer: FirstLayer

    def __init__(
        self,
        input_layer: FirstLayer,
        layers: Sequence[Layer],
        activation: Activation,
        dtype: torch.dtype,
    ) -> None:
        """Run the initial weights forward.

        Args:
            input_layer: the first layer.
            layers: the layers after it: L - 1 hidden ones and the output layer.
            activation: φ, after every layer but the last.
            dtype: working precision of the products with the weights.
        """
        self.input_layer = input_layer
        self.layers = list(layers)
        self.activation = activation
        self.dtype = dtype
        self.hidden: list[HiddenState] = []
        preactivation = input_layer.initial
        for layer in self.layers:
            state = HiddenState(preactivation, activation, dtype)
            self.hidden.append(state)
            preactivation = layer.start(state.feature_rounded).double()
        self.outputs = preactivation

    def backward(
        self, error_signal: Tensor, activations: Sequence[tuple[Tensor, Tensor]]
    ) -> list[Tensor]:
        """Gradients with respect to the pre-activations of every layer and the outputs.

        Args:
            error_signal: with respect to the outputs, shape (R, samples, classes).
            activations: (h, x) of the hidden layers, in the working precision.
        """
        signals = [error_signal.to(self.dtype)]
        for (h, x), layer in zip(reversed(activations), reversed(self.layers), strict=True):
            slope = self.activation.derivative(h, x)
            signals.append(layer.backward(signals[-1]).mul_(slope))
        return signals[::-1]

    def test_outputs(self) -> Tensor:
        """Outputs on the test inputs, shape (R, M, classes)."""
        return self.evaluated(self.input_layer.test_preactivations())

    def evaluated(self, preactivation: Tensor) -> Tensor:
        """Outputs of other inputs, of whose first layer this is the pre-activation."""
        preactivation = preactivation.to(self.dtype)
        for layer in self.layers:
            preactivation = layer.evaluate(self.activation.value(preactivation))
        return preactivation.double()

    def state(self) -> State:
        """Of the layers and what they give."""
        return {
            "parts": [part.state() for part in self._parts],
            "outputs": self.outputs,
        }

    def restore(self, state: State) -> None:
        """Take over a state of as many replicas."""
        for part, each in zip(self._parts, state["parts"], strict=True):
            part.restore(each)
        take_tensors(self, ("outputs",), state)

    @property
    def _parts(self) -> list[FirstLayer | Layer | HiddenState]:
        return [self.input_layer, *self.layers, *self.hidden]

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone (indices)."""
        for part in self._parts:
            part.keep(replicas)
        self.outputs = self.outputs[replicas]


class Network(Following):
    """R replicas that train on the very inputs that follow, weighted in each step."""

    input_layer: InputLayer

    def step(self, error_signal: Tensor, rates: Rates, *, norms: bool = False) -> Tensor | None:
        """One step of gradient descent.

        Args:
            error_signal: gradient of the objective with respect to the outputs,
                shape (R, N, classes); a sample outside the batch has a row of zeros.
            rates: the learning rates of the L + 1 layers, from the input on.
            norms: whether to compute the size of the step.

        Returns:
            ‖W' - W‖_F of each layer and replica, shape (L + 1, R), if asked for.
        """
        activations = [(each.preactivation_rounded, each.feature_rounded) for each in self.hidden]
        signals = self.backward(error_signal, activations)
        sizes = None
        if norms:
            grams = [self.input_layer.geometry.gram, *(x @ x.mT for _, x in activations)]
            sizes = update_norms(signals, grams, rates)
        movement = self.input_layer.step(signals[0], rates[0])
        for state, layer, signal, rate in zip(
            self.hidden, self.layers, signals[1:], rates[1:], strict=True
        ):
            old = state.feature_rounded
            moved = state.move(movement, self.activation)
            movement = layer.step(signal, old, moved, rate)
        self.outputs = self.outputs + movement
        return sizes


def update_norms(signals: Sequence[Tensor], grams: Sequence[Tensor], rates: Rates) -> Tensor:
    """‖η yᵀ x‖_F per layer and replica, from the N x N Gram matrices of y and x.

    Args:
        signals: y of each layer, shape (R, N, outputs).
        grams: x xᵀ of each layer, shape (R, N, N), or (N, N) where replicas share it.
        rates: η of each layer.

    Returns:
        Shape (layers, R).
    """
    norms = []
    for signal, gram, rate in zip(signals, grams, rates, strict=True):
        signal_gram = (signal @ signal.mT).double()
        # The trace of a product of two Gram matrices is not negative, its rounding may be.
        square = (signal_gram * gram.double()).sum(dim=(-2, -1)).clamp(min=0)
        norms.append(rate * square.sqrt())
    return torch.stack(norms)
