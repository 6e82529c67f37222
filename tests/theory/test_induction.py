"""The induction: families against a plain network, planted failures, error rates, verdicts."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from builders import both, dataset, recipe
from matplotlib.figure import Figure

from infwidth.network.activations import ACTIVATIONS
from infwidth.schemes import SCHEMES
from infwidth.theory.induction import testing
from infwidth.theory.induction.chain import TRAINING_STEPS, Family, chain
from infwidth.theory.induction.draw import draw
from infwidth.theory.induction.judge import (
    BROKEN,
    LEVEL,
    findings,
    independent,
    rejected,
    should_fail,
    states,
)
from infwidth.theory.induction.measure import CASES, COLUMNS, TEST_COLUMNS, induction_tables
from infwidth.theory.induction.names import (
    CONSTANT_SUM,
    DUPLICATE,
    FEATURES,
    GAUSSIAN,
    GAUSSIAN_BACKWARD,
    GAUSSIANITY,
    INDEPENDENCE,
    LINEAR,
    LINEAR_ONE_LABEL,
    PREACTIVATIONS,
    REGULAR,
    SIGNALS,
)
from infwidth.theory.induction.testing import PERMUTATIONS, gaussianity, independence

DATA = dataset(5, 24, 1, classes=6)
HOW = recipe(steps=8)
WIDTHS = (64, 128, 256, 512)


@cache
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    return induction_tables(DATA, WIDTHS, 3, 2, HOW)


def verdicts(table: pd.DataFrame, tests: pd.DataFrame) -> dict[str, str]:
    """By step of the proof, kind of test, or broken hypothesis."""
    names = [PREACTIVATIONS, SIGNALS, FEATURES]
    keys = {text: case for case, text in BROKEN.items()}
    told = {}
    for place, finding in enumerate(findings(table, tests)):
        key = keys.get(finding.statement, str(place))
        told[key] = finding.verdict
    order = (
        GAUSSIAN,
        PREACTIVATIONS,
        FEATURES,
        SIGNALS,
        GAUSSIAN_BACKWARD,
        INDEPENDENCE,
        GAUSSIANITY,
    )
    assert set(names) < set(order)
    return {order[int(key)] if key.isdigit() else key: value for key, value in told.items()}


def test_families_are_those_of_a_plain_network() -> None:
    """h, x and dh from autograd on dense weights; Ẑ within what is exact of W_0 v."""
    width, seed = 48, 1
    seen = chain(DATA, width, seed, HOW)
    _, (plain,) = both(DATA, SCHEMES["µP"], width, (seed,), HOW)
    inputs, labels = torch.as_tensor(DATA.train_inputs), torch.as_tensor(DATA.train_labels)
    start: list[np.ndarray] = []
    expected: dict[tuple[str, int], list[np.ndarray]] = {}
    for step in range(TRAINING_STEPS + 1):
        for weights in plain.weights:
            weights.requires_grad_(True)
        hidden, outputs = plain.forward(inputs)
        signals = torch.autograd.grad(plain.losses(outputs, labels).mean(), hidden)
        values = [each.detach().numpy().T for each in hidden]
        start = start or values
        for layer, (h, first, dh) in enumerate(zip(values, start, signals, strict=True), 1):
            moved = (h - first, np.tanh(h) - np.tanh(first)) if step else (h, np.tanh(h))
            expected.setdefault((PREACTIVATIONS, layer), []).append(moved[0])
            expected.setdefault((FEATURES, layer), []).append(moved[1])
            expected.setdefault((SIGNALS, layer), []).append(dh.numpy().T)
        plain.step(inputs, labels)
    for family in seen.families:
        if family.proof in (GAUSSIAN, GAUSSIAN_BACKWARD):
            continue
        vectors = np.concatenate(expected[family.proof, family.layer][: family.training_step + 1])
        np.testing.assert_allclose(family.vectors, vectors, rtol=1e-5, atol=1e-9)
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        slow = np.linalg.eigvalsh(unit @ unit.T)[0]
        value, resolution = family.least_eigenvalue()
        assert value == pytest.approx(slow, rel=1e-3, abs=1e-12)
        assert resolution < 1e-12


def test_the_order_is_that_of_the_proof() -> None:
    places = [(each.proof, each.layer) for each in chain(DATA, 32, 0, HOW).families]
    once = [
        (PREACTIVATIONS, 1), (FEATURES, 1), (GAUSSIAN, 2), (PREACTIVATIONS, 2), (FEATURES, 2),
        (GAUSSIAN, 3), (PREACTIVATIONS, 3), (FEATURES, 3), (SIGNALS, 3), (GAUSSIAN_BACKWARD, 3),
        (SIGNALS, 2), (GAUSSIAN_BACKWARD, 2),
    ]  # fmt: skip
    assert places == once * (TRAINING_STEPS + 1)


def test_innovations_are_new_and_what_is_held_is_all_before() -> None:
    seen = chain(DATA, 64, 0, HOW)
    first = seen.innovations[0]
    assert (first.training_step, first.layer, first.direction) == (0, 3, "backward")
    # h of layer 2, and the Gaussian part of W_0 x_0 that it is.
    assert first.held.shape == (10, 64)
    for each in seen.innovations:
        assert each.news.shape[0] <= 5
        # Nothing of the news lies within what is held of signals or features looked at before.
        assert each.held.shape[0] % 5 == 0
    last = seen.innovations[-1]
    assert (last.training_step, last.layer, last.direction) == (TRAINING_STEPS, 2, "backward")


def test_dependence_under_the_resolution_is_not_told_from_zero() -> None:
    *vectors_, apart = np.random.default_rng(0).standard_normal((5, 50))
    vectors = np.array(vectors_)
    vectors[3] = vectors[0] + 1e-12 * apart
    value, resolution = Family(1, FEATURES, 1, "forward", vectors).least_eigenvalue()
    assert value <= resolution
    vectors[3] = vectors[0] + 1e-6 * apart
    value, resolution = Family(1, FEATURES, 1, "forward", vectors).least_eigenvalue()
    assert value > 100 * resolution
    assert Family(0, FEATURES, 1, "forward", 0 * vectors).least_eigenvalue() == (0.0, 0.0)


def test_independence_is_rejected_at_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """20 of 400 expected at 0.05, 41 or more once in 10^5; p-values are exact."""
    monkeypatch.setattr(testing, "PERMUTATIONS", 99)
    rng = np.random.default_rng(1)
    p_values = []
    for _ in range(400):
        # Far from Gaussian, and dependent among themselves.
        held = rng.standard_cauchy((2, 30)) * rng.exponential(size=30)
        p_values.append(independence(rng.standard_normal((2, 30)), held, rng)[1])
    assert 5 <= sum(p <= 0.05 for p in p_values) <= 40


@pytest.mark.parametrize(
    "planted", [lambda held: held, lambda held: held**2, lambda held: np.abs(held)]
)
def test_a_planted_dependence_is_found(planted: object) -> None:
    rng = np.random.default_rng(2)
    held, news = rng.standard_normal((4, 512)), rng.standard_normal((3, 512))
    statistic, p_value, detectable = independence(news, held, rng)
    assert p_value > LEVEL
    assert statistic < detectable
    extra = planted(held[1])  # type: ignore[operator]
    news[2] += 0.5 * (extra - extra.mean()) / extra.std()
    statistic, p_value, detectable = independence(news, held, rng)
    assert p_value == 1 / (1 + PERMUTATIONS)
    assert statistic > detectable
    # A scale that is held, too.
    assert independence(rng.standard_normal((1, 512)) * held[:1], held, rng)[1] < LEVEL


def test_gaussianity_is_rejected_at_its_rate_and_laplace_always() -> None:
    """500 families of 3: 25 expected at 0.05, 50 or more once in 10^6."""
    rng = np.random.default_rng(3)
    false_alarms = sum(gaussianity(rng.standard_normal((3, 128)))[1] <= 0.05 for _ in range(500))
    assert false_alarms <= 50
    assert all(gaussianity(rng.laplace(size=(3, 512)))[1] < 1e-3 for _ in range(20))


def test_holms_procedure() -> None:
    assert rejected(pd.Series([0.5, 0.04, 0.9])) == 0
    assert rejected(pd.Series([0.5, 0.01, 0.9])) == 1
    assert rejected(pd.Series([0.02, 0.01, 0.9])) == 2
    assert rejected(pd.Series([0.01, 0.02, 0.04])) == 3
    assert rejected(pd.Series(np.empty(0))) == 0


def test_tables_have_their_columns() -> None:
    table, tests = tables()
    assert tuple(table.columns) == COLUMNS
    assert tuple(tests.columns) == TEST_COLUMNS
    assert len(table) == len(CASES) * len(WIDTHS) * 3 * 12 * (TRAINING_STEPS + 1)
    assert set(tests["width"]) == {max(WIDTHS)}
    assert not table.duplicated([*COLUMNS[:7]]).any()


def test_more_inputs_than_labels_leave_out_the_case_of_distinct_ones() -> None:
    table, _ = induction_tables(dataset(5, 24, 1, classes=3), (32,), 1, 1, HOW)
    assert set(CASES) - set(table["case"]) == {LINEAR}


def test_the_proof_goes_through_and_broken_hypotheses_are_seen() -> None:
    told = verdicts(*tables())
    assert "refuted" not in told.values()
    assert {told[key] for key in (PREACTIVATIONS, FEATURES, INDEPENDENCE, GAUSSIANITY)} == {
        "verified"
    }
    table, _ = tables()
    for place, held in states(table[table["case"] == DUPLICATE]).items():
        assert (held is False) == should_fail(DUPLICATE, place)
    seen = states(table[table["case"] == CONSTANT_SUM])
    # Layer by layer: h^1, x^1, Ẑ^2 and h^2 are dependent, x^2 is independent again.
    assert [*seen.values()][:6] == [False, False, False, False, True, True]
    last = states(table[table["case"] == LINEAR_ONE_LABEL])
    assert last[0, FEATURES, 3] is True
    failing = [place for place, held in last.items() if held is False]
    assert failing
    assert all(should_fail(LINEAR_ONE_LABEL, place) for place in failing)


@pytest.mark.parametrize("case", [DUPLICATE, CONSTANT_SUM, LINEAR_ONE_LABEL])
def test_a_broken_hypothesis_passed_off_as_the_regular_case_turns_the_verdict(case: str) -> None:
    table, tests = tables()
    swapped = table[table["case"] == case].assign(case=REGULAR)
    told = verdicts(swapped, tests)
    failing = {proof for _, proof, _ in states(swapped) if told[proof] == "refuted"}
    assert failing == {place[1] for place in states(swapped) if should_fail(case, place)}


def test_a_regular_training_passed_off_as_broken_turns_the_verdict() -> None:
    table, tests = tables()
    regular = table[table["case"] == REGULAR]
    for case in (DUPLICATE, CONSTANT_SUM, LINEAR_ONE_LABEL):
        mixed = pd.concat([regular, regular.assign(case=case)])
        assert verdicts(mixed, tests)[case] == "refuted"


@pytest.mark.parametrize(
    ("power", "answer"), [(0.0, True), (0.3, True), (-0.5, False), (-1.0, False)]
)
def test_an_eigenvalue_that_falls_with_the_width_is_seen(power: float, answer: bool) -> None:
    rng = np.random.default_rng(4)
    made = [
        (width, width**power * np.exp(0.05 * rng.standard_normal()), 1e-20, False)
        for width in WIDTHS
        for _ in range(3)
    ]
    rows = pd.DataFrame(made, columns=["width", "value", "resolution", "fails"])
    assert independent(rows) is answer
    assert independent(rows.assign(resolution=rows["value"] / 10)) is None
    assert independent(rows.assign(fails=True)) is False


def test_a_rejected_test_refutes() -> None:
    table, tests = tables()
    for kind in (INDEPENDENCE, GAUSSIANITY):
        place = tests.index[tests["test"] == kind][0]
        changed = tests.copy()
        changed.loc[place, "p_value"] = 1e-3
        assert verdicts(table, changed)[kind] == "refuted"


def test_figure_draws_the_chain_and_the_matrix() -> None:
    drawn = draw(*tables())
    assert isinstance(drawn, Figure)
    upper, lower = drawn.axes
    places = 12 * (TRAINING_STEPS + 1)
    assert len(lower.patches) == len(CASES) * places
    assert [len(np.asarray(line.get_xdata())) for line in upper.lines[:5]] == [places] * 5
    empty = draw(*(table.iloc[:0] for table in tables()))
    assert "no measurements" in empty.axes[0].texts[0].get_text()


def test_a_linear_activation_is_what_the_chain_is_told() -> None:
    seen = chain(DATA, 32, 0, HOW, CASES[LINEAR].phi)
    assert LINEAR not in ACTIVATIONS
    h, x = seen.families[0].vectors, seen.families[1].vectors
    np.testing.assert_array_equal(h, x)
