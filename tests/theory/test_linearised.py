"""The tangent kernel and its linear equation against autograd, formulas and plain loops."""

import math
from collections.abc import Sequence

import builders
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.theory.linearised import draw as figure
from infwidth.theory.linearised import measure as linearised
from infwidth.theory.linearised.judge import findings, largest_deviation
from infwidth.theory.linearised.measure import (
    effective_rates,
    finite_tangent_kernel,
    initial_tangent_kernel,
    linearised_table,
    tangent_kernel,
    tangent_terms,
)
from infwidth.training.batches import Batches

Array = NDArray[np.float64]

DATA = builders.dataset(samples=4)
GRAM = DATA.train_inputs @ DATA.train_inputs.T
WIDTHS, SEEDS = (64, 128, 256, 512), range(6)
RECIPE = builders.recipe(steps=60, precision="float32", hidden_layers=2)
HOLDS = ["verified"] * 7


def verdicts(table: pd.DataFrame) -> list[str]:
    return [finding.verdict for finding in findings(table)]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return linearised_table(DATA, WIDTHS, SEEDS, RECIPE)


def plain_kernel(plain: builders.PlainNetwork, data: PreparedDataset) -> Array:
    """Σ_l η_l <∂f_a(ξ_i)/∂W^l, ∂f_b(ξ_j)/∂W^l> by autograd, (N, classes, N, classes)."""
    weights = [weight.requires_grad_(True) for weight in plain.weights]
    outputs = plain.forward(torch.as_tensor(data.train_inputs))[1].T
    gradients = [
        torch.autograd.grad(value, weights, retain_graph=True) for value in outputs.ravel()
    ]
    flat = torch.stack(
        [
            torch.cat([math.sqrt(r) * g.ravel() for r, g in zip(plain.rates, layers, strict=True)])
            for layers in gradients
        ]
    )
    kernel: Array = (flat @ flat.T).reshape(*outputs.shape, *outputs.shape).detach().numpy()
    return kernel


@pytest.mark.parametrize(("scheme", "activation"), [("NTP", "tanh"), ("µP", "silu")])
def test_kernel_of_a_network_against_autograd(scheme: str, activation: str) -> None:
    how = builders.recipe(activation=activation, reference_width=3.0)
    network, plain = builders.both(DATA, SCHEMES[scheme], 24, [0, 5], how)
    found = finite_tangent_kernel(network, learning_rates(SCHEMES[scheme], 24, how)).numpy()
    for replica, expected in zip(found, (plain_kernel(one, DATA) for one in plain), strict=True):
        np.testing.assert_allclose(replica, expected, rtol=1e-9, atol=1e-12)


def test_relu_with_two_hidden_layers_is_the_closed_form() -> None:
    """Arc-cosine kernels of orders 1 and 0 (Cho & Saul 2009)."""

    def value(matrix: Array) -> Array:
        scale, angle = angles(matrix)
        return scale / (2 * math.pi) * (np.sin(angle) + (math.pi - angle) * np.cos(angle))

    def slope(matrix: Array) -> Array:
        return (math.pi - angles(matrix)[1]) / (2 * math.pi)

    def angles(matrix: Array) -> tuple[Array, Array]:
        scale = np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
        return scale, np.arccos(np.clip(matrix / scale, -1, 1))

    v, r = (1.5, 2.0, 0.8), (0.3, 0.5, 0.7)
    k1 = v[0] * GRAM
    k2 = v[1] * value(k1)
    expected = (
        r[0] * GRAM * v[2] * slope(k2) * v[1] * slope(k1)
        + r[1] * value(k1) * v[2] * slope(k2)
        + r[2] * value(k2)
    )
    np.testing.assert_allclose(tangent_kernel(GRAM, v, r, "relu"), expected, rtol=1e-6)


@pytest.mark.parametrize("activation", ["sigmoid", "gelu"])
def test_closed_form_against_a_wide_network_term_by_term(activation: str) -> None:
    """Each layer's share alone, with the rates of the other layers set to 0."""
    width, scheme = 1024, SCHEMES["NTP"]
    how = builders.recipe(activation=activation, init_std=1.2, precision="float32")
    network = initial_network(DATA, scheme, width, range(4), how, builders.CPU)
    rates = learning_rates(scheme, width, how)
    effective = effective_rates(scheme, width, how)
    variances = (1.44,) * 4
    for layer, term in enumerate(tangent_terms(GRAM, variances, effective, activation)):
        alone = [rate if place == layer else 0.0 for place, rate in enumerate(rates)]
        kernels = finite_tangent_kernel(network, alone).numpy()
        # Over replicas and outputs.
        found = np.einsum("riaja->ij", kernels) / (4 * DATA.classes)
        assert np.linalg.norm(found - term) < 0.1 * np.linalg.norm(term)
        between_outputs = kernels[:, :, 0, :, 1].mean(axis=0)
        assert np.linalg.norm(between_outputs) < 0.1 * np.linalg.norm(term)
    whole = initial_tangent_kernel(DATA, scheme, width, how)
    np.testing.assert_allclose(
        whole, tangent_kernel(GRAM, variances, effective, activation), rtol=1e-9
    )


@pytest.mark.parametrize("reference_width", [1.0, 32.0])
def test_ntp_and_mup_start_from_the_same_kernel_at_every_width(reference_width: float) -> None:
    how = builders.recipe(reference_width=reference_width)
    expected = initial_tangent_kernel(DATA, SCHEMES["NTP"], 128, how)
    for scheme in ("NTP", "µP"):
        found = initial_tangent_kernel(DATA, SCHEMES[scheme], 1024, how)
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert not np.allclose(initial_tangent_kernel(DATA, SCHEMES["SP"], 1024, how), expected)


def test_squared_error_has_a_closed_form_solution() -> None:
    """f_t = y + (1 - Θ/N)^t (f_0 - y) in full batch."""
    how = builders.recipe(steps=7)
    found = linearised_table(DATA, [32], [3], how, {"NTP": SCHEMES["NTP"]})
    start = initial_network(DATA, SCHEMES["NTP"], 32, [3], how, builders.CPU).outputs[0].numpy()
    kernel = initial_tangent_kernel(DATA, SCHEMES["NTP"], 32, how)
    targets = np.eye(DATA.classes)[DATA.train_labels]
    one_step = np.eye(4) - kernel / 4
    assert list(found["step"])[-1] == 7
    for step, loss in zip(found["step"], found["linear_loss"], strict=True):
        error = np.linalg.matrix_power(one_step, step) @ (start - targets)
        assert loss == pytest.approx((error**2).sum() / 2 / 4, rel=1e-9)


def slow(how: Recipe, seed: int, width: int, own: bool) -> tuple[list[float], Tensor]:
    """Deviations of a plain network from the linear equation, step by step, and its h^2 change."""
    scheme = SCHEMES["µP"]
    _, (plain,) = builders.both(DATA, scheme, width, [seed], how)
    kernel = plain_kernel(plain, DATA)
    if not own:
        limit = initial_tangent_kernel(DATA, scheme, width, how)
        kernel = np.einsum("ij,ab->iajb", limit, np.eye(DATA.classes))
    inputs, labels = torch.as_tensor(DATA.train_inputs), torch.as_tensor(DATA.train_labels)
    hidden, outputs = plain.forward(inputs)
    first_hidden, first = hidden[1].detach(), outputs.T.detach().numpy()
    linear = first.copy()
    batches = Batches([seed], 4, how.batch_size)
    deviations = []
    for _ in range(how.steps):
        weights = next(batches)[0].numpy()
        signal = np.exp(linear) / np.exp(linear).sum(axis=1, keepdims=True)
        signal[np.arange(4), DATA.train_labels] -= 1
        linear = linear - np.einsum("iajb,jb->ia", kernel, signal * weights[:, None])
        batch = np.flatnonzero(weights)
        plain.step(inputs[batch], labels[batch])
        hidden, outputs = plain.forward(inputs)
        apart = outputs.T.detach().numpy() - linear
        deviations.append(float(np.linalg.norm(apart) / np.linalg.norm(linear - first)))
    change = (hidden[1].detach() - first_hidden).norm(dim=0) / first_hidden.norm(dim=0)
    return deviations, change.mean()


def test_deviations_against_a_plain_loop_on_mini_batches() -> None:
    how = builders.recipe(steps=4, batch_size=2, loss="cross_entropy", hidden_layers=2)
    found = linearised_table(DATA, [16], [0, 7], how, {"µP": SCHEMES["µP"]})
    rows = found[(found["seed"] == 7) & (found["step"] > 0)]
    assert list(rows["step"]) == [1, 2, 3, 4]
    for column, own in (("deviation", False), ("own_deviation", True)):
        expected, change = slow(how, 7, 16, own)
        assert list(rows[column]) == pytest.approx(expected, rel=1e-7)
        assert rows["feature_change_2"].iloc[-1] == pytest.approx(float(change), rel=1e-7)
    pd.testing.assert_series_equal(
        rows["feature_change"], rows["feature_change_2"], check_names=False
    )
    assert found.loc[found["step"] == 0, ["deviation", "own_deviation"]].isna().all(axis=None)


def test_all_statements_hold_of_real_networks(table: pd.DataFrame) -> None:
    assert len(table) == 2 * len(WIDTHS) * len(SEEDS) * table["step"].nunique()
    assert verdicts(table) == HOLDS


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_kernel_without_one_of_its_terms_is_seen(
    missing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(
        gram: Array, variances: Sequence[float], rates: Sequence[float], activation: str
    ) -> Array:
        terms = tangent_terms(gram, variances, rates, activation)
        return np.asarray(sum(terms) - terms[missing])

    monkeypatch.setattr(linearised, "tangent_kernel", without)
    found = verdicts(linearised_table(DATA, WIDTHS, SEEDS, RECIPE))
    assert found[:3] == ["refuted"] * 3
    # What does not rest on the closed form stays.
    assert found[3:] == ["verified"] * 4


def test_every_verdict_on_a_scheme_turns_with_the_scheme(table: pd.DataFrame) -> None:
    swapped = table.assign(scheme=table["scheme"].map({"NTP": "µP", "µP": "NTP"}))
    # The kernels at initialisation are the same; µP's sampling error hides its deviation at the
    # smaller widths from the equation of the n = ∞ kernel.
    assert verdicts(swapped)[:2] == ["verified"] * 2
    assert verdicts(swapped)[2] != "verified"
    assert verdicts(swapped)[3:] == ["refuted"] * 4


def test_few_widths_or_one_seed_decide_nothing(table: pd.DataFrame) -> None:
    for few in (table[table["width"] <= 128], table[table["seed"] == 0], table.iloc[:0]):
        assert verdicts(few) == ["undetermined"] * 7


def test_divergence_ends_the_rows_and_leaves_the_verdicts_open() -> None:
    how = builders.recipe(steps=60, learning_rate=200.0)
    found = linearised_table(DATA, [16, 32, 64], [0, 1], how)
    numbers = found.loc[found["step"] > 0].drop(columns="scheme").to_numpy(dtype=float)
    assert np.isfinite(numbers).all()
    ntp = found[found["scheme"] == "NTP"]
    assert ntp["step"].max() < 60
    complete = pd.concat([found, found.iloc[:1].assign(step=60)])
    assert largest_deviation(complete, "µP").empty
    assert verdicts(complete)[2:] == ["undetermined"] * 5


def test_the_figure_draws_what_is_in_the_table(table: pd.DataFrame) -> None:
    drawn = figure.draw(table)
    assert isinstance(drawn, Figure)
    assert [ax.get_title() for ax in drawn.axes[:2]] == ["NTP", "µP"]
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in drawn.axes[2].lines]
    for scheme in ("NTP", "µP"):
        for own in (True, False):
            values = largest_deviation(table, scheme, own=own)
            means = np.exp(np.log(values["value"]).groupby(values["width"]).mean())
            assert any(len(line) == len(means) and np.allclose(line, means) for line in lines)


def test_figures_of_parts_of_a_table(table: pd.DataFrame) -> None:
    for part in (table.iloc[:0], table[table["width"] == 64], table[table["scheme"] == "NTP"]):
        assert isinstance(figure.draw(part), Figure)
