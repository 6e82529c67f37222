"""The precisions of products with the weights, one row each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import torch


@dataclass(frozen=True)
class Precision:
    """A working precision.

    Attributes:
        dtype: of the weights.
        unit_roundoff: half the distance between 1 and the next number that a product keeps.
        matmul: PyTorch's name for the float32 products allowed.
    """

    dtype: torch.dtype
    unit_roundoff: float
    matmul: str = "highest"


PRECISIONS: Mapping[str, Precision] = MappingProxyType(
    {
        "float32": Precision(torch.float32, 2.0**-24),
        "tf32": Precision(torch.float32, 2.0**-11, matmul="high"),
        "float64": Precision(torch.float64, 2.0**-53),
    }
)


@contextmanager
def full_float32() -> Iterator[None]:
    """Products of float32 numbers as exact as float32 allows, whatever the precision."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def precision_on(device: torch.device, name: str) -> Precision:
    """What a device makes of a precision: where there is no tf32, products are float32's.

    There nothing else is allowed either: what "high" allows on a CPU differs between CPUs.
    """
    if name == "tf32" and not (device.type == "cuda" and torch.cuda.is_tf32_supported()):
        name = "float32"
    return PRECISIONS[name]
