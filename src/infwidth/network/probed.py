"""An MLP that trains on batches of many inputs, and probes that follow their own movement.

Batches go through the weights as anybody's do: afresh, at each step. N probes are carried along by
the identity of `infwidth.network.mlp`, summed over the steps since they were last looked at,

    x' W'ᵀ - x Wᵀ = (x' - x) W'ᵀ - Σ_s η_s (x x_Bᵀ) y_B,

with x_B and y_B the features and gradients of the batch of step s, and x the probes' features from
before these steps. It is exact however many steps there are, so probes are looked at once in many
steps, and never read off weights into which their movement was rounded. The sum is added up step by
step, while a batch is still in cache.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from infwidth.network.activations import Activation
from infwidth.network.layers import Layer
from infwidth.network.layers.probed_input import ProbedInput
from infwidth.network.mlp import Following, Rates, update_norms
from infwidth.network.state import State

# Probes are looked at when steps have taken so many inputs since: one look costs as much as a
# third of a step on as many inputs.
MOST_INPUTS = 512


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
        self._activations: list[tuple[Tensor, Tensor]] = []
        # The sum, of each layer after the first, and how many inputs it is over.
        outputs = [*(state.initial for state in self.hidden[1:]), self.outputs]
        self._sums = [torch.zeros_like(each, dtype=dtype) for each in outputs]
        self._inputs = 0

    def forward(self, batch: Tensor) -> Tensor:
        """Outputs of training inputs, given by their places: (R, B) -> (R, B, classes), float64."""
        self._activations = []
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
        for total, state, y, x, rate in zip(
            self._sums, self.hidden, signals[1:], features, rates[1:], strict=True
        ):
            total.baddbmm_(state.feature_rounded @ x.mT, y, alpha=-rate)
        self._inputs += error_signal.shape[1]
        if self._inputs >= MOST_INPUTS:
            self.follow()
        return sizes

    def follow(self) -> None:
        """Bring the probes up to date."""
        if not self._inputs:
            return
        movement = self.input_layer.follow()
        for state, layer, total in zip(self.hidden, self.layers, self._sums, strict=True):
            movement = layer.follow(state.move(movement, self.activation)).add_(total)
            total.zero_()
        self.outputs = self.outputs + movement
        self._inputs = 0

    def train_outputs(self, count: int) -> Tensor:
        """Outputs on the first `count` training inputs, shape (R, count, classes)."""
        return self.evaluated(self.input_layer.preactivations(count))

    def state(self) -> State:
        """Of the layers, the probes, and what these have not followed yet."""
        return super().state() | {"inputs": self._inputs, "sums": self._sums}

    def restore(self, state: State) -> None:
        """Take over a state of as many replicas."""
        super().restore(state)
        self._inputs = state["inputs"]
        self._sums = [total.to(self.outputs.device) for total in state["sums"]]

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone (indices)."""
        super().keep(replicas)
        self._sums = [total[replicas] for total in self._sums]
