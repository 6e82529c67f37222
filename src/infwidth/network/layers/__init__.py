"""Layers of R replicas: the input layer, and hidden and output layers behind one interface."""

from typing import Protocol

from torch import Tensor

from infwidth.network.state import Stateful


class Layer(Stateful, Protocol):
    """The weights W of a hidden or output layer, for R replicas at once.

    The network asks these questions and no others, so that it need not know how W is kept.
    Shapes: x is (R, samples, inputs), y is (R, samples, outputs). The followed inputs are those of
    `start`: with them as the training set a step is `backward` and `step`; with batches of other
    inputs it is `forward`, `backward` and `update`, and `follow` where the movement is wanted.
    """

    def start(self, x: Tensor) -> Tensor:
        """x Wᵀ of the followed inputs' features x, before the first step."""

    def forward(self, x: Tensor) -> Tensor:
        """x Wᵀ of a batch's features, which training looks at."""

    def backward(self, y: Tensor) -> Tensor:
        """y W."""

    def step(self, y: Tensor, x: Tensor, change: Tensor, rate: float) -> Tensor:
        """A gradient step, W' = W - rate yᵀ x, while the features x become x + change.

        Args:
            y: gradients with respect to this layer's outputs, as handed to `backward` just before.
            x: the features of `start` and all changes since.
            change: of these features.
            rate: learning rate.

        Returns:
            (x + change) W'ᵀ - x Wᵀ, to the relative accuracy of its own size.
        """

    def update(self, y: Tensor, x: Tensor, rate: float) -> None:
        """W' = W - rate yᵀ x, of the batch handed to `forward` and `backward` just before."""

    def follow(self, change: Tensor) -> Tensor:
        """change Wᵀ of the followed inputs, whose features changed by so much since the last time.

        What W changed by in the meantime acts on the features before, and is no part of this.
        """

    def evaluate(self, x: Tensor) -> Tensor:
        """x Wᵀ of other inputs' features, which changes nothing in what comes later."""

    def status(self) -> str:
        """What is worth knowing of the layer's inner state at the end of a training, or nothing."""

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone (indices)."""
