"""Layers of R replicas: the input layer, and hidden and output layers behind one interface."""

from typing import Protocol

from torch import Tensor


class Layer(Protocol):
    """The weights W of a hidden or output layer, for R replicas at once.

    The network asks these questions and no others, so that it need not know how W is kept.
    Shapes: x is (R, inputs, samples), y is (R, outputs, samples).
    """

    def forward(self, x: Tensor) -> Tensor:
        """W x."""

    def backward(self, y: Tensor) -> Tensor:
        """Wᵀ y."""

    def update(self, y: Tensor, x: Tensor, rate: float) -> None:
        """W ← W - rate y xᵀ: a gradient step, of rank at most the number of samples."""

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone (indices)."""
