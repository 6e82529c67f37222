from pathlib import Path

import numpy as np
import pytest

from infwidth.measures.features import Features, r_factor, reduce_snapshots


@pytest.mark.parametrize("rows", [3, 8, 17, 64])
@pytest.mark.parametrize("block_rows", [5, 16, 1000])
def test_r_factor_has_the_gram_matrix_of_the_stacked_features(rows: int, block_rows: int) -> None:
    rng = np.random.default_rng(0)
    initial, change = rng.standard_normal((2, rows, 4))
    factor = r_factor(initial, change, block_rows)
    stacked = np.concatenate([initial, change], axis=1)
    assert factor.shape == (8, 8)
    assert np.array_equal(factor, np.triu(factor))
    np.testing.assert_allclose(factor.T @ factor, stacked.T @ stacked, atol=1e-12)


def test_r_factor_works_in_float64_whatever_the_features_are_in() -> None:
    rng = np.random.default_rng(1)
    initial, change = rng.standard_normal((2, 500, 3)).astype(np.float32)
    exact = np.concatenate([initial, change], axis=1).astype(np.float64)
    factor = r_factor(initial, change, block_rows=64)
    np.testing.assert_allclose(factor.T @ factor, exact.T @ exact, rtol=1e-13, atol=1e-12)


def test_r_factor_keeps_a_movement_far_smaller_than_the_features() -> None:
    """Direct float64 SVD of a 1e-9 movement, which float32 sums with h^0 would have lost."""
    rng = np.random.default_rng(2)
    initial = rng.standard_normal((200, 3))
    change = 1e-9 * rng.standard_normal((200, 3))
    singular = np.linalg.svd(r_factor(initial, change)[:, 3:], compute_uv=False)
    np.testing.assert_allclose(singular, np.linalg.svd(change, compute_uv=False), rtol=1e-6)


def test_reduce_snapshots_pairs_every_change_with_its_own_initial_features() -> None:
    rng = np.random.default_rng(3)
    initial = rng.standard_normal((2, 3, 2, 9, 2))
    change = rng.standard_normal((4, 2, 3, 2, 9, 2))
    factors = reduce_snapshots(initial, change)
    assert factors.shape == (4, 2, 3, 2, 4, 4)
    for snapshot, kind, layer, replica in np.ndindex(4, 2, 3, 2):
        np.testing.assert_array_equal(
            factors[snapshot, kind, layer, replica],
            r_factor(initial[kind, layer, replica], change[snapshot, kind, layer, replica]),
        )


def test_a_diverged_replica_gives_nan_and_leaves_the_others_alone() -> None:
    rng = np.random.default_rng(4)
    initial = rng.standard_normal((2, 1, 2, 9, 2))
    change = rng.standard_normal((1, 2, 1, 2, 9, 2))
    change[:, :, :, 1] = np.nan
    factors = reduce_snapshots(initial, change)
    assert np.isnan(factors[:, :, :, 1]).all()
    assert np.isfinite(factors[:, :, :, 0]).all()


def test_features_survive_their_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    initial, change = rng.standard_normal((2, 1, 2, 7, 2)), rng.standard_normal((3, 2, 1, 2, 7, 2))
    snapshots = tmp_path / "snapshots.npz"
    np.savez(
        snapshots,
        steps=[0, 1, 5],
        seeds=[0, 1],
        unit_roundoff=2.0**-24,
        initial=initial,
        change=change,
    )
    features = Features.of_snapshots(snapshots)
    features.save(tmp_path / "features.npz")
    again = Features.load(tmp_path / "features.npz")
    assert (again.width, again.unit_roundoff) == (7, 2.0**-24)
    for name in ("steps", "seeds", "factors"):
        np.testing.assert_array_equal(getattr(again, name), getattr(features, name))
