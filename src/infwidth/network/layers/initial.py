"""W_0 as a `LazyMatrix` gets to know it: what a look tells that no earlier look has told."""

from typing import Protocol

import torch
from torch import Tensor

from infwidth.network.layers.directions import Basis
from infwidth.network.randomness import standard_normal
from infwidth.network.state import State, Stateful


class InitialWeights(Stateful, Protocol):
    """W_0 of one replica, looked at along orthonormal rows, k of them, ⟂ all those before."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(outputs, inputs)."""

    def forward(self, rows: Tensor, known: Basis) -> Tensor:
        """rows W_0ᵀ beyond the known backward directions, shape (k, outputs)."""

    def backward(self, rows: Tensor, known: Basis) -> Tensor:
        """rows W_0 beyond the known forward directions, shape (k, inputs)."""

    def test(self, rows: Tensor) -> Tensor:
        """rows Gᵀ of the G of `LazyMatrix.evaluate`, shape (k, outputs)."""


class GaussianWeights:
    """Entries N(0, σ²), drawn when they are looked at."""

    def __init__(
        self,
        shape: tuple[int, ...],
        std: float,
        generator: torch.Generator,
        test_generator: torch.Generator,
    ) -> None:
        """Nothing is drawn yet.

        Args:
            shape: (outputs, inputs).
            std: σ.
            generator: of the draws.
            test_generator: of those that `test` alone needs.
        """
        self.shape = shape
        self._std = std
        self._generator = generator
        self._test_generator = test_generator

    def forward(self, rows: Tensor, known: Basis) -> Tensor:
        """Independent of all that is known."""
        return self._independent(len(rows), known)

    def backward(self, rows: Tensor, known: Basis) -> Tensor:
        """Independent of all that is known."""
        return self._independent(len(rows), known)

    def test(self, rows: Tensor) -> Tensor:
        """Of a stream of its own, so that training takes no notice."""
        return self._drawn((len(rows), self.shape[0]), rows, self._test_generator)

    def state(self) -> State:
        """Of both streams."""
        return {
            "draws": self._generator.get_state(),
            "test_draws": self._test_generator.get_state(),
        }

    def restore(self, state: State) -> None:
        """Go on drawing from there."""
        self._generator.set_state(state["draws"])
        self._test_generator.set_state(state["test_draws"])

    def _independent(self, count: int, known: Basis) -> Tensor:
        """N(0, σ² I) rows, without their part in a basis."""
        like = known.all
        return known.split(self._drawn((count, like.shape[1]), like, self._generator))[1]

    def _drawn(self, shape: tuple[int, int], like: Tensor, generator: torch.Generator) -> Tensor:
        """N(0, σ² I) rows; precision and device of `like`."""
        return standard_normal(shape, generator).to(like).mul_(self._std)


class KnownWeights:
    """A written-down matrix, looked at as if it were drawn.

    A training on it and a dense one on the same matrix differ by the tolerance and by rounding, not
    by chance: what `LazyMatrix` leaves out can be told from this, seed by seed.
    """

    def __init__(self, matrix: Tensor) -> None:
        """Look at `matrix`, shape (outputs, inputs)."""
        self.matrix = matrix

    @property
    def shape(self) -> tuple[int, ...]:
        """(outputs, inputs)."""
        return tuple(self.matrix.shape)

    def forward(self, rows: Tensor, known: Basis) -> Tensor:
        """rows W_0ᵀ beyond the known backward directions."""
        return known.split(rows @ self.matrix.T)[1]

    def backward(self, rows: Tensor, known: Basis) -> Tensor:
        """rows W_0 beyond the known forward directions."""
        return known.split(rows @ self.matrix)[1]

    def test(self, rows: Tensor) -> Tensor:
        """rows W_0ᵀ: beyond what is determined, G is W_0 itself."""
        return rows @ self.matrix.T

    def state(self) -> State:
        """Nothing: looks change no matrix."""
        return {}

    def restore(self, state: State) -> None:
        """Nothing to do."""
