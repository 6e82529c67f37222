"""The input layer, reduced to the inputs it will ever see.

Training touches W only along the training inputs Ξ (d x N): W_t = W_0 - G Ξᵀ, with G (n x N) the
accumulated gradient signal. So W_t Ξ = W_0 Ξ - G (Ξᵀ Ξ), and the n x d matrix is never needed. The
initial part W_0 Ξ is Gaussian: with Ξ = Q C (Q orthonormal columns, C of full row rank),
W_0 Q is again i.i.d. Gaussian and W_0 Ξ = (W_0 Q) C. Test inputs take part in the same way, through
Q and through directions outside its span, which no update reaches. All of this is exact, for full
batches and mini-batches alike, and for d < N.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from infwidth.network.state import OfReplicas

# A direction of which unit inputs have less than this is rounding.
NEGLIGIBLE = 1e-12


@dataclass(frozen=True)
class InputGeometry:
    """What the input layer needs to know of the inputs; all float64.

    Attributes:
        train: C, coordinates of the N training inputs in r ≤ min(N, d) orthonormal directions,
            shape (r, N).
        test: coordinates of the M test inputs in these and r' further directions, (r + r', M).
        gram: <ξ_i, ξ_j>, shape (N, N).
        cross_gram: <ξ_i, test input j>, shape (N, M).
    """

    train: Tensor
    test: Tensor
    gram: Tensor
    cross_gram: Tensor

    @classmethod
    def of(cls, train_inputs: Tensor, test_inputs: Tensor) -> "InputGeometry":
        """Geometry of float64 inputs, shapes (N, d) and (M, d)."""
        train, test = coordinates(train_inputs, test_inputs)
        return cls(
            train=train,
            test=test,
            gram=train_inputs @ train_inputs.T,
            cross_gram=train_inputs @ test_inputs.T,
        )


def coordinates(inputs: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Of two sets of inputs in orthonormal directions, of which the first set has the first r.

    Args:
        inputs: shape (N, d).
        others: shape (M, d).

    Returns:
        Shapes (r, N) and (r + r', M).
    """
    basis, inner = torch.linalg.qr(inputs.T)
    inside = basis.T @ others.T
    outside = torch.linalg.qr(others.T - basis @ inside)[1]
    # What is left outside may span few directions, or none where the basis spans the whole
    # space. Without pivoting the empty rows of R can stand anywhere.
    outside = outside[outside.norm(dim=1) > NEGLIGIBLE]
    return inner, torch.cat([inside, outside])


class InputLayer(OfReplicas):
    """Input weights of R replicas, seen through their action on the inputs."""

    # The initial products as well, whose rounding another machine need not repeat.
    OF_REPLICAS = ("initial", "_test_initial", "_signal")

    def __init__(self, geometry: InputGeometry, train_draws: Tensor, test_draws: Tensor) -> None:
        """Start from the initial weights along the geometry's directions.

        Args:
            geometry: of the inputs.
            train_draws: W_0 along the training directions, shape (R, n, r).
            test_draws: W_0 along the further test directions, shape (R, n, r').
        """
        self.geometry = geometry
        self.initial = geometry.train.T @ train_draws.double().mT
        draws = torch.cat([train_draws, test_draws], dim=-1)
        self._gram = geometry.gram.to(draws.dtype)
        self._test_initial = geometry.test.T.to(draws.dtype) @ draws.mT
        self._signal = torch.zeros_like(self.initial)

    def step(self, y: Tensor, rate: float) -> Tensor:
        """W ← W - rate yᵀ Ξ; returns the change of Ξ Wᵀ, shape (R, N, n)."""
        self._signal.add_(y, alpha=rate)
        return (self._gram @ y).mul_(-rate)

    def test_preactivations(self) -> Tensor:
        """The test inputs times W_tᵀ, shape (R, M, n)."""
        moved = self.geometry.cross_gram.T @ self._signal
        return self._test_initial - moved.to(self._test_initial.dtype)
