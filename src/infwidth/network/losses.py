"""The losses, one row each: value per sample and gradient with respect to the outputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor


@dataclass(frozen=True)
class Loss:
    """A loss of the outputs f, shape (replicas, samples, classes), and one-hot targets.

    Attributes:
        per_sample: (f, targets) -> loss of each sample, shape (replicas, samples).
        gradient: (f, targets) -> d per_sample / d f, shape of f: the paper's error signal.
    """

    per_sample: Callable[[Tensor, Tensor], Tensor]
    gradient: Callable[[Tensor, Tensor], Tensor]


LOSSES: Mapping[str, Loss] = MappingProxyType(
    {
        "mse": Loss(
            per_sample=lambda f, targets: 0.5 * (f - targets).square().sum(dim=-1),
            gradient=lambda f, targets: f - targets,
        ),
        "cross_entropy": Loss(
            per_sample=lambda f, targets: torch.logsumexp(f, dim=-1) - (f * targets).sum(dim=-1),
            gradient=lambda f, targets: torch.softmax(f, dim=-1) - targets,
        ),
    }
)


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """One-hot rows of integer labels: shape (samples, classes), float64."""
    return torch.nn.functional.one_hot(labels, classes).to(torch.float64)


def accuracy(outputs: Tensor, labels: Tensor) -> Tensor:
    """Fraction of samples whose largest output is their label's, per replica."""
    return (outputs.argmax(dim=-1) == labels).to(torch.float64).mean(dim=-1)
