"""The activations φ and their derivatives, one row each."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

# From this root mean square of h on, absolute errors of `faster` are under the roundings that
# `infwidth.measures.spectra` allows features of that size.
SMALL = 0.25


@dataclass(frozen=True)
class Activation:
    """An entrywise activation.

    Attributes:
        value: h -> φ(h).
        derivative: (h, φ(h)) -> φ'(h); φ(h) is at hand in every backward pass and often makes
            the derivative cheap.
        faster: h -> φ(h) for float64 h, with an absolute error of a few 1e-16 instead of a
            relative one: enough for what goes into products in float32, as long as h is not `SMALL`
            as a whole. None: there is no such.
    """

    value: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor, Tensor], Tensor]
    faster: Callable[[Tensor], Tensor] | None = None

    def feature(self, h: Tensor, dtype: torch.dtype) -> Tensor:
        """φ(h) of float64 h, as exactly as work in precision `dtype` has use for.

        Args:
            h: shape (R, samples, units); no replica's φ(h) depends on the others.
            dtype: the working precision.
        """
        # A GPU would have to wait for the sizes to be known, and gains nothing.
        if self.faster is None or dtype == torch.float64 or h.is_cuda:
            return self.value(h)
        small = torch.linalg.vector_norm(h, dim=(-2, -1)) < SMALL * math.sqrt(h[0].numel())
        if bool(small.all()):
            return self.value(h)
        x = self.faster(h)
        if bool(small.any()):
            x[small] = self.value(h[small])
        return x


def _tanh_through_sigmoid(h: Tensor) -> Tensor:
    # On some CPUs torch's sigmoid takes two fifths of the time of its tanh, in float64.
    return torch.sigmoid(2 * h).mul_(2).sub_(1)


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
        "tanh": Activation(torch.tanh, lambda h, x: 1 - x * x, _tanh_through_sigmoid),
        "sigmoid": Activation(torch.sigmoid, lambda h, x: x * (1 - x)),
        "silu": Activation(torch.nn.functional.silu, _silu_derivative),
        "relu": Activation(torch.relu, lambda h, x: (h > 0).to(h.dtype)),
        "gelu": Activation(lambda h: h * torch.special.ndtr(h), _gelu_derivative),
        "erf": Activation(torch.erf, lambda h, x: torch.exp(-h * h).mul_(2 / math.sqrt(math.pi))),
    }
)
