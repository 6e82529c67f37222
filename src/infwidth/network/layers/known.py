"""A written-down matrix, looked at as if it were drawn lazily.

A training on it and a dense one on the same matrix differ by the tolerance and by rounding, not by
chance: what `LazyMatrix` leaves out can be told from this, seed by seed.
"""

import torch
from torch import Tensor

from infwidth.network.layers.lazy import LazyMatrix


class KnownMatrix(LazyMatrix):
    """A `LazyMatrix` whose W_0 is given."""

    def __init__(self, weights: Tensor, tolerance: float) -> None:
        """Look at `weights`, shape (outputs, inputs)."""
        never = torch.Generator()
        super().__init__(tuple(weights.shape), 0.0, never, never, weights, tolerance)
        self._weights = weights

    def draw_forward(self, rows: Tensor) -> Tensor:
        """rows W_0ᵀ beyond Q_y."""
        return self.backward_basis.split(rows @ self._weights.T)[1]

    def draw_backward(self, rows: Tensor) -> Tensor:
        """rows W_0 beyond Q_x."""
        return self.forward_basis.split(rows @ self._weights)[1]

    def draw_test(self, rows: Tensor) -> Tensor:
        """rows W_0ᵀ: beyond what is determined, G is W_0 itself."""
        return rows @ self._weights.T
