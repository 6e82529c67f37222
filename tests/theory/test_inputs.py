"""Assumption 4.1: the arithmetic, the violations made on purpose, what they break, the verdicts."""

from functools import cache
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from builders import both, dataset, recipe

from infwidth.files.tables import read_csv, write_csv
from infwidth.schemes import SCHEMES
from infwidth.theory.inputs.draw import draw
from infwidth.theory.inputs.judge import STATEMENTS, broken, findings
from infwidth.theory.inputs.measure import (
    SEPARATION_COLUMNS,
    VIOLATION_COLUMNS,
    VIOLATIONS,
    mirror_sum,
    separation,
    violating,
    violations,
)

DATA = dataset(6, 12, 1)
HOW = recipe(steps=8)
ACTIVATIONS = ("tanh", "sigmoid", "silu")
PLACES = ("h1", "x1", "h2", "x2", "h3", "x3")


@cache
def trained() -> pd.DataFrame:
    return violations(DATA, 48, range(2), HOW, ACTIVATIONS)


def verdicts(table: pd.DataFrame, separated: pd.DataFrame | None = None) -> dict[str, str]:
    found = findings(separation(DATA.train_inputs) if separated is None else separated, table)
    names = {statement: violation for violation, statement in STATEMENTS.items()}
    return {names.get(finding.statement, "inputs"): finding.verdict for finding in found}


def triple_loop(vectors: np.ndarray) -> tuple[float, float]:
    products = [[abs(float(np.dot(a, b))) for b in vectors] for a in vectors]
    pairs = permutations(range(len(vectors)), 2)
    triples = permutations(range(len(vectors)), 3)
    least = min(products[i][j] for i, j in pairs)
    gap = min((abs(products[i][j] - products[i][k]) for i, j, k in triples), default=np.nan)
    return least, gap


def test_separation_is_that_of_a_triple_loop() -> None:
    vectors = dataset(14, 5, 1).train_inputs
    table = separation(vectors)
    assert tuple(table.columns) == SEPARATION_COLUMNS
    assert list(table["samples"]) == list(range(2, 15))
    measured = table[["least_inner_product", "least_gap"]].to_numpy()
    for count, row in zip(range(2, 15), measured, strict=True):
        np.testing.assert_allclose(row, triple_loop(vectors[:count]), rtol=1e-9)
    # Nothing in a sum of 5 products can be off by more than this.
    np.testing.assert_allclose(table["resolution"], 5 * 2.0**-53, rtol=1e-12)


def test_the_gap_may_be_that_of_an_old_centre_or_of_the_new_input() -> None:
    """Products 0.6, 0.6 with a first, then a last input."""
    across = np.array([[1, 0, 0], [0.6, 0.8, 0], [0.6, 0, 0.8]])
    for order in ((0, 1, 2), (1, 2, 0), (1, 0, 2)):
        assert separation(across[list(order)])["least_gap"].iloc[-1] < 1e-15


@pytest.mark.parametrize(
    ("violation", "product", "gap", "verdict"),
    [
        ("none", True, True, "verified"),
        ("duplicate", True, False, "refuted"),
        ("negated", True, False, "refuted"),
        ("two negated pairs", True, False, "refuted"),
        ("orthogonal", False, True, "undetermined"),
        ("equal", True, False, "undetermined"),
    ],
)
def test_violations_violate_what_they_say(
    violation: str, product: bool, gap: bool, verdict: str
) -> None:
    changed = violating(DATA, violation)
    np.testing.assert_allclose(np.linalg.norm(changed.train_inputs, axis=1), 1, rtol=1e-14)
    np.testing.assert_array_equal(changed.train_labels, DATA.train_labels)
    np.testing.assert_array_equal(changed.train_inputs[4:], DATA.train_inputs[4:])
    table = separation(changed.train_inputs)
    last = table.iloc[-1]
    assert (last["least_inner_product"] > last["resolution"]) == product
    assert (last["least_gap"] > 2 * last["resolution"]) == gap
    assert verdicts(trained(), table)["inputs"] == verdict


def test_the_turned_input_stays_in_its_plane() -> None:
    changed = violating(DATA, "equal").train_inputs
    assert changed[0] @ changed[2] == pytest.approx(float(changed[0] @ changed[1]), rel=1e-13)
    plane = np.stack([DATA.train_inputs[0], DATA.train_inputs[2], changed[2]])
    assert np.linalg.svd(plane, compute_uv=False)[-1] < 1e-15


@pytest.mark.parametrize(
    ("activation", "sum_"),
    [("tanh", 0), ("erf", 0), ("sigmoid", 1), ("silu", np.nan), ("gelu", np.nan), ("relu", np.nan)],
)
def test_mirror_sums(activation: str, sum_: float) -> None:
    np.testing.assert_equal(mirror_sum(activation), float(sum_))


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_eigenvalues_are_those_of_a_plain_network(violation: str) -> None:
    width, seed = 48, 1
    data = violating(DATA, violation)
    how = recipe(steps=8, activation="sigmoid")
    _, (plain,) = both(data, SCHEMES["µP"], width, (seed,), how)
    vectors, labels = torch.as_tensor(data.train_inputs), torch.as_tensor(data.train_labels)
    for _ in range(how.steps):
        plain.step(vectors, labels)
    with torch.no_grad():
        hidden, _ = plain.forward(vectors)
    rows = trained()
    chosen = (rows["violation"] == violation) & (rows["activation"] == "sigmoid")
    last = rows[chosen & (rows["seed"] == seed) & (rows["step"] == how.steps)]
    assert len(last) == len(PLACES)
    for layer, preactivation in enumerate(hidden, 1):
        for kind, feature in (("h", preactivation), ("x", torch.sigmoid(preactivation))):
            gram = (feature.T @ feature).numpy() / width
            row = last[(last["layer"] == layer) & (last["kind"] == kind)].iloc[0]
            assert row["mean_eig"] == pytest.approx(np.trace(gram) / 6, rel=1e-9)
            least = np.linalg.eigvalsh(gram)[0]
            assert row["min_eig"] == pytest.approx(least, rel=1e-6, abs=1e-14 * row["mean_eig"])


def test_table_has_its_columns_and_survives_a_file(tmp_path: Path) -> None:
    table = trained()
    assert tuple(table.columns) == VIOLATION_COLUMNS
    assert set(table["step"]) == {0, HOW.steps}
    assert not table.duplicated(["violation", "activation", "seed", "step", "layer", "kind"]).any()
    assert set(table.loc[table["odd"], "activation"]) == {"tanh"}
    assert (table.loc[table["step"] == HOW.steps, "feature_change"] > 1e-3).all()
    write_csv(table, tmp_path / "violations.csv")
    write_csv(separation(DATA.train_inputs), tmp_path / "separation.csv")
    read = read_csv(tmp_path / "separation.csv"), read_csv(tmp_path / "violations.csv")
    assert findings(*read) == findings(separation(DATA.train_inputs), table)


def test_what_is_broken() -> None:
    everything, nothing = set(PLACES), set[str]()
    gone = {
        "none": (nothing, nothing, nothing),
        "duplicate": (everything, everything, everything),
        "negated": (everything, {"h1"}, {"h1"}),
        "two negated pairs": (everything, {"h1", "x1", "h2"}, {"h1"}),
        "orthogonal": (nothing, nothing, nothing),
        "equal": (nothing, nothing, nothing),
    }
    table = broken(trained()).set_index(["violation", "activation"])
    assert tuple(table.columns) == PLACES
    for violation, each in gone.items():
        for activation, places in zip(ACTIVATIONS, each, strict=True):
            words = {p: "dependent" if p in places else "independent" for p in PLACES}
            (row,) = table.loc[[(violation, activation)]].to_dict("records")
            assert row == words


def test_every_statement_holds_in_real_trainings() -> None:
    assert verdicts(trained()) == {"inputs": "verified"} | dict.fromkeys(VIOLATIONS, "verified")


def of(table: pd.DataFrame, **values: object) -> "pd.Series[bool]":
    chosen = pd.Series(True, index=table.index)
    for column, value in values.items():
        chosen &= table[column] == value
    return chosen


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_one_feature_out_of_line_turns_the_verdict(violation: str) -> None:
    """The last layer's x, after training, in both seeds, of the one activation."""
    table = trained().copy()
    rows = of(table, violation=violation, activation="tanh", layer=3, kind="x", step=HOW.steps)
    was_dependent = bool((table.loc[rows, "min_eig"] <= table.loc[rows, "resolution"]).all())
    table.loc[rows, "min_eig"] = 1e-3 if was_dependent else 0.0
    found = verdicts(table)
    assert found.pop(violation) == "refuted"
    assert set(found.values()) == {"verified"}
    cell = broken(table).set_index(["violation", "activation"]).loc[(violation, "tanh"), "x3"]
    states = ["dependent", "independent"] if was_dependent else ["independent", "dependent"]
    assert cell == ", then ".join(states)
    text = next(
        f.evidence
        for f in findings(separation(DATA.train_inputs), table)
        if f.statement == STATEMENTS[violation]
    )
    assert f"; but tanh x3 is {cell}" in text


@pytest.mark.parametrize("violation", VIOLATIONS)
@pytest.mark.parametrize("how", ["one seed", "between", "diverged"])
def test_what_is_not_clear_is_undetermined(violation: str, how: str) -> None:
    table = trained().copy()
    rows = of(table, violation=violation, activation="silu", layer=2, kind="h", step=0)
    if how == "one seed":
        rows &= table["seed"] == 0
        dependent = table.loc[rows, "min_eig"] <= table.loc[rows, "resolution"]
        table.loc[rows, "min_eig"] = np.where(dependent, 1e-3, 0.0)
    else:
        factor = 3.0 if how == "between" else np.nan
        table.loc[rows, "min_eig"] = factor * table.loc[rows, "resolution"]
    assert verdicts(table)[violation] == "undetermined"


def test_a_failure_is_not_hidden_by_what_is_not_clear() -> None:
    table = trained().copy()
    silu = of(table, violation="duplicate", activation="silu", layer=1, kind="h", step=0)
    table.loc[silu, "min_eig"] = np.nan
    tanh = of(table, violation="duplicate", activation="tanh", layer=1, kind="h", step=0)
    table.loc[tanh, "min_eig"] = 1e-3
    assert verdicts(table)["duplicate"] == "refuted"


@pytest.mark.parametrize(
    ("activation", "undetermined"),
    [("tanh", {"negated"}), ("sigmoid", {"two negated pairs"}), ("silu", set[str]())],
)
def test_a_statement_on_kinds_of_activations_needs_them(
    activation: str, undetermined: set[str]
) -> None:
    found = verdicts(trained()[trained()["activation"] != activation])
    assert {name for name, said in found.items() if said == "undetermined"} == undetermined
    assert "refuted" not in found.values()


def test_figure_shows_both_tables() -> None:
    separated, table = separation(DATA.train_inputs), trained()
    drawn = draw(separated, table)
    left, right = drawn.axes[:2]
    curves = [np.asarray(line.get_ydata()) for line in left.lines]
    for column in ("least_inner_product", "least_gap", "resolution"):
        values = separated[column].to_numpy()
        assert any(len(c) == len(values) and np.allclose(c, values, equal_nan=True) for c in curves)
    red = (broken(table)[[*PLACES]] == "dependent").to_numpy()
    assert len(right.patches) == red.sum() == 18 + 8 + 10
    array = right.images[0].get_array()
    assert array is not None
    np.testing.assert_array_equal(np.ma.getmaskarray(array), red)
    rows = of(table, violation="none", activation="silu", layer=2, kind="h", step=HOW.steps)
    mean = np.exp(np.log(table.loc[rows, "min_eig"] / table.loc[rows, "mean_eig"]).mean())
    assert array[2, 2] == pytest.approx(mean)
