r"""The sharpness of a network at its current weights, in the metric that its rates make.

Gradient descent at the rates η_l of the layers, θ' = θ - η D ∇ℓ with D = diag(η_l / η), is stable
near a minimum where η λ_max(D^{1/2} H D^{1/2}) < 2, H being the Hessian of the training loss: that
eigenvalue is the sharpness here. Training at a fixed η often raises it to 2/η and stays there, at
the edge of stability (Cohen et al. 2021).

It is found by Lanczos' method from products of the Hessian with vectors, which automatic
differentiation gives on a functional copy of the network. Input weights enter by the coordinates of
the inputs, which leaves out directions that the loss does not depend on.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor

from infwidth.network.layers.dense import DenseLayer
from infwidth.network.mlp import Rates
from infwidth.training.descent import Descent

# Relative, of the eigenvalue. The few vectors kept are enough for an eigenvalue well apart.
TOLERANCE = 1e-3
KEPT_VECTORS = 10


def sharpness(descent: Descent, rates: Rates, learning_rate: float, replica: int) -> float:
    """λ_max(D^{1/2} H D^{1/2}) of one replica of dense layers in full batch.

    Args:
        descent: where it is.
        rates: η_l.
        learning_rate: η.
        replica: among those still going.
    """
    moves = _moves(descent, replica)
    roots = [(rate / learning_rate) ** 0.5 for rate in rates]
    loss = _loss(descent, replica, [root * move for root, move in zip(roots, moves, strict=True)])
    gradients = torch.autograd.grad(loss, moves, create_graph=True)
    ends = np.cumsum([move.numel() for move in moves])

    def product(vector: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = np.split(vector.reshape(-1), ends[:-1])
        along = [
            torch.from_numpy(part).view_as(move) for part, move in zip(parts, moves, strict=True)
        ]
        second = torch.autograd.grad(gradients, moves, along, retain_graph=True)
        return torch.cat([part.flatten() for part in second]).numpy()

    count = int(ends[-1])
    hessian = LinearOperator((count, count), matvec=product, dtype=np.dtype(np.float64))
    start = np.random.default_rng(0).standard_normal(count)
    (largest,) = eigsh(
        hessian,
        k=1,
        which="LA",
        ncv=min(KEPT_VECTORS, count),
        tol=TOLERANCE,
        v0=start,
        return_eigenvectors=False,
    )
    return float(largest)


def _moves(descent: Descent, replica: int) -> list[Tensor]:
    """Zeros in the shape of every layer's weights; the input layer's act on coordinates."""
    network = descent.network
    directions = len(network.input_layer.geometry.train)
    input_layer = torch.zeros(network.hidden[0].initial.shape[-1], directions, dtype=torch.float64)
    others = [torch.zeros_like(weights) for weights in _weights(descent, replica)]
    return [move.requires_grad_(True) for move in (input_layer, *others)]


def _weights(descent: Descent, replica: int) -> list[Tensor]:
    """Of every layer after the input layer, float64."""
    layers = [layer for layer in descent.network.layers if isinstance(layer, DenseLayer)]
    if len(layers) < len(descent.network.layers):
        raise TypeError("lazy layers have no weights to move")
    return [layer.weights[replica].double() for layer in layers]


def _loss(descent: Descent, replica: int, moves: list[Tensor]) -> Tensor:
    """The training loss with every layer's weights moved."""
    network = descent.network
    first = network.hidden[0]
    preactivation = first.initial[replica] + first.change[replica]
    preactivation = preactivation + network.input_layer.geometry.train.T @ moves[0].T
    for weights, move in zip(_weights(descent, replica), moves[1:], strict=True):
        preactivation = network.activation.value(preactivation) @ (weights + move).T
    return descent.losses_of(preactivation[None])[0]
