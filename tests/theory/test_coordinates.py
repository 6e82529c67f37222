"""Coordinates: laws and correlations against slow ones; planted dependence, drift, heavy tails."""

import math
from collections.abc import Callable

import builders
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from infwidth.schemes import SCHEMES
from infwidth.theory.coordinates import draw as figure
from infwidth.theory.coordinates.ensemble import Ensemble, Inputs, ensembles, geometric_means
from infwidth.theory.coordinates.judge import findings
from infwidth.theory.coordinates.laws import (
    correlation,
    distances,
    expected_distance,
    gaussian,
    image,
    sampled,
)
from infwidth.theory.coordinates.measure import COLUMNS, _rows, ensemble_tables
from infwidth.theory.coordinates.names import ladder, looked_at, networks
from infwidth.theory.coordinates.reference import reference_of
from infwidth.theory.measuring import Tables

Array = NDArray[np.float64]
Planted = Callable[[np.random.Generator, int, Array], Array]

DATA = builders.dataset(samples=4)
RECIPE = builders.recipe(steps=40, precision="float32", hidden_layers=2)
NAMES = ("coordinates", "dependence", "quantiles")


def test_distance_is_wassersteins() -> None:
    rng = np.random.default_rng(0)
    values, reference = rng.standard_normal((3, 2, 24)), rng.exponential(size=(5, 2, 480))
    law = sampled(reference)
    pooled = np.moveaxis(reference, 1, 0).reshape(2, -1)
    for found, network in zip(distances(values, law), values, strict=True):
        expected = [
            wasserstein_distance(one, other) / other.std()
            for one, other in zip(network, pooled, strict=True)
        ]
        # Quantiles are interpolated between the reference's atoms.
        assert found == pytest.approx(np.mean(expected), rel=0.02)


def test_expected_distance_is_that_of_draws() -> None:
    rng = np.random.default_rng(1)
    draws = 2 * rng.standard_normal((400, 1, 100))
    closed = gaussian(np.array([2.0]))
    assert distances(draws, closed).mean() == pytest.approx(
        expected_distance(closed, 100), rel=0.05
    )
    # From a law that is itself known from 100 draws.
    pairs = zip(draws, np.roll(draws, 1, axis=0), strict=True)
    found = np.mean([wasserstein_distance(one[0], other[0]) / 2 for one, other in pairs])
    known = expected_distance(sampled(draws[:1]), 100)
    assert found == pytest.approx(known, rel=0.15)
    assert found == pytest.approx(math.sqrt(2) * expected_distance(closed, 100), rel=0.05)


def test_a_law_after_a_function() -> None:
    law = gaussian(np.array([0.5, 2.0]))
    squared = image(law, np.square)
    drawn = np.random.default_rng(2).standard_normal((1, 2, 200_000)) * [[0.5], [2.0]]
    np.testing.assert_allclose(squared.scale, (drawn[0] ** 2).std(axis=1), rtol=0.05)
    assert distances(drawn**2, squared)[0] < 0.02


def test_correlation_of_equally_correlated_coordinates() -> None:
    rng = np.random.default_rng(3)
    shared, own = rng.standard_normal((4000, 2, 1)), rng.standard_normal((4000, 2, 7))
    values = np.sqrt(0.2) * shared + np.sqrt(0.8) * own
    # Products of two Gaussians of correlation ρ have the correlation ρ².
    for moment, expected in ((1, 0.2), (2, 0.04)):
        found = correlation(values, moment)
        for value, error in (found.pairs, found.neighbours):
            assert value == pytest.approx(expected, abs=4 * error)
            assert error < 0.02


def test_correlation_against_a_loop_over_pairs() -> None:
    values = np.random.default_rng(4).standard_normal((300, 2, 4)).cumsum(axis=-1)
    y = values - values.mean(axis=(0, 2), keepdims=True)
    covariance = np.mean(
        [(y[..., u] * y[..., v]).sum(axis=1).mean() for u in range(4) for v in range(4) if u != v]
    )
    expected = covariance / (y**2).sum(axis=1).mean()
    assert correlation(values, 1).pairs[0] == pytest.approx(expected, rel=0.02)


def test_an_ensemble_against_plain_networks_that_train_on_some_inputs() -> None:
    how = builders.recipe(steps=3)
    inputs = Inputs.of(DATA, 4)
    assert inputs.data.train_inputs.shape == (6, 12)
    seen = ensembles(inputs, SCHEMES["µP"], 24, [0, 5], how, [0, 3])
    _, plain = builders.both(inputs.data, SCHEMES["µP"], 24, [0, 5], how)
    images = torch.as_tensor(inputs.data.train_inputs)
    labels = torch.as_tensor(inputs.data.train_labels)
    for step in (0, 3):
        for replica, network in enumerate(plain):
            hidden, outputs = network.forward(images)
            ensemble = seen[0 if step == 0 else 1]
            expected = outputs.T.detach().numpy()
            np.testing.assert_allclose(ensemble.outputs[replica], expected, rtol=1e-8, atol=1e-12)
            last = hidden[-1].T.detach().numpy()
            for kind, value in (("h", last), ("x", np.tanh(last))):
                np.testing.assert_allclose(ensemble.features[kind][replica], value, rtol=1e-8)
            for _ in range(3 if step == 0 else 0):
                network.step(images[:4], labels[:4])


def test_sizes() -> None:
    assert ladder([16]) == [4, 8]
    assert looked_at(0) == [0]
    assert looked_at(3) == [0, 1, 2]
    assert networks(512, [2048], 3) * 512 == networks(64, [2048], 3) * 64
    means = geometric_means(np.array([1.0, 2.0, 4.0, 8.0, 0.0]), 2)
    assert list(means) == pytest.approx([0.0, 4.0])


def planted(plant: Planted) -> Tables:
    """Tables of Gaussian coordinates, changed on purpose, as if of µP at two steps."""
    rng = np.random.default_rng(5)
    law = gaussian(np.ones(2))
    laws = {"h": law, "x": image(law, np.tanh)}
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in NAMES}
    for width in (16, 32, 64, 128, 256, 512):
        for step in (0, 10):
            count = 8192 // width
            h = plant(rng, width, rng.standard_normal((count, 2, width)))
            features = {"h": h, "x": np.tanh(h)}
            seeds = np.arange(count)
            seen = Ensemble(width, step, seeds, np.zeros((count, 2, 1)), features, seeds)
            for name, found in _rows("µP", seen, laws, 16).items():
                rows[name] += found
    return {name: pd.DataFrame(rows[name], columns=list(COLUMNS[name])) for name in NAMES}


def verdicts(tables: Tables) -> list[str]:
    return [finding.verdict for finding in findings(*(tables[name] for name in NAMES))]


def in_pairs(rng: np.random.Generator, width: int, h: Array) -> Array:
    return np.repeat(h[..., ::2], 2, axis=-1)


def shared_part(rng: np.random.Generator, width: int, h: Array) -> Array:
    return np.asarray(
        math.sqrt(0.95) * h + math.sqrt(0.05) * rng.standard_normal((*h.shape[:2], 1))
    )


def drifting(rng: np.random.Generator, width: int, h: Array) -> Array:
    return np.asarray(h * (1 + width**-0.1))


def heavy_at_one_width(rng: np.random.Generator, width: int, h: Array) -> Array:
    return rng.standard_t(1.5, h.shape) if width == 128 else h


def test_independent_draws_of_one_law_are_recognised() -> None:
    assert verdicts(planted(lambda rng, width, h: h)) == ["verified", "verified"]


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        # Laws of single networks tend to one all the same, and so do their pairs at random.
        (in_pairs, ["verified", "refuted"]),
        (shared_part, ["refuted", "refuted"]),
        (drifting, ["refuted", "verified"]),
        (heavy_at_one_width, ["undetermined", "verified"]),
    ],
)
def test_planted_violations_turn_the_verdicts(plant: Planted, expected: list[str]) -> None:
    found = verdicts(planted(plant))
    assert found[0] == expected[0]
    # A heavy tail has no correlations to speak of.
    assert plant is heavy_at_one_width or found[1] == expected[1]


@pytest.fixture(scope="module")
def tables() -> Tables:
    schemes = {name: SCHEMES[name] for name in ("NTP", "IP", "µP")}
    return ensemble_tables(DATA, schemes, [64, 512], 6, 4, RECIPE)


def test_real_networks(tables: Tables) -> None:
    assert set(tables["coordinates"]["width"]) == {8, 16, 32, 64, 128, 256}
    found = findings(*(tables[name] for name in NAMES))
    assert [(one.verdict, one.origin) for one in found if one.statement.startswith("µP")] == [
        ("verified", "follows")
    ] * 2
    # At the start µP's h has the Gaussian law of NTP, to the noise of the wide networks.
    start = tables["coordinates"].query("step == 0 and kind == 'h'")
    ratio = start["distance"] / start["expected_distance"]
    means = ratio.groupby(start["scheme"]).mean()
    assert means["µP"] == pytest.approx(means["NTP"], rel=0.15)
    # Sizes are orders apart under IP: there alone, shapes are compared.
    assert ["sizes differ" in one.evidence for one in found[::2]] == [False, True, False]


def test_closed_form_reference_is_the_law_of_wide_networks() -> None:
    inputs = Inputs.of(DATA, 4)
    closed, wide = (
        reference_of(name, SCHEMES[name], inputs, RECIPE, [0], 1024, 7) for name in ("NTP", "µP")
    )
    for kind in ("h", "x"):
        p = np.linspace(0.05, 0.95, 19)
        one, other = (each.laws[0][kind].quantile(p) for each in (closed, wide))
        np.testing.assert_allclose(one, other, atol=0.08 * np.abs(one).max())


def test_divergence_and_few_widths_decide_nothing() -> None:
    how = builders.recipe(steps=60, learning_rate=1e3)
    schemes = {name: SCHEMES[name] for name in ("NTP", "µP")}
    found = ensemble_tables(DATA, schemes, [32], 2, 4, how)
    assert np.isfinite(found["coordinates"].drop(columns=["scheme", "kind"]).to_numpy()).all()
    assert set(found["coordinates"]["step"]) <= {0, 3, 30}
    few = {name: table[table["width"] == 8] for name, table in found.items()}
    assert set(verdicts(few)) == {"undetermined"}


def test_the_figure_draws_what_is_in_the_table(tables: Tables) -> None:
    drawn = figure.draw(*(tables[name] for name in NAMES))
    assert isinstance(drawn, Figure)
    *quantiles, distance, dependence = drawn.axes
    assert [ax.get_title() for ax in quantiles] == ["NTP", "IP", "µP"]
    last = tables["quantiles"].query("scheme == 'µP' and step == 20 and width == 256")
    assert any(
        np.array_equal(np.asarray(line.get_ydata()), last["quantile"])
        for line in quantiles[2].lines
    )
    assert len(distance.lines) == 2 * 3 + 1
    assert len(dependence.containers) == 3


def test_figures_of_parts_of_a_table(tables: Tables) -> None:
    for query in ("width < 0", "width == 16", "scheme == 'µP'"):
        assert isinstance(figure.draw(*(tables[name].query(query) for name in NAMES)), Figure)
