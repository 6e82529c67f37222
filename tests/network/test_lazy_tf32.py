"""Lazy layers under `precision: tf32`, whose products are emulated: no GPU is needed.

Where PyTorch is allowed to, operands of float32 products are rounded to the 10 bits of tf32.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from builders import dataset, recipe
from lazy_layers import check_close, start, start_on_known_weights, training
from torch import Tensor
from torch.overrides import TorchFunctionMode

from infwidth.network.layers.directions import ORTHOGONAL, Basis
from infwidth.network.precision import PRECISIONS, full_float32
from infwidth.schemes import SCHEMES
from infwidth.training import train as module
from infwidth.training.train import train

# Products by name, and which of their arguments are multiplied.
PRODUCTS = {
    **dict.fromkeys(("matmul", "__matmul__", "__rmatmul__", "mm", "bmm"), (0, 1)),
    **dict.fromkeys(("addmm", "addmm_", "baddbmm", "baddbmm_"), (1, 2)),
}
DROPPED_BITS = 13


def rounded(number: Any) -> Any:
    """To the nearest of 10 mantissa bits."""
    if not isinstance(number, Tensor) or number.dtype != torch.float32:
        return number
    bits = number.contiguous().view(torch.int32)
    kept = (bits + (1 << (DROPPED_BITS - 1))) >> DROPPED_BITS << DROPPED_BITS
    return kept.view(torch.float32)


class Tf32(TorchFunctionMode):
    """Rounds the operands of float32 products unless they are asked for in full."""

    count = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        places = PRODUCTS.get(getattr(func, "__name__", ""), ())
        if places and torch.get_float32_matmul_precision() != "highest":
            self.count += 1
            args = [rounded(arg) if at in places else arg for at, arg in enumerate(args)]
        return func(*args, **(kwargs or {}))


@pytest.fixture
def tf32() -> Iterator[Tf32]:
    """Emulated where allowed, and allowed."""
    torch.set_float32_matmul_precision("high")
    with Tf32() as mode:
        yield mode
    torch.set_float32_matmul_precision("highest")


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_emulation_rounds_as_tf32_does(tf32: Tf32) -> None:
    a, b = normal(40, 50, seed=0), normal(50, 30, seed=1)
    exact = a.double() @ b.double()
    with full_float32():
        assert float((a @ b - exact).abs().max()) < 1e-4
    assert 1e-3 < float((a @ b - exact).abs().max()) < 3e-2
    assert float((rounded(a) / a - 1).abs().max()) <= 2.0**-11
    assert torch.get_float32_matmul_precision() == "high"


@pytest.mark.parametrize("width", [256, 2048])
def test_a_basis_is_orthonormal_to_float32(tf32: Tf32, width: int) -> None:
    basis = Basis(width, torch.empty(0))
    for seed in range(4):
        assert len(basis.extend(normal(40, width, seed=seed))) == 40
    inside = basis.all[:8] - 2 * basis.all[8:16]
    assert float(basis.split(inside)[1].abs().max()) < 1e-6
    rows = basis.all.double()
    defect = float((rows @ rows.T - torch.eye(len(rows))).abs().max())
    assert defect <= ORTHOGONAL * torch.finfo(torch.float32).eps


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_training_on_a_known_matrix_is_the_dense_one_to_the_digits_of_tf32(
    scheme: str, tf32: Tf32
) -> None:
    how = recipe(layer="dense", precision="tf32", steps=12)
    dense, lazy = start(scheme, how), start_on_known_weights(scheme, how, 1e-3)
    list(training([lazy], scheme, how))
    assert tf32.count > 100
    with full_float32():
        list(training([dense], scheme, how))
    assert not torch.equal(lazy.outputs, dense.outputs)
    check_close(lazy.outputs, dense.outputs, 1e-2)
    for ours, exact in zip(lazy.hidden, dense.hidden, strict=True):
        check_close(ours.change, exact.change, 1e-2)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4])
def test_a_drawn_training_ends_and_learns(
    tolerance: float, tf32: Tf32, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At tolerances below tf32's rounding, too."""
    # As where there is tf32.
    monkeypatch.setattr(module, "precision_on", lambda device, name: PRECISIONS[name])
    how = recipe(layer="lazy", precision="tf32", steps=40, lazy_tolerance=tolerance)
    record = train(dataset(16, 40, 4), SCHEMES["µP"], 256, [0, 1], how)
    assert tf32.count > 100
    assert not record.diverged
    assert bool((record.curves["train_loss"][-1] < 0.5 * record.curves["train_loss"][0]).all())
