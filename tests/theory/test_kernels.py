"""Kernels in closed form against formulas, brute force and networks."""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import builders
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.measures.features import Features, reduce_snapshots
from infwidth.network.activations import ACTIVATIONS
from infwidth.network.initialisation import initial_network
from infwidth.schemes import SCHEMES
from infwidth.theory.kernels import draw as figure
from infwidth.theory.kernels import measure as kernels
from infwidth.theory.kernels.judge import findings
from infwidth.theory.kernels.measure import (
    gaussian_expectation,
    kernels_table,
    nngp,
    weight_variances,
)

Array = NDArray[np.float64]

SAMPLES, LAYERS = 5, 3
WIDTHS, SEEDS = (64, 128, 256, 512), range(8)
DATA = builders.dataset(samples=SAMPLES)
GRAM = DATA.train_inputs @ DATA.train_inputs.T


def derivative(name: str) -> Callable[[Tensor], Tensor]:
    phi = ACTIVATIONS[name]
    return lambda h: phi.derivative(h, phi.value(h))


def covariance(seed: int = 0) -> Array:
    """Positive definite, with variances from 0.1 to 5 and correlations of all sizes."""
    rng = np.random.default_rng(seed)
    roots = rng.standard_normal((4, 4)) * np.sqrt([[0.1], [0.5], [1.0], [5.0]]) / 2
    return roots @ roots.T


def brute_force(matrix: Array, function: Callable[[Tensor], Tensor]) -> Array:
    """The trapezoidal rule on a grid in the plane, through Cholesky factors of 2 x 2 blocks."""
    points = torch.linspace(-9, 9, 301, dtype=torch.float64)
    density = torch.exp(-(points**2) / 2) / math.sqrt(2 * math.pi) * (points[1] - points[0])
    result = np.empty_like(matrix)
    for i in range(len(matrix)):
        for j in range(len(matrix)):
            a, b, c = matrix[i, i], matrix[j, j], matrix[i, j]
            u = math.sqrt(a) * points[:, None]
            rest = math.sqrt(max(b - c * c / a, 0.0))
            w = c / math.sqrt(a) * points[:, None] + rest * points[None, :]
            result[i, j] = float(density @ (function(u) * function(w)) @ density)
    return result


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "silu", "gelu", "erf"])
@pytest.mark.parametrize("slope", [False, True])
def test_smooth_activations_against_a_grid_in_the_plane(name: str, slope: bool) -> None:
    function = derivative(name) if slope else ACTIVATIONS[name].value
    found, error = gaussian_expectation(covariance(), function)
    expected = brute_force(covariance(), function)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    assert 0 <= error < 1e-10 * np.abs(expected).max()


def angles(matrix: Array) -> tuple[Array, Array]:
    scale = np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
    return scale, np.arccos(np.clip(matrix / scale, -1, 1))


def test_relu_is_the_arc_cosine_kernel() -> None:
    """Cho & Saul 2009, orders 1 and 0."""
    matrix = covariance(1)
    scale, angle = angles(matrix)
    value = scale / (2 * math.pi) * (np.sin(angle) + (math.pi - angle) * np.cos(angle))
    found = gaussian_expectation(matrix, torch.relu)[0]
    np.testing.assert_allclose(found, value, rtol=1e-7, atol=1e-13)
    slopes = (math.pi - angle) / (2 * math.pi)
    found = gaussian_expectation(matrix, derivative("relu"))[0]
    # Off the diagonal: there rounding of the correlation under the arc cosine counts.
    np.testing.assert_allclose(found, slopes, rtol=0, atol=1e-7)
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(found[off], slopes[off], rtol=0, atol=1e-13)
    np.testing.assert_array_almost_equal(np.diag(found), 0.5, decimal=13)


def arc_sine(matrix: Array) -> Array:
    """Williams 1997, for erf(h)."""
    size = 1 + 2 * np.diag(matrix)
    kernel: Array = 2 / math.pi * np.arcsin(2 * matrix / np.sqrt(np.outer(size, size)))
    return kernel


def test_every_layer_of_erf_is_the_arc_sine_kernel() -> None:
    variances = (1.3, 0.7, 2.1)
    layers = nngp(GRAM, variances, torch.erf)
    feature = GRAM
    assert len(layers) == 3
    for layer, variance in zip(layers, variances, strict=True):
        preactivation = variance * feature
        feature = arc_sine(preactivation)
        np.testing.assert_allclose(layer.preactivation, preactivation, rtol=1e-12)
        np.testing.assert_allclose(layer.feature, feature, rtol=1e-12)


def test_equal_opposite_and_zero_inputs_are_exact() -> None:
    """φ(u)², φ(u)φ(-u) and φ(0): one-dimensional integrals of the sigmoid."""
    matrix = np.array([[2.0, 2, -2, 0], [2, 2, -2, 0], [-2, -2, 2, 0], [0, 0, 0, 0]])
    found = gaussian_expectation(matrix, torch.sigmoid)[0]
    points, weights = np.polynomial.hermite_e.hermegauss(180)
    positive = 1 / (1 + np.exp(-math.sqrt(2) * points))
    weights = weights / weights.sum()
    same, opposite = weights @ positive**2, weights @ (positive * (1 - positive))
    expected = np.array(
        [
            [same, same, opposite, 0.25],
            [same, same, opposite, 0.25],
            [opposite, opposite, same, 0.25],
            [0.25, 0.25, 0.25, 0.25],
        ]
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_the_error_of_a_kink_away_from_0_is_known_and_a_jump_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # E max(u - 1, 0)² of a standard normal.
    exact = 2 * norm.sf(1) - norm.pdf(1)
    monkeypatch.setattr(kernels, "COARSE", 1.0)
    found, error = gaussian_expectation(np.eye(1), lambda h: torch.relu(h - 1))
    assert abs(found[0, 0] - exact) < error
    monkeypatch.undo()
    with pytest.raises(ValueError, match="away from 0"):
        gaussian_expectation(np.eye(2), lambda h: (h > 1).to(h.dtype))


def test_variances_are_width_times_those_of_the_weights() -> None:
    how = {"hidden_layers": 3, "init_std": 3.0, "reference_width": 4.0}
    assert weight_variances(SCHEMES["µP"], 64, **how) == (9, 9, 9, 9 / 16)  # type: ignore[arg-type]
    assert weight_variances(SCHEMES["IP"], 64, **how) == (9, 9 / 16, 9 / 16, 9 / 16)  # type: ignore[arg-type]


@functools.cache
def features(scheme: str, width: int, data: PreparedDataset = DATA) -> Features:
    """Features at step 0, as a training leaves them."""
    how = builders.recipe(hidden_layers=LAYERS)
    network = initial_network(data, SCHEMES[scheme], width, SEEDS, how, builders.CPU)
    initial = np.stack(
        [
            np.stack([state.initial.mT.numpy() for state in network.hidden]),
            np.stack([state.initial_feature.mT.numpy() for state in network.hidden]),
        ]
    )
    factors = reduce_snapshots(initial, np.zeros((1, *initial.shape)))
    return Features(width, 2.0**-53, np.array([0]), np.array(SEEDS), factors)


def measured(
    names: Sequence[str] = ("NTP", "IP", "µP"),
    data: PreparedDataset = DATA,
    claimed: str | None = None,
    init_std: float = 1.0,
) -> pd.DataFrame:
    """kernels.csv of small networks; `claimed`: the scheme whose variances they should have."""
    return kernels_table(
        data.train_inputs,
        [(name, features(name, width, data)) for name in names for width in WIDTHS],
        {name: SCHEMES[claimed or name] for name in names},
        activation="tanh",
        init_std=init_std,
        reference_width=1.0,
        hidden_layers=LAYERS,
    )


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return measured()


def verdicts(table: pd.DataFrame) -> list[str]:
    return [finding.verdict for finding in findings(table)]


def test_rows_against_the_features_themselves(table: pd.DataFrame) -> None:
    assert len(table) == 3 * len(WIDTHS) * len(SEEDS) * LAYERS * 2
    network = initial_network(
        DATA, SCHEMES["IP"], 128, SEEDS, builders.recipe(hidden_layers=LAYERS), builders.CPU
    )
    kernel = GRAM
    for layer, state in enumerate(network.hidden, 1):
        for kind, values in (("h", state.initial[3]), ("x", state.initial_feature[3])):
            kernel = brute_force(kernel, torch.tanh) if kind == "x" else kernel
            gram = (values @ values.T).numpy() / 128
            row = table[
                (table["scheme"] == "IP")
                & (table["width"] == 128)
                & (table["seed"] == 3)
                & (table["layer"] == layer)
                & (table["kind"] == kind)
            ].iloc[0]
            error = np.linalg.norm(gram - kernel) / np.linalg.norm(kernel)
            assert row["error"] == pytest.approx(error, rel=1e-9)
            assert row["min_eig"] == pytest.approx(np.linalg.eigvalsh(gram)[0], rel=1e-6)
            eigenvalues = np.linalg.eigvalsh(kernel)
            assert row["limit_min_eig"] == pytest.approx(eigenvalues[0], rel=1e-6)
            assert row["limit_mean_eig"] == pytest.approx(eigenvalues.mean(), rel=1e-9)
        kernel = kernel / 128


def test_all_statements_hold_of_real_networks(table: pd.DataFrame) -> None:
    found = findings(table)
    assert [finding.verdict for finding in found] == ["holds"] * 3
    assert "NTP, IP, µP" in found[0].statement
    # IP's kernel shrinks with the width: it has no limit.
    assert "(NTP, µP)" in found[1].statement
    assert "24 of 24" not in found[0].evidence
    assert "18 of 18" in found[0].evidence


def test_a_wrong_power_or_size_of_the_variance_is_seen() -> None:
    assert verdicts(measured(["µP"], claimed="IP"))[0] == "fails"
    assert verdicts(measured(["IP"], claimed="µP"))[0] == "fails"
    assert verdicts(measured(["µP"], init_std=1.1)) == ["fails", "holds", "undetermined"]


def test_dependent_inputs_are_not_called_independent() -> None:
    data = builders.dataset(samples=SAMPLES, repeated=[(1, 0)])
    found = measured(["µP"], data=data)
    assert found["limit_min_eig"].isna().all()
    assert verdicts(found)[1] == "undetermined"
    # As many samples as can be independent, and one more.
    narrow = builders.dataset(samples=SAMPLES, dimension=SAMPLES - 1)
    found = measured(["µP"], data=narrow)
    inputs = (found["layer"] == 1) & (found["kind"] == "h")
    assert found.loc[inputs, "limit_min_eig"].isna().all()
    assert found.loc[~inputs, "limit_min_eig"].notna().all()
    evidence = findings(found)[1].evidence
    assert "h of layer 1 (µP) is below its resolution" in evidence


def test_least_eigenvalues_that_stay_away_are_seen(table: pd.DataFrame) -> None:
    away = table.assign(min_eig=table["min_eig"] * np.where(table["layer"] == 2, 0.01, 1))
    assert verdicts(away)[2] == "fails"
    leaving = table.assign(min_eig=table["limit_min_eig"] * (1 + table["width"] / 64))
    assert verdicts(leaving)[2] == "fails"


def test_few_widths_or_one_seed_decide_no_exponent(table: pd.DataFrame) -> None:
    for few in (table[table["width"] <= 128], table[table["seed"] == 0]):
        assert verdicts(few) == ["undetermined", "holds", "undetermined"]
    assert verdicts(table.iloc[:0]) == ["undetermined"] * 3


def test_rows_of_a_training_that_never_started_are_left_out() -> None:
    whole = features("µP", 64)
    broken = replace(whole, factors=whole.factors.copy())
    broken.factors[:, :, :, 2] = np.nan
    found = kernels_table(
        DATA.train_inputs, [("µP", broken)], SCHEMES,
        activation="tanh", init_std=1.0, reference_width=1.0, hidden_layers=LAYERS,
    )  # fmt: skip
    assert set(found["seed"]) == {*SEEDS} - {2}


def test_the_figure_draws_what_is_in_the_table(table: pd.DataFrame) -> None:
    drawn = figure.draw(table)
    assert isinstance(drawn, Figure)
    titles = [ax.get_title() for ax in drawn.axes]
    assert titles[1:] == ["Kernels with a limit", "Kernels that vary with $n$"]
    limit = nngp(GRAM, (1.0,) * LAYERS, torch.tanh)[-1].preactivation
    heights = [np.asarray(line.get_ydata(), dtype=float) for line in drawn.axes[1].lines]
    least = np.linalg.eigvalsh(limit)[0]
    assert any(np.allclose(height, least) for height in heights)
    errors = table[(table["scheme"] == "IP") & (table["kind"] == "h") & (table["layer"] == 3)]
    means = np.exp(np.log(errors["error"]).groupby(errors["width"]).mean())
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in drawn.axes[0].lines]
    assert any(len(line) == len(means) and np.allclose(line, means) for line in lines)


def test_figures_of_parts_of_a_table(table: pd.DataFrame) -> None:
    for part in (table.iloc[:0], table[table["width"] == 64], table[table["scheme"] == "IP"]):
        assert isinstance(figure.draw(part), Figure)
