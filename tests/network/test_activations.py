"""Activations against closed forms, their derivatives against autograd."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from builders import PLAIN_ACTIVATIONS

from infwidth.network.activations import ACTIVATIONS

SCHEMA = Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml"


def phi(h: float) -> float:
    """The standard normal distribution function, accurate in both tails."""
    return math.erfc(-h / math.sqrt(2)) / 2


def logistic(h: float) -> float:
    return 1 / (1 + math.exp(-h))


CLOSED_FORMS: dict[str, Callable[[float], float]] = {
    "tanh": lambda h: math.sinh(h) / math.cosh(h),
    "sigmoid": logistic,
    "silu": lambda h: h * logistic(h),
    "relu": lambda h: max(h, 0.0),
    "gelu": lambda h: h * phi(h),
    "erf": math.erf,
}
GRID = [*(x / 8 for x in range(-80, 81)), -500.0, -40.0, -1e-3, -1e-9, 1e-9, 1e-3, 40.0, 500.0]


def test_the_table_is_the_configs() -> None:
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    assert sorted(ACTIVATIONS) == sorted(schema["properties"]["activation"]["enum"])
    assert sorted(CLOSED_FORMS) == sorted(ACTIVATIONS)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_values_are_the_closed_forms(name: str) -> None:
    values = ACTIVATIONS[name].value(torch.tensor(GRID, dtype=torch.float64))
    expected = [CLOSED_FORMS[name](h) for h in GRID]
    # Absolute too: a tail may end in an exact 0 or 1 a little earlier or later.
    assert values.tolist() == pytest.approx(expected, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_features_are_as_exact_as_the_working_precision_has_use_for(name: str) -> None:
    h = torch.tensor(GRID, dtype=torch.float64)
    activation = ACTIVATIONS[name]
    kept = h.clone()
    assert torch.equal(activation.feature(h, torch.float64), activation.value(h))
    single = activation.feature(h[None, None], torch.float32)[0, 0]
    torch.testing.assert_close(single, activation.value(h), rtol=1e-15, atol=4e-16)
    assert single.dtype == torch.float64
    assert torch.equal(h, kept), "the pre-activations were overwritten"


@pytest.mark.parametrize("scale", [1e-7, 1e-3, 0.1])
@pytest.mark.parametrize("name", ["tanh", "erf", "silu", "gelu", "relu"])
def test_small_features_are_exact_beside_their_own_size_in_any_company(
    name: str, scale: float
) -> None:
    """The other replica is of order one."""
    torch.manual_seed(0)
    h = torch.randn(2, 4, 50, dtype=torch.float64)
    h[0] *= scale
    activation = ACTIVATIONS[name]
    company, alone = activation.feature(h, torch.float32), activation.feature(h[:1], torch.float32)
    expected = [[CLOSED_FORMS[name](float(entry)) for entry in row] for row in h[0]]
    exact = torch.tensor(expected, dtype=torch.float64)
    assert torch.equal(company[:1], alone)
    torch.testing.assert_close(alone[0], exact, rtol=1e-15, atol=0.0)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_derivatives_are_autograds(name: str) -> None:
    h = torch.tensor(GRID, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(PLAIN_ACTIVATIONS[name](h).sum(), h)
    h = h.detach()
    kept = h.clone()
    x = ACTIVATIONS[name].value(h)
    derivative = ACTIVATIONS[name].derivative(h, x)
    torch.testing.assert_close(derivative, expected, rtol=1e-10, atol=1e-14)
    assert torch.equal(h, kept), "the pre-activations were overwritten"
    assert torch.equal(x, ACTIVATIONS[name].value(kept)), "the features were overwritten"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_shape_precision_and_finiteness_are_kept(name: str, dtype: torch.dtype) -> None:
    h = torch.tensor([[-1e30, -1e4, 0.0], [1e-30, 1e4, 1e30]], dtype=dtype)
    x = ACTIVATIONS[name].value(h)
    for values in (x, ACTIVATIONS[name].derivative(h, x)):
        assert values.shape == h.shape
        assert values.dtype == dtype
        assert values.isfinite().all()
