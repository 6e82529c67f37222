"""The activations φ and their derivatives, one row each."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor


@dataclass(frozen=True)
class Activation:
    """An entrywise activation.

    Attributes:
        value: h -> φ(h).
        derivative: (h, φ(h)) -> φ'(h); φ(h) is at hand in every backward pass and often makes
            the derivative cheap.
    """

    value: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor, Tensor], Tensor]


def _gelu_derivative(h: Tensor, x: Tensor) -> Tensor:
    density = torch.exp(-0.5 * h * h).div_(math.sqrt(2 * math.pi))
    slope: Tensor = torch.special.ndtr(h) + h * density
    return slope


def _silu_derivative(h: Tensor, x: Tensor) -> Tensor:
    gate = torch.sigmoid(h)
    return gate + x * (1 - gate)


# ReLU's derivative at 0 is taken as 0. GELU is the exact one, h Φ(h).
ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        "tanh": Activation(torch.tanh, lambda h, x: 1 - x * x),
        "sigmoid": Activation(torch.sigmoid, lambda h, x: x * (1 - x)),
        "silu": Activation(torch.nn.functional.silu, _silu_derivative),
        "relu": Activation(torch.relu, lambda h, x: (h > 0).to(h.dtype)),
        "gelu": Activation(lambda h: h * torch.special.ndtr(h), _gelu_derivative),
        "erf": Activation(torch.erf, lambda h, x: torch.exp(-h * h).mul_(2 / math.sqrt(math.pi))),
    }
)
