"""Constant sums and products: those that are planted, and one that is not believed."""

import numpy as np
import pytest
from formulas import SELF_SIMILAR

from infwidth.theory.activations import conditions
from infwidth.theory.activations.conditions import (
    LEAST_RATIO,
    constant_product,
    constant_sums,
    draws,
)
from infwidth.theory.activations.function import Function


def test_draws_are_as_asked_for() -> None:
    tried = draws()
    assert {len(b) for b, _ in tried} == {2, 3, 4}
    for b, c in tried:
        sizes = np.sort(np.abs(b))
        assert len(b) == len(c)
        assert (sizes[1:] / sizes[:-1] >= LEAST_RATIO).all()
    unshifted = [not any(c) for _, c in tried]
    assert 0.4 < np.mean(unshifted) < 0.7
    signs = {np.sign(b).sum() == len(b) for b, _ in tried}
    assert signs == {True, False}


@pytest.mark.parametrize(
    ("formula", "sum_"),
    [
        ("3*x + 2", "2φ(x) − φ(2x) = 2"),
        ("x**2", "4φ(x) − φ(2x) = 0"),
        (SELF_SIMILAR, "2φ(x) − φ(2x) = 0"),
        ("1", "φ(x) = 1"),
    ],
)
def test_constant_sums_are_found(formula: str, sum_: str) -> None:
    found = constant_sums(Function.parse(formula))
    assert (found.independent, found.counterexample) == ("no", sum_)
    assert found.margin < 1


def test_near_dependence_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside this, float64 has no digits left to tell sin from nothing; 50 digits have."""
    monkeypatch.setattr(conditions, "draws", lambda: draws()[:2])
    found = constant_sums(Function.parse("x + sin(x)/10**17"))
    assert found.independent == "undetermined"
    assert (found.draws, found.counterexample) == (2, "")
    product = constant_product(Function.parse("x + sin(x)/10**17"))
    assert (product.nonconstant, product.counterexample) == ("undetermined", "")


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("Max(x, 0)", "r1 = 0, r2 = −1: (r1 + φ)(r2 + φ′) = 0"),
        ("x", "r1 = 0, r2 = −1: (r1 + φ)(r2 + φ′) = 0"),
        ("2*LambertW(exp(x/2)) + 3", "r1 = −1, r2 = −1: (r1 + φ)(r2 + φ′) = −2"),
    ],
)
def test_constant_products_are_found(formula: str, words: str) -> None:
    found = constant_product(Function.parse(formula))
    assert (found.nonconstant, found.counterexample) == ("no", words)
