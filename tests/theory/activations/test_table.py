"""The table of GOOD activations, and what is concluded from it."""

import math
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from formulas import GRID, OMEGA, PLAIN

from infwidth.files.tables import read_csv, write_csv
from infwidth.theory.activations.conditions import draws
from infwidth.theory.activations.function import Function
from infwidth.theory.activations.judge import findings
from infwidth.theory.activations.measure import COLUMNS, FORMULAS, good_table
from infwidth.theory.activations.names import PAPER


@cache
def table() -> pd.DataFrame:
    return good_table()


def row(activation: str) -> dict[str, object]:
    (found,) = table()[table()["activation"] == activation].to_dict("records")
    return {str(column): value for column, value in found.items()}


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
    assert verdicts(table()) == ["verified"] * 7
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
    assert verdicts(changed)[place] == "refuted"
    changed.loc[own, "good"] = "undetermined"
    assert verdicts(changed)[place] == "undetermined"
    assert set(verdicts(changed)[:place] + verdicts(changed)[place + 1 :]) == {"verified"}


def test_distinctness_needs_an_identity_of_a_good_activation() -> None:
    changed = table().copy()
    changed.loc[changed["good"] == "yes", "equal_frequencies_identity"] = ""
    assert verdicts(changed)[-1] == "refuted"
    assert verdicts(changed[changed["good"] == "no"])[-1] == "undetermined"
