"""The input layer where training takes batches of many inputs, and probes follow.

Here the weights along the r directions of the training inputs are held and updated, since each
batch meets them afresh: in float32 they lose what an update far smaller than themselves would add.
The probes do not: their pre-activations move by -η (ξ_p ξ_Bᵀ) y_B with every step, of which each
factor has its own relative accuracy, the Gram matrix of inputs in float64. Probes and test inputs
have directions besides, which no update reaches.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from infwidth.network.layers.input import coordinates
from infwidth.network.state import OfReplicas, State

# Unused numbers between the rows of the weights.
ROW_GAP = 16


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
        batch: coordinates of the inputs of the latest `forward`, shape (R, B, r).
    """

    OF_REPLICAS = ("initial", "_test_initial", "_weights", "_movement")

    def __init__(self, geometry: ProbedGeometry, draws: Tensor, further_draws: Tensor) -> None:
        """Start from the initial weights along the geometry's directions.

        Args:
            geometry: of the inputs.
            draws: W_0 along the training inputs' directions, shape (R, n, r).
            further_draws: W_0 along the further directions, shape (R, n, r').
        """
        trained = draws.shape[-1]
        self.geometry = geometry
        # One by one: in float64 all together take three times the memory of the weights.
        self.initial = torch.stack(
            [
                geometry.probes @ torch.cat([each, further], dim=-1).double().mT
                for each, further in zip(draws, further_draws, strict=True)
            ]
        )
        # The part of the test inputs that no update reaches, and the coordinates of the other.
        self._test_initial = geometry.test[:, trained:].to(draws.dtype) @ further_draws.mT
        self._test = geometry.test[:, :trained].to(draws.dtype)
        self._weights = _apart(draws.mT)
        self.batch = draws[:, :0]
        self._places = torch.empty(0)
        self._movement = torch.zeros_like(self.initial)

    def forward(self, batch: Tensor) -> Tensor:
        """Ξ_B Wᵀ of a batch of training inputs, given by their places, (R, B) -> (R, B, n)."""
        rows = self.geometry.train.index_select(0, batch.flatten())
        self._places = batch
        self.batch = rows.view(*batch.shape, -1)
        return self.batch @ self._weights

    def update(self, y: Tensor, rate: float) -> None:
        """W ← W - rate yᵀ Ξ_B, for the batch of the latest `forward`."""
        self._weights.baddbmm_(self.batch.mT, y, alpha=-rate)
        self._movement.baddbmm_(self.geometry.gram[self._places].mT, y.double(), alpha=-rate)

    def follow(self) -> Tensor:
        """By what the probes have moved since the last time, shape (R, N, n)."""
        movement = self._movement.to(self._test.dtype, copy=True)
        self._movement.zero_()
        return movement

    def preactivations(self, count: int) -> Tensor:
        """Of the first `count` training inputs, shape (R, count, n)."""
        return self.geometry.train[:count] @ self._weights

    def test_preactivations(self) -> Tensor:
        """Of the test inputs, shape (R, M, n)."""
        return self._test_initial + self._test @ self._weights

    def restore(self, state: State) -> None:
        """Take over a state of as many replicas."""
        super().restore(state)
        self._weights = _apart(self._weights)

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone."""
        super().keep(replicas)
        self._weights = _apart(self._weights)


def _apart(weights: Tensor) -> Tensor:
    """Weights, inputs by units, with rows that are no power of two apart in memory.

    Those would share a few places of the cache. Products of batches are quicker for either.
    """
    room = weights.new_empty(*weights.shape[:-1], weights.shape[-1] + ROW_GAP)
    return room[..., : weights.shape[-1]].copy_(weights)
