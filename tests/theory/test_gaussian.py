"""Gaussian expectations and the kernels in closed form, against formulas and brute force."""

import math
from collections.abc import Callable

import builders
import numpy as np
import pytest
import torch
from brute_force import brute_force
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor

from infwidth.network.activations import ACTIVATIONS
from infwidth.schemes import SCHEMES
from infwidth.theory import gaussian
from infwidth.theory.gaussian import gaussian_expectation, nngp, weight_variances

Array = NDArray[np.float64]

DATA = builders.dataset(samples=5)
GRAM = DATA.train_inputs @ DATA.train_inputs.T


def derivative(name: str) -> Callable[[Tensor], Tensor]:
    phi = ACTIVATIONS[name]
    return lambda h: phi.derivative(h, phi.value(h))


def covariance(seed: int = 0) -> Array:
    """Positive definite, with variances from 0.1 to 5 and correlations of all sizes."""
    rng = np.random.default_rng(seed)
    roots = rng.standard_normal((4, 4)) * np.sqrt([[0.1], [0.5], [1.0], [5.0]]) / 2
    return roots @ roots.T


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
    monkeypatch.setattr(gaussian, "COARSE", 1.0)
    found, error = gaussian_expectation(np.eye(1), lambda h: torch.relu(h - 1))
    assert abs(found[0, 0] - exact) < error
    monkeypatch.undo()
    with pytest.raises(ValueError, match="away from 0"):
        gaussian_expectation(np.eye(2), lambda h: (h > 1).to(h.dtype))


def test_variances_are_width_times_those_of_the_weights() -> None:
    how = {"hidden_layers": 3, "init_std": 3.0, "reference_width": 4.0}
    assert weight_variances(SCHEMES["µP"], 64, **how) == (9, 9, 9, 9 / 16)  # type: ignore[arg-type]
    assert weight_variances(SCHEMES["IP"], 64, **how) == (9, 9 / 16, 9 / 16, 9 / 16)  # type: ignore[arg-type]
