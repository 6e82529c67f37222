"""A layer that holds its weight matrices."""

import torch
from torch import Tensor


class DenseLayer:
    """Dense weights of R replicas, updated in place.

    Rounding an update into a much larger weight loses part of it, but nothing that is measured
    here reads the movement off the weights: see `infwidth.network`.
    """

    def __init__(self, weights: Tensor) -> None:
        """Take over `weights`, shape (R, outputs, inputs)."""
        self.weights = weights

    def forward(self, x: Tensor) -> Tensor:
        """W x."""
        return torch.bmm(self.weights, x)

    def backward(self, y: Tensor) -> Tensor:
        """Wᵀ y."""
        return torch.bmm(self.weights.mT, y)

    def update(self, y: Tensor, x: Tensor, rate: float) -> None:
        """W ← W - rate y xᵀ."""
        self.weights.baddbmm_(y, x.mT, alpha=-rate)

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone."""
        self.weights = self.weights[replicas]
