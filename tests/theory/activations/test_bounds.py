"""Derivatives that are missing, and suprema, of functions with kinks."""

import math

import pytest
from formulas import OMEGA, SELF_SIMILAR

from infwidth.theory.activations.bounds import supremum, twice_differentiable
from infwidth.theory.activations.function import Function


@pytest.mark.parametrize(
    ("formula", "answer", "first", "second"),
    [
        ("Abs(x)**(3/2)", "no", math.inf, math.inf),
        ("x**2", "yes", math.inf, 2),
        ("Abs(x)**3", "yes", math.inf, math.inf),
        ("x*Abs(x)", "no", math.inf, 2),
        ("Abs(x - 2)", "no", 1, 0),
        ("Piecewise((0, x < 0), (x**3, x < 1), (3*x - 2, True))", "no", 3, 6),
        ("Piecewise((0, x < 0), (x**3, x < 1), (3*x**2 - 3*x + 1, True))", "yes", math.inf, 6),
        ("Max(x, Min(2*x, 3))", "no", 2, 0),
        ("sign(x)", "no", 0, 0),
        ("sin(x**2)", "yes", math.inf, math.inf),
        (SELF_SIMILAR, "undetermined", None, math.inf),
        (OMEGA, "yes", 1, 4 / 27),
    ],
)
def test_kinks_and_bounds(formula: str, answer: str, first: float | None, second: float) -> None:
    function = Function.parse(formula)
    slope = function.derivative()
    assert twice_differentiable(function)[0] == answer
    if first is not None:
        assert supremum(slope)[0] == pytest.approx(first, rel=1e-7)
    assert supremum(slope.derivative())[0] == pytest.approx(second, rel=1e-7)


@pytest.mark.parametrize(
    ("formula", "answer", "why"),
    [
        ("sign(x)", "no", "φ does not exist at x = 0"),
        ("Abs(x - 2)", "no", "φ′ does not exist at x = 2"),
        ("x**2*sin(1/x)", "no", "φ″ does not exist at x = 0"),
        ("x**3*Abs(x)*sin(1/x)", "undetermined", "no limits of φ or its derivatives at x = 0"),
    ],
)
def test_which_derivative_is_missing(formula: str, answer: str, why: str) -> None:
    """φ' of x² sin(1/x) is there, but not continuous; φ'' of the last is as well."""
    assert twice_differentiable(Function.parse(formula)) == (answer, why)
