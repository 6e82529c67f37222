import numpy as np
import pytest
from numpy.typing import NDArray

from infwidth.measures.features import r_factor
from infwidth.measures.spectra import Spectra, spectra

Array = NDArray[np.float64]
FLOAT64 = 2.0**-53
FLOAT32 = 2.0**-24


def measure(initial: Array, change: Array, unit_roundoff: float = FLOAT64) -> Spectra:
    return spectra(r_factor(initial, change)[None], len(initial), unit_roundoff)


def with_singular_values(values: Array, rows: int, rng: np.random.Generator) -> Array:
    """A matrix with these singular values and random singular vectors."""
    left = np.linalg.qr(rng.standard_normal((rows, len(values))))[0]
    right = np.linalg.qr(rng.standard_normal((len(values), len(values))))[0]
    return np.asarray(left * values @ right.T)


def test_every_metric_against_slow_loops() -> None:
    rng = np.random.default_rng(0)
    n, samples = 50, 4
    initial, change = rng.standard_normal((2, n, samples))
    final = initial + change
    measured = measure(initial, change)

    changes = []
    for i in range(samples):
        moved = sum(change[unit, i] ** 2 for unit in range(n)) ** 0.5
        changes.append(moved / sum(initial[unit, i] ** 2 for unit in range(n)) ** 0.5)
    assert measured.feature_change[0] == pytest.approx(sum(changes) / samples, rel=1e-12)

    gram = np.array(
        [[sum(final[:, i] * final[:, j]) / n for j in range(samples)] for i in range(samples)]
    )
    np.testing.assert_allclose(measured.gram[0], np.linalg.eigvalsh(gram), rtol=1e-10)

    columns = [
        column for i in range(samples) for column in (initial[:, i], final[:, i])
    ]  # h_1^0, h_1^T, h_2^0, h_2^T, ...
    spacetime = np.array([[float(a @ b) / n for b in columns] for a in columns])
    np.testing.assert_allclose(measured.spacetime[0], np.linalg.eigvalsh(spacetime), rtol=1e-9)


@pytest.mark.parametrize("smallest", [1e-8, 1e-11, 1e-14])
def test_least_eigenvalues_down_to_1e_14_against_a_direct_svd(smallest: float) -> None:
    """λ_min = 1e-14 beside λ_max = 1: far under what eigenvalues of a float32 Gram could hold."""
    rng = np.random.default_rng(1)
    n = 300
    values = np.sqrt(n * np.geomspace(smallest, 1.0, 6))
    final = with_singular_values(values, n, rng)
    initial = rng.standard_normal((n, 6))
    measured = measure(initial, final - initial)
    direct = np.linalg.svd(final, compute_uv=False)[-1] ** 2 / n
    assert measured.gram[0, 0] == pytest.approx(smallest, rel=1e-5)
    assert measured.gram[0, 0] == pytest.approx(direct, rel=1e-5)
    assert measured.gram[0, 0] > measured.resolution[0]


@pytest.mark.parametrize("movement", [1e-2, 1e-5, 1e-7])
def test_space_time_follows_a_movement_that_is_tiny_beside_the_features(movement: float) -> None:
    """With h^0 and δh orthogonal to one another, λ_min is |δh|² / 2 to first order."""
    rng = np.random.default_rng(2)
    n, samples = 400, 3
    basis = np.linalg.qr(rng.standard_normal((n, 2 * samples)))[0] * np.sqrt(n)
    initial, change = basis[:, :samples], movement * basis[:, samples:]
    measured = measure(initial, change, FLOAT32)
    exact = 1 + movement**2 / 2 - np.sqrt(1 + movement**4 / 4)
    expected = movement**2 / 2 if movement < 1e-4 else exact
    assert measured.spacetime[0, 0] == pytest.approx(expected, rel=1e-4)
    assert measured.spacetime[0, 0] > measured.spacetime_resolution[0]


def test_rounding_to_float32_stays_under_the_resolution() -> None:
    """A matrix of exact rank 1, rounded: what is left of its zero eigenvalues is not resolved."""
    rng = np.random.default_rng(3)
    n, samples = 2000, 8
    final = np.outer(rng.standard_normal(n), rng.standard_normal(samples))
    initial = 1e-3 * np.outer(rng.standard_normal(n), np.ones(samples))
    change = (final - initial).astype(np.float32).astype(np.float64)
    measured = measure(initial, change, FLOAT32)
    assert 0 < measured.gram[0, 0] < measured.resolution[0]
    # and the floor is not so high that it hides what float32 does hold
    assert measured.resolution[0] < 1e-12 * measured.gram[0, -1]


def test_a_repeated_movement_is_under_the_space_time_resolution() -> None:
    rng = np.random.default_rng(4)
    initial, change = rng.standard_normal((2, 500, 3))
    change[:, 1] = change[:, 0]
    initial[:, 1] = initial[:, 0]
    measured = measure(initial, change)
    assert measured.spacetime[0, 0] < measured.spacetime_resolution[0]
    assert measured.gram[0, 0] < measured.resolution[0]


@pytest.mark.parametrize(("n", "defined"), [(7, False), (8, True)])
def test_space_time_is_undefined_where_twice_the_samples_exceed_the_width(
    n: int, defined: bool
) -> None:
    rng = np.random.default_rng(5)
    measured = measure(*rng.standard_normal((2, n, 4)))
    assert np.isfinite(measured.spacetime).all() == defined
    assert np.isfinite(measured.spacetime_resolution).all() == defined
    assert np.isfinite(measured.gram).all()


def test_nan_in_one_replica_is_nan_there_alone() -> None:
    rng = np.random.default_rng(6)
    factors = np.stack([r_factor(*rng.standard_normal((2, 20, 2))) for _ in range(2)])
    factors[1] = np.nan
    measured = spectra(factors, 20, FLOAT64)
    for values in vars(measured).values():
        assert np.isfinite(values[0]).all()
        assert np.isnan(values[1]).all()
