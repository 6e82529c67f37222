"""Rates of convergence against plain trainings and autograd; what is concluded from them."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from builders import PlainNetwork, both, dataset, recipe
from matplotlib.figure import Figure
from numpy.typing import NDArray

from infwidth.files.tables import read_csv, write_csv
from infwidth.schemes import SCHEMES
from infwidth.theory.linearised.edge import edge_of_stability
from infwidth.theory.measuring import Tables
from infwidth.theory.rates import draw as figure
from infwidth.theory.rates import measure
from infwidth.theory.rates.judge import CURVED, LATE, TIGHT, findings
from infwidth.theory.rates.measure import bound_rate, rates_tables

Array = NDArray[np.float64]

DATA = dataset(4, 12, 1)
WIDTHS = (64, 128, 256)
RECIPE = recipe(steps=240, hidden_layers=2)
TARGETS = np.eye(DATA.classes)[DATA.train_labels]


@pytest.fixture(scope="module", autouse=True)
def slow() -> Iterator[None]:
    """Few random inputs: networks as small as these are not stable at larger rates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "OF_THE_EDGE", 0.1)
        yield


@pytest.fixture(scope="module")
def tables(slow: None) -> Tables:
    return rates_tables(DATA, SCHEMES, WIDTHS, 3, RECIPE)


def errors_of(plain: PlainNetwork, steps: int) -> Array:
    """‖e_t‖ of a plain training."""
    inputs, labels = torch.as_tensor(DATA.train_inputs), torch.as_tensor(DATA.train_labels)
    errors = []
    for _ in range(steps + 1):
        outputs = plain.forward(inputs)[1].detach().numpy().T
        errors.append(np.linalg.norm(outputs - TARGETS))
        plain.step(inputs, labels)
    return np.array(errors)


def kernel_of(plain: PlainNetwork) -> Array:
    """Θ by automatic differentiation, (N classes) x (N classes)."""
    weights = [weight.detach().requires_grad_(True) for weight in plain.weights]
    plain = replace(plain, weights=weights)
    outputs = plain.forward(torch.as_tensor(DATA.train_inputs))[1].T.reshape(-1)
    rows = [torch.autograd.grad(output, weights, retain_graph=True) for output in outputs]
    kernel = torch.zeros(len(rows), len(rows), dtype=torch.float64)
    for rate, each in zip(plain.rates, zip(*rows, strict=True), strict=True):
        derived = torch.stack(each).flatten(1)
        kernel += rate * derived @ derived.T
    return kernel.numpy()


@pytest.mark.parametrize("scheme", ["NTP", "µP"])
def test_rates_are_those_of_a_plain_training(tables: Tables, scheme: str) -> None:
    of_run = {"scheme": scheme, "width": 64, "seed": 2}
    rates, in_time = (
        table[(table[[*of_run]] == [*of_run.values()]).all(axis=1)] for table in tables.values()
    )
    (row,) = rates.to_dict("records")
    rate = row["learning_rate"]
    how = replace(RECIPE, learning_rate=rate)
    _, (plain,) = both(DATA, SCHEMES[scheme], 64, [2], how)
    first = np.linalg.eigvalsh(kernel_of(plain) / (4 * rate))
    errors = errors_of(plain, row["steps"])
    left, steps = errors / errors[0], np.arange(len(errors))
    assert left[-1] <= measure.LEFT < left[-2] or row["steps"] == RECIPE.steps
    late = steps >= row["steps"] / 2
    design = np.stack([np.ones(late.sum()), rate * steps[late]], axis=1)
    slope = np.linalg.lstsq(design, np.log(left[late]), rcond=None)[0][1]
    assert row["late_rate"] == pytest.approx(-slope, rel=1e-6)
    assert row["window_error"] == pytest.approx(left[late][0], rel=1e-6)
    assert row["error_left"] == pytest.approx(left[-1], rel=1e-6)
    assert min(row["first_half_rate"], row["second_half_rate"]) <= row["late_rate"]
    assert row["late_rate"] <= max(row["first_half_rate"], row["second_half_rate"])
    assert row["least_mean_rate"] == pytest.approx(min(-np.log(left[1:]) / (rate * steps[1:])))
    assert row["first_min_eig"] == pytest.approx(first[0], rel=1e-8)
    bound = (1 - rate * first[0]) ** steps
    kept = bool((left[1:] <= bound[1:]).all())
    assert (row["least_mean_rate"] >= row["bound_rate"]) == kept
    np.testing.assert_allclose(in_time["error_left"], left[in_time["step"]], rtol=1e-6)
    start = in_time.iloc[0]
    assert start["kernel_max_eig"] == pytest.approx(first[-1], rel=1e-8)
    assert in_time["step"].max() == row["steps"]


@pytest.mark.parametrize("scheme", [*SCHEMES])
def test_small_steps_follow_the_kernel_exactly(scheme: str) -> None:
    """-d log ‖e‖ / d(η t) is the Rayleigh quotient of Θ at e, under every scheme."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "OF_THE_EDGE", 1e-5)
        found = rates_tables(DATA, {scheme: SCHEMES[scheme]}, [64], 1, replace(RECIPE, steps=2))
    row = found["losses_in_time"].iloc[0]
    rate = float(row["learning_rate"])
    assert rate == pytest.approx(1e-5 * edge_of_stability(DATA, RECIPE))
    how = replace(RECIPE, learning_rate=rate)
    _, (plain,) = both(DATA, SCHEMES[scheme], 64, [0], how)
    errors = errors_of(plain, 1)
    assert row["kernel_rate"] == pytest.approx(math.log(errors[0] / errors[1]) / rate, rel=1e-3)
    assert row["kernel_min_eig"] <= row["kernel_rate"] <= row["kernel_max_eig"]


def test_the_bound_is_met_by_the_slowest_direction() -> None:
    times = 0.3 * np.arange(20)
    assert measure.falling(times, (1 - 0.3 * 0.7) ** np.arange(20)) == pytest.approx(
        bound_rate(0.7, 0.3)
    )


def verdicts(rates: pd.DataFrame, **values: Any) -> list[str]:
    return [each.verdict for each in findings(rates.assign(**values), rates)]


@pytest.fixture
def linear(tables: Tables) -> pd.DataFrame:
    """Runs of NTP and µP made to fall at the kernel's rate, exactly but for a little per seed."""
    rates = tables["rates"]
    rates = rates[rates["scheme"].isin(["NTP", "µP"])].copy()
    own = 0.1 * (1 + 0.02 * rates["seed"])
    for name in ("bound_rate", "late_bound_rate", "first_min_eig", "last_min_eig"):
        rates[name] = own
    for name in ("late_rate", "first_half_rate", "second_half_rate", "least_mean_rate"):
        rates[name] = 1.1 * own
    return rates.assign(window_error=0.5 * LATE)


def test_a_rate_that_is_not_the_bounds_turns_the_verdict(linear: pd.DataFrame) -> None:
    assert verdicts(linear) == ["verified"] * 5
    mup = linear["scheme"] == "µP"
    twice = linear["late_rate"].where(~mup, 1.1 * TIGHT * linear["bound_rate"])
    assert verdicts(linear, late_rate=twice) == ["verified"] * 3 + ["depends"] * 2
    found = findings(linear.assign(late_rate=twice), linear)
    assert found[3].depends_on == "the scheme: so under NTP; not under µP"
    all_twice = 1.1 * TIGHT * linear["bound_rate"]
    assert verdicts(linear, late_rate=all_twice)[3:] == ["refuted", "refuted"]
    # A kernel that grew, and sets the rate.
    grown = linear["late_bound_rate"].where(~mup, twice)
    assert verdicts(linear, late_rate=twice, late_bound_rate=grown)[3:] == ["depends", "verified"]


def test_a_broken_bound_is_seen(linear: pd.DataFrame) -> None:
    widest, seed = linear["width"] == 256, linear["seed"] == 1
    below = 0.9 * linear["bound_rate"]
    broken = linear["least_mean_rate"].where(~widest, below)
    assert verdicts(linear, least_mean_rate=broken)[2] == "refuted"
    mixed = linear["least_mean_rate"].where(~(widest & seed), below)
    assert verdicts(linear, least_mean_rate=mixed)[2] == "undetermined"
    narrow = linear["least_mean_rate"].where(widest, below)
    assert verdicts(linear, least_mean_rate=narrow)[2] == "verified"


def test_a_rate_that_vanishes_or_has_not_settled(linear: pd.DataFrame) -> None:
    falling = linear["late_rate"] * linear["width"].astype(float) ** -0.5
    assert verdicts(linear, late_rate=falling)[:2] == ["refuted", "refuted"]
    one = (linear["scheme"] == "µP") & (linear["width"] == 256) & (linear["seed"] == 0)
    curved = linear["second_half_rate"].where(~one, linear["first_half_rate"] * (1.1 + CURVED))
    assert verdicts(linear, second_half_rate=curved)[:2] == ["verified", "undetermined"]
    assert verdicts(linear, second_half_rate=curved)[3:] == ["undetermined"] * 2
    early = linear["window_error"].where(~one, 2 * LATE)
    assert verdicts(linear, window_error=early)[:2] == ["verified", "undetermined"]


def test_a_diverged_run_has_no_rate() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "OF_THE_EDGE", 40.0)
        found = rates_tables(DATA, {"µP": SCHEMES["µP"]}, [16, 32, 64], 2, RECIPE)
    assert np.isfinite(found["losses_in_time"]["train_loss"]).all()
    assert "verified" not in [each.verdict for each in findings(*found.values())]


def test_figure(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("rates")
    for name, table in tables.items():
        write_csv(table, folder / f"{name}.csv")
    again = [read_csv(folder / f"{name}.csv") for name in tables]
    drawn = figure.draw(*again)
    assert isinstance(drawn, Figure)
    *losses, start, end, ratio = drawn.axes
    assert [ax.get_title() for ax in losses] == [*SCHEMES]
    for ax in losses:
        assert len(ax.lines) == len(WIDTHS) + 1
    (legend,) = drawn.legends
    told = [text.get_text() for text in legend.get_texts()]
    assert told == [*(f"$n={width}$" for width in WIDTHS), "bound, largest $n$"]
    for ax in (start, end):
        assert len(ax.lines) == len(again[0]) + 1 + len(SCHEMES)
    assert {text.get_text() for text in ratio.texts} == set(SCHEMES)
    assert all(ax.texts for ax in figure.draw(*(table[:0] for table in again)).axes)
