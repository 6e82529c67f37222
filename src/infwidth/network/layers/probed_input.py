"""The input layer where training takes batches of many inputs, and probes follow.

Here the weights along the r directions of the training inputs are held and updated, since each
batch meets them afresh: in float32 they lose what an update far smaller than themselves would add.
The probes do not: their pre-activations move by -η (ξ_p ξ_Bᵀ) y_B with every step, of which each
factor has its own relative accuracy, the Gram matrix of inputs in float64. Probes and test inputs
have directions besides, which no update reaches.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from infwidth.network.layers.dense import DenseLayer
from infwidth.network.layers.input import coordinates
from infwidth.network.state import OfReplicas, State


@dataclass(frozen=True)
class ProbedGeometry:
    """What the input layer needs to know of T training inputs, N probes and M test inputs.

    Attributes:
        train: coordinates of the training inputs in r ≤ min(T, d) orthonormal directions, in the
            working precision, shape (T, r).
        probes: of the probes in these and r' further directions, float64, shape (N, r + r').
        test: of the test inputs, likewise, shape (M, r + r').
        gram: <training input i, probe j>, float64, shape (T, N).
    """

    train: Tensor
    probes: Tensor
    test: Tensor
    gram: Tensor

    @classmethod
    def of(
        cls, train: Tensor, probes: Tensor, test: Tensor, dtype: torch.dtype
    ) -> "ProbedGeometry":
        """Geometry of float64 inputs, shapes (T, d), (N, d), (M, d).

        The directions are the pixels themselves where there are as many inputs: nothing is gained
        by others then.
        """
        inner, others = train, torch.cat([probes, test])
        if len(train) < train.shape[1]:
            inner, others = (each.T for each in coordinates(train, others))
        return cls(
            train=inner.to(dtype).contiguous(),
            probes=others[: len(probes)],
            test=others[len(probes) :],
            gram=train @ probes.T,
        )


class ProbedInput(OfReplicas):
    """Input weights of R replicas.

    Attributes:
        geometry: of the inputs.
        initial: W_0 times the probes, shape (R, N, n), float64.
    """

    OF_REPLICAS = ("initial", "_test_initial")

    def __init__(self, geometry: ProbedGeometry, draws: Tensor, further_draws: Tensor) -> None:
        """Start from the initial weights along the geometry's directions.

        Args:
            geometry: of the inputs.
            draws: W_0 along the training inputs' directions, shape (R, n, r).
            further_draws: W_0 along the further directions, shape (R, n, r').
        """
        trained = draws.shape[-1]
        self.geometry = geometry
        self.initial = geometry.probes @ torch.cat([draws, further_draws], dim=-1).double().mT
        # The part of the test inputs that no update reaches, and the coordinates of the other.
        self._test_initial = geometry.test[:, trained:].to(draws.dtype) @ further_draws.mT
        self._test = geometry.test[:, :trained].to(draws.dtype)
        self._weights = DenseLayer(draws)
        self._batch = draws[:, :0]

    @property
    def batch_gram(self) -> Tensor:
        """<ξ_i, ξ_j> of the latest batch, shape (R, B, B)."""
        return self._batch @ self._batch.mT

    def forward(self, batch: Tensor) -> Tensor:
        """Ξ_B Wᵀ of a batch of training inputs, given by their places, (R, B) -> (R, B, n)."""
        self._batch = self.geometry.train[batch]
        return self._weights.forward(self._batch)

    def update(self, y: Tensor, rate: float) -> None:
        """W ← W - rate yᵀ Ξ_B, for the batch of the latest `forward`."""
        self._weights.update(y, self._batch, rate)

    def movement(self, steps: Iterable[tuple[Tensor, Tensor, float]]) -> Tensor:
        """By what steps, each (batch, y, rate), have moved the probes, shape (R, N, n)."""
        moved = torch.zeros_like(self.initial)
        for batch, y, rate in steps:
            moved.baddbmm_(self.geometry.gram[batch].mT, y.double(), alpha=-rate)
        return moved.to(self._test.dtype)

    def preactivations(self, count: int) -> Tensor:
        """Of the first `count` training inputs, shape (R, count, n)."""
        return self._products(self.geometry.train[:count])

    def test_preactivations(self) -> Tensor:
        """Of the test inputs, shape (R, M, n)."""
        return self._test_initial + self._products(self._test)

    def _products(self, inputs: Tensor) -> Tensor:
        return self._weights.evaluate(inputs.expand(len(self.initial), -1, -1))

    def state(self) -> State:
        """Of the weights, and what no update reaches."""
        return super().state() | {"weights": self._weights.state()}

    def restore(self, state: State) -> None:
        """Take over a state of as many replicas."""
        super().restore(state)
        self._weights.restore(state["weights"])

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone."""
        super().keep(replicas)
        self._weights.keep(replicas)
