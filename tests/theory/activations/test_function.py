"""Formulas against PyTorch's functions, and those that cannot be checked."""

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
import torch
from formulas import GRID, PLAIN

from infwidth.network.activations import ACTIVATIONS
from infwidth.theory.activations.function import Function
from infwidth.theory.activations.measure import FORMULAS


def apart(formula: str, name: str) -> float:
    """How far a formula and its derivative are from PyTorch's function, at most."""
    function = Function.parse(formula)
    h = torch.tensor(GRID, requires_grad=True)
    value = PLAIN[name](h)
    (slope,) = torch.autograd.grad(value.sum(), h)
    values = np.abs(function.values(GRID) - value.detach().numpy())
    slopes = np.abs(function.derivative().values(GRID) - slope.numpy())
    return float(max(values.max(), slopes.max()))


def test_every_activation_has_its_formula() -> None:
    assert set(ACTIVATIONS) <= set(FORMULAS)
    assert set(FORMULAS) == set(PLAIN)


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_are_those_of_pytorch(name: str) -> None:
    assert apart(FORMULAS[name], name) < 1e-14
    function = Function.parse(FORMULAS[name])
    exact = [float(function.exact(mpmath.mpf(point))) for point in GRID[::20]]
    np.testing.assert_allclose(exact, function.values(GRID[::20]), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("gelu", "x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2"),
        ("sigmoid", "1/(1 + exp(x))"),
        ("silu", "x/(1 + exp(-1.001*x))"),
        ("leaky_relu", "Max(x, x/99)"),
        ("relu", "Max(-x, 0)"),
    ],
)
def test_wrong_formulas_are_seen(name: str, wrong: str) -> None:
    assert apart(wrong, name) > 1e-4


@pytest.mark.parametrize("formula", ["Abs(sin(x))", "sqrt(x)"])
def test_formulas_that_cannot_be_checked(formula: str) -> None:
    with pytest.raises(ValueError, match=r"kinks at|not a real number"):
        Function.parse(formula)
