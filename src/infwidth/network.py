"""An MLP without biases, R replicas moving together, that follows its own movement.

At small learning rates in wide networks the movement of the features is many orders smaller than
the features (SP's first layer: n^-3/2), so it must not be read off as a difference of two large
numbers, nor off weights into which it was rounded. From W' = W - η y xᵀ follows

    W' x' - W x = W' (x' - x) - η y (xᵀ x),

exactly: each step adds to the pre-activations the old features' N x N Gram matrix times the
gradient signal y, and the weights' action on the *change* of the features. Both have the size of
the movement itself, so its relative accuracy is that of the working precision, at one product with
W forward and one backward per step. Pre-activations h, their movement δh and everything elementwise
are float64; only products with W are in the working precision.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from infwidth.activations import Activation
from infwidth.layers import Layer
from infwidth.layers.input import InputLayer

Rates = tuple[float, ...]


@dataclass
class HiddenState:
    """One hidden layer on the N training inputs: h = h^0 + δh and x = φ(h), all (R, n, N) float64.

    Attributes:
        initial: h^0.
        initial_feature: φ(h^0).
        change: δh.
        feature: φ(h^0 + δh).
    """

    initial: Tensor
    initial_feature: Tensor
    change: Tensor
    feature: Tensor

    @property
    def feature_change(self) -> Tensor:
        """δx = φ(h^0 + δh) - φ(h^0)."""
        return self.feature - self.initial_feature


class Network:
    """R replicas of an MLP with L hidden layers, on N training inputs."""

    def __init__(
        self,
        input_layer: InputLayer,
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
            feature = activation.value(preactivation)
            self.hidden.append(
                HiddenState(preactivation, feature, torch.zeros_like(preactivation), feature)
            )
            preactivation = layer.forward(feature.to(dtype)).double()
        self.outputs = preactivation

    def step(self, error_signal: Tensor, rates: Rates) -> Tensor:
        """One step of gradient descent.

        Args:
            error_signal: gradient of the objective with respect to the outputs,
                shape (R, classes, N); a sample outside the batch has a column of zeros.
            rates: the learning rates of the L + 1 layers, from the input on.

        Returns:
            ‖W' - W‖_F of each layer and replica, shape (L + 1, R).
        """
        signals = self._backward(error_signal.to(self.dtype))
        norms = [_update_norm(signals[0], self.input_layer.geometry.gram, rates[0])]
        movement = self.input_layer.update(signals[0], rates[0])
        for state, layer, signal, rate in zip(
            self.hidden, self.layers, signals[1:], rates[1:], strict=True
        ):
            old = state.feature.to(self.dtype)
            gram = old.mT @ old
            layer.update(signal, old, rate)
            state.change += movement
            feature = self.activation.value(state.initial + state.change)
            moved = layer.forward((feature - state.feature).to(self.dtype))
            state.feature = feature
            movement = moved.sub_(signal @ gram, alpha=rate).double()
            norms.append(_update_norm(signal, gram, rate))
        self.outputs = self.outputs + movement
        return torch.stack(norms)

    def _backward(self, error_signal: Tensor) -> list[Tensor]:
        """Gradients with respect to the pre-activations of every layer and the outputs."""
        signals = [error_signal]
        for state, layer in zip(reversed(self.hidden), reversed(self.layers), strict=True):
            preactivation = (state.initial + state.change).to(self.dtype)
            slope = self.activation.derivative(preactivation, state.feature.to(self.dtype))
            signals.append(layer.backward(signals[-1]) * slope)
        return signals[::-1]

    def test_outputs(self) -> Tensor:
        """Outputs on the test inputs, shape (R, classes, M)."""
        preactivation = self.input_layer.test_preactivations().to(self.dtype)
        for layer in self.layers:
            preactivation = layer.forward(self.activation.value(preactivation))
        return preactivation.double()

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone (indices)."""
        self.input_layer.keep(replicas)
        for layer in self.layers:
            layer.keep(replicas)
        for state in self.hidden:
            for name, value in vars(state).items():
                setattr(state, name, value[replicas])
        self.outputs = self.outputs[replicas]


def _update_norm(signal: Tensor, gram: Tensor, rate: float) -> Tensor:
    """‖η y xᵀ‖_F per replica, from the N x N Gram matrices of y and x."""
    signal_gram = (signal.mT @ signal).double()
    # The trace of a product of two Gram matrices is not negative, but its rounding may be.
    return rate * (signal_gram * gram.double()).sum(dim=(-2, -1)).clamp(min=0).sqrt()
