"""A layer that holds its weight matrices."""

import torch
from torch import Tensor

from infwidth.network.state import State, take_tensors, tensors

# A step by blocks of so many rows finds them in cache when it multiplies with them after it
# changed them; matrices of fewer entries are in cache anyway, and go faster all replicas at once.
BLOCK_ROWS = 256
LARGE_MATRIX = 2**23


class DenseLayer:
    """Dense weights of R replicas, updated in place.

    Rounding an update into a much larger weight loses part of it, but nothing that is measured
    here reads the movement off the weights: see `infwidth.network.mlp`.
    """

    def __init__(self, weights: Tensor) -> None:
        """Take over `weights`, shape (R, outputs, inputs)."""
        self.weights = weights

    def start(self, x: Tensor) -> Tensor:
        """x Wᵀ."""
        return torch.bmm(x, self.weights.mT)

    forward = follow = evaluate = start

    def backward(self, y: Tensor) -> Tensor:
        """y W."""
        return torch.bmm(y, self.weights)

    def step(self, y: Tensor, x: Tensor, change: Tensor, rate: float) -> Tensor:
        """W' = W - rate yᵀ x, and (x + change) W'ᵀ - x Wᵀ."""
        if self.weights.is_cuda or self.weights[0].numel() < LARGE_MATRIX:
            self.weights.baddbmm_(y.mT, x, alpha=-rate)
            moved = torch.bmm(change, self.weights.mT)
        else:
            moved = torch.empty_like(y)
            for replica, weights in enumerate(self.weights):
                for start in range(0, len(weights), BLOCK_ROWS):
                    rows = slice(start, start + BLOCK_ROWS)
                    block = weights[rows].addmm_(y[replica, :, rows].T, x[replica], alpha=-rate)
                    torch.mm(change[replica], block.T, out=moved[replica, :, rows])
        # W' change + (W' - W) x
        return moved.baddbmm_(torch.bmm(x, x.mT), y, alpha=-rate)

    def update(self, y: Tensor, x: Tensor, rate: float) -> None:
        """W' = W - rate yᵀ x."""
        self.weights.baddbmm_(y.mT, x, alpha=-rate)

    def status(self) -> str:
        """Nothing: weights are all there is."""
        return ""

    def state(self) -> State:
        """The weights."""
        return tensors(self, ("weights",))

    def restore(self, state: State) -> None:
        """Take over weights."""
        take_tensors(self, ("weights",), state)

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone."""
        self.weights = self.weights[replicas]
