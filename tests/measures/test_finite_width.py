import numpy as np
import pytest
from numpy.typing import NDArray

from infwidth.measures import finite_width
from infwidth.measures.finite_width import expected_log_spectrum, limit_spectrum, log_factors

Array = NDArray[np.float64]
SPECTRA = {
    "equal": np.ones(16),
    "spread": np.geomspace(0.05, 5.0, 16),
}


def sampled_log_spectrum(limit: Array, width: int, stages: int, draws: int) -> Array:
    """The slow way: n x m Gaussian features, layer by layer, and the SVD of the last ones."""
    rng = np.random.default_rng(7)
    logs = []
    for _ in range(draws):
        root = np.diag(np.sqrt(limit))
        for _ in range(stages):
            features = rng.standard_normal((width, len(limit))) @ root
            # a root of the features' sample covariance serves the next layer
            root = np.linalg.qr(features, mode="r") / np.sqrt(width)
        logs.append(np.log(np.linalg.svd(root, compute_uv=False)[::-1] ** 2))
    return np.asarray(np.mean(logs, axis=0))


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("width", [32, 128])
@pytest.mark.parametrize("stages", [1, 3])
def test_expected_spectrum_against_sampled_features(spectrum: str, width: int, stages: int) -> None:
    limit = SPECTRA[spectrum]
    expected = expected_log_spectrum(limit, width, stages)
    sampled = sampled_log_spectrum(limit, width, stages, draws=200)
    scatter = 0.35 * np.sqrt(stages * 32 / width)  # of one draw, at most
    np.testing.assert_allclose(expected, sampled, atol=4 * scatter / np.sqrt(32))


def test_equal_limit_eigenvalues_follow_marchenko_and_pastur() -> None:
    size = 64
    for width in (256, 1024):
        edge = 2 * np.log1p(-np.sqrt(size / width))
        least = expected_log_spectrum(np.ones(size), width, 1)[0]
        # the least of 64 lies above the edge by its own fluctuation, of order n^(-2/3)
        assert edge < least < edge + 0.12


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("stages", [1, 2])
def test_the_limit_spectrum_is_found_back(
    spectrum: str, stages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finite_width, "DRAWS", 512)  # here the draws' own scatter would count
    limit = SPECTRA[spectrum]
    measured = np.exp(sampled_log_spectrum(limit, 256, stages, draws=400))
    raw_error = np.abs(np.log(measured / limit)).max()
    error = np.abs(np.log(limit_spectrum(measured, 256, stages) / limit)).max()
    assert error < 0.35 * raw_error


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_factors_rise_to_one_and_nested_samples_weigh_more(stages: int) -> None:
    widths = [64, 256, 1024, 2**20]
    factors = log_factors(SPECTRA["spread"], widths, stages)
    assert (np.diff(factors) > 0).all()
    assert factors[-1] == pytest.approx(0.0, abs=0.01)
    if stages > 1:
        assert (factors[:-1] < log_factors(SPECTRA["spread"], widths, stages - 1)[:-1]).all()
