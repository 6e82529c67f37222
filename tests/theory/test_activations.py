"""GOOD activations: formulas, certificates, suprema in closed form, and planted violations."""

import math
from functools import cache, partial
from pathlib import Path
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import pytest
import torch
from builders import PLAIN_ACTIVATIONS

from infwidth.files.tables import read_csv, write_csv
from infwidth.network.activations import ACTIVATIONS
from infwidth.theory.activations import measure as activations
from infwidth.theory.activations.judge import findings
from infwidth.theory.activations.measure import (
    COLUMNS,
    FORMULAS,
    LEAST_RATIO,
    UNIT_ROUNDOFF,
    Function,
    certificate,
    constant_product,
    constant_sums,
    draws,
    good_table,
    points,
    relations,
    supremum,
    twice_differentiable,
)
from infwidth.theory.activations.names import PAPER

GRID = np.linspace(-9, 9, 240)  # without zero, where ReLU has no derivative
PLAIN = PLAIN_ACTIVATIONS | {
    "softplus": torch.nn.functional.softplus,
    "sin": torch.sin,
    "leaky_relu": torch.nn.functional.leaky_relu,
    "linear": torch.clone,
}
# (1 + φ)(φ' - 1) = -1, smooth and with bounded derivatives all the same.
OMEGA = "LambertW(exp(x))"
SELF_SIMILAR = "x*sin(2*pi*log(Abs(x))/log(2))"


@cache
def table() -> pd.DataFrame:
    return good_table()


def row(activation: str) -> dict[str, object]:
    (found,) = table()[table()["activation"] == activation].to_dict("records")
    return {str(column): value for column, value in found.items()}


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


ROOT = math.sqrt
SUPREMA = {
    "tanh": (1, 4 / (3 * ROOT(3))),
    "sigmoid": (1 / 4, 1 / (6 * ROOT(3))),
    "erf": (2 / ROOT(math.pi), 2 * ROOT(2 / (math.pi * math.e))),
    "gelu": (None, ROOT(2 / math.pi)),
    "silu": (None, 1 / 2),
    "softplus": (1, 1 / 4),
    "sin": (1, 1),
    "relu": (1, 0),
    "leaky_relu": (1, 0),
    "linear": (1, 0),
}


@pytest.mark.parametrize("name", SUPREMA)
def test_suprema_in_closed_form(name: str) -> None:
    found = row(name)
    for column, value in zip(
        ("sup_derivative", "sup_second_derivative"), SUPREMA[name], strict=True
    ):
        if value is not None:
            assert found[column] == pytest.approx(value, rel=1e-12), column
    assert str(found["bounds_method"]).startswith("limits")


def test_suprema_of_gelu_and_silu_lie_between_grid_points() -> None:
    for name, slope in (("gelu", 1.1289), ("silu", 1.0998)):
        h = np.linspace(0, 4, 400_001)
        found = Function.parse(FORMULAS[name]).derivative().values(h).max()
        assert row(name)["sup_derivative"] == pytest.approx(found, rel=1e-10)
        assert found == pytest.approx(slope, abs=1e-4)


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


@pytest.mark.parametrize("formula", ["Abs(sin(x))", "sqrt(x)"])
def test_formulas_that_cannot_be_checked(formula: str) -> None:
    with pytest.raises(ValueError, match=r"kinks at|not a real number"):
        supremum(Function.parse(formula))


def exact_sigma(columns: "mpmath.matrix") -> float:
    """The least singular value of columns less their means, over their norms, with 60 digits."""
    with mpmath.workdps(60):
        rows, count = columns.rows, columns.cols
        scaled = mpmath.matrix(rows, count)
        for column in range(count):
            values = [columns[row_, column] for row_ in range(rows)]
            centred = [value - mpmath.fsum(values) / rows for value in values]
            norm = mpmath.norm(centred)
            for row_ in range(rows):
                scaled[row_, column] = centred[row_] / norm
        squares = mpmath.eigsy(scaled.T * scaled, eigvals_only=True)
        return float(mpmath.sqrt(abs(min(squares))))


def random_columns(seed: int, offset: float, distance: float) -> "mpmath.matrix":
    """Three columns, the last `distance` off the span of the others and a constant."""
    rng = np.random.default_rng(seed)
    with mpmath.workdps(60):
        columns = mpmath.matrix(rng.standard_normal((20, 3)).tolist())
        for row_ in range(20):
            first, second, noise = (columns[row_, place] for place in range(3))
            columns[row_, 2] = first - 3 * second + mpmath.mpf(1) / 3 + distance * noise
            columns[row_, 0] = first + offset
        return columns


@pytest.mark.parametrize("offset", [0.0, 1e5])
@pytest.mark.parametrize("distance", [0.0, 1e-8, 1.0])
def test_the_bound_holds_against_exact_singular_values(offset: float, distance: float) -> None:
    for seed in range(4):
        exact = random_columns(seed, offset, distance)
        rounded = np.array(exact.tolist(), dtype=np.float64)
        found = certificate(rounded)
        assert abs(found.sigma_min - exact_sigma(exact)) <= found.bound
        assert found.independent == (distance > 0)
    assert found.bound < (1e-13 if offset == 0 else 1e-7)


def test_the_bound_is_the_one_stated() -> None:
    columns = np.random.default_rng(0).standard_normal((20, 2)) + np.array([0, 30])
    centred = columns - columns.mean(axis=0)
    scales = np.linalg.norm(centred, axis=0)
    ratio = np.linalg.norm(np.linalg.norm(columns, axis=0) / scales)
    largest = np.linalg.norm(centred / scales, 2)
    bound = (2 * 24 * ratio + 40 * largest) * UNIT_ROUNDOFF
    assert certificate(columns).bound == pytest.approx(bound, rel=1e-12)


def test_a_constant_column_is_not_independent() -> None:
    columns = np.random.default_rng(0).standard_normal((20, 2))
    columns[:, 1] = 1 / 3
    assert not certificate(columns).independent


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


def at(function: Function, b: float, point: Any) -> Any:
    return function.exact(b * point)


def test_a_constant_sum_may_leave_terms_out() -> None:
    """max(x, 0) with b = 1, -2, 4: the second term plays no part."""
    function = Function.parse("Max(x, 0)")
    terms = [partial(at, function, b) for b in (1, -2, 4)]
    where = points()
    columns = np.array([[float(term(mpmath.mpf(point))) for term in terms] for point in where])
    (relation,) = relations(terms, columns, where)
    assert relation.places == (0, 2)
    assert float(relation.coefficients[1]) == pytest.approx(-0.25)
    assert relation.constant == 0


def test_near_dependence_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside this, float64 has no digits left to tell sin from nothing; 50 digits have."""
    monkeypatch.setattr(activations, "draws", lambda: draws()[:2])
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


def test_omega_is_not_good_for_its_product_alone() -> None:
    (found,) = good_table({"omega": OMEGA}).to_dict("records")
    assert found["twice_differentiable"] == found["sums_independent"] == "yes"
    assert math.isfinite(found["sup_derivative"])
    assert found["good"] == "no"
    assert found["reason"] == found["product_counterexample"]
    h = np.linspace(-20, 20, 99)
    function = Function.parse(OMEGA)
    product = (1 + function.values(h)) * (-1 + function.derivative().values(h))
    np.testing.assert_allclose(product, -1, rtol=1e-12)


def test_the_table() -> None:
    assert tuple(table().columns) == COLUMNS
    good = {"tanh", "sigmoid", "silu", "erf", "gelu", "softplus", "sin"}
    assert set(table().loc[table()["good"] == "yes", "activation"]) == good
    assert set(table().loc[table()["good"] == "no", "activation"]) == set(FORMULAS) - good
    certified = table()["sums_independent"] == "yes"
    assert (table().loc[certified, "sums_margin"] > 1e6).all()
    assert (table().loc[certified, "draws"] == len(draws())).all()
    assert (table().loc[~certified, "sums_margin"] < 1).all()
    assert row("relu")["reason"] == (
        "φ′ does not exist at x = 0; 2φ(x) − φ(2x) = 0; r1 = 0, r2 = −1: (r1 + φ)(r2 + φ′) = 0"
    )
    assert row("leaky_relu")["product_nonconstant"] == "yes"
    assert {name: row(name)["paper"] for name in PAPER} == {
        "tanh": "GOOD", "sigmoid": "GOOD", "silu": "GOOD", "relu": "not GOOD",
    }  # fmt: skip
    assert row("erf")["paper"] == ""


def test_equal_frequencies_have_the_known_identities() -> None:
    found = {name: row(name)["equal_frequencies_identity"] for name in FORMULAS}
    assert found["tanh"] == found["erf"] == found["sin"] == "φ(x) + φ(−x) = 0"
    assert found["sigmoid"] == "φ(x) + φ(−x) = 1"
    assert found["silu"] == found["gelu"] == found["softplus"]
    assert found["silu"] == "2φ(x) − 2φ(−x) − φ(2x) + φ(−2x) = 0"
    assert found["relu"] == found["leaky_relu"] == ""
    h = torch.tensor(GRID)
    for name in ("silu", "gelu", "softplus"):
        phi = PLAIN[name]
        total = 2 * phi(h) - 2 * phi(-h) - phi(2 * h) + phi(-2 * h)
        torch.testing.assert_close(total, torch.zeros_like(h), rtol=0, atol=1e-14)


def verdicts(changed: pd.DataFrame) -> list[str]:
    return [finding.verdict for finding in findings(changed)]


def test_findings_hold_and_survive_a_file(tmp_path: Path) -> None:
    assert verdicts(table()) == ["holds"] * 7
    assert [finding.source for finding in findings(table())] == ["Assumption 4.3"] * 4 + [
        "here"
    ] * 3
    write_csv(table(), tmp_path / "activations.csv")
    assert findings(read_csv(tmp_path / "activations.csv")) == findings(table())


@pytest.mark.parametrize(
    ("place", "name"), [*enumerate(["tanh", "sigmoid", "silu", "relu", "erf"])]
)
def test_another_answer_turns_the_verdict(place: int, name: str) -> None:
    changed = table().copy()
    own = changed["activation"] == name
    changed.loc[own, "good"] = "yes" if name == "relu" else "no"
    assert verdicts(changed)[place] == "fails"
    changed.loc[own, "good"] = "undetermined"
    assert verdicts(changed)[place] == "undetermined"
    assert set(verdicts(changed)[:place] + verdicts(changed)[place + 1 :]) == {"holds"}


def test_distinctness_needs_an_identity_of_a_good_activation() -> None:
    changed = table().copy()
    changed.loc[changed["good"] == "yes", "equal_frequencies_identity"] = ""
    assert verdicts(changed)[-1] == "fails"
    assert verdicts(changed[changed["good"] == "no"])[-1] == "undetermined"
