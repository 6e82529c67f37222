"""From feature snapshots to R factors: what the spectra need, at a size that n does not enter.

The n x 2N matrix A = [h^0, δh] of one replica, layer and snapshot has the QR factorisation A = Q R,
and R (2N x 2N) has A's singular values and its columns' norms. Stacking δh rather than h^T keeps
the relative accuracy of a movement that is tiny beside h^0. Everything is float64.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from infwidth.files.whole import load_arrays, save_arrays
from infwidth.training.record import TrainingRecord

KINDS = ("h", "x")


@dataclass(frozen=True)
class Features:
    """R factors of [h^0, δh] and [x^0, δx] for R seeds, L layers, S snapshots.

    Attributes:
        width: n.
        unit_roundoff: of the products that the features were computed by.
        steps: shape (S,).
        seeds: shape (R,).
        factors: shape (S, 2, L, R, 2N, 2N); the second axis is the kind, h or x. NaN where the
            replica had diverged. For n < 2N the last rows are zero.
    """

    width: int
    unit_roundoff: float
    steps: NDArray[np.int64]
    seeds: NDArray[np.int64]
    factors: NDArray[np.float64]

    @classmethod
    def of_snapshots(cls, snapshots: Path) -> Self:
        """Reduce the snapshots of one training, from `TrainingRecord.save`."""
        arrays = load_arrays(snapshots)
        return cls(
            width=arrays["initial"].shape[-2],
            unit_roundoff=float(arrays["unit_roundoff"]),
            steps=arrays["steps"],
            seeds=arrays["seeds"],
            factors=reduce_snapshots(arrays["initial"], arrays["change"]),
        )

    @classmethod
    def of_record(cls, record: TrainingRecord) -> Self:
        """Reduce the snapshots of one training, in memory."""
        return cls(
            width=record.initial.shape[-2],
            unit_roundoff=record.unit_roundoff,
            steps=record.steps,
            seeds=record.seeds,
            factors=reduce_snapshots(record.initial, record.change),
        )

    def save(self, path: Path) -> None:
        """Write to an npz file."""
        save_arrays(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        arrays = load_arrays(path)
        return cls(
            width=int(arrays["width"]),
            unit_roundoff=float(arrays["unit_roundoff"]),
            steps=arrays["steps"],
            seeds=arrays["seeds"],
            factors=arrays["factors"],
        )


def r_factor(
    initial: NDArray[np.floating], change: NDArray[np.floating], block_rows: int = 8192
) -> NDArray[np.float64]:
    """R of [initial, change], read in blocks of rows so that memory does not grow with n.

    Args:
        initial: features at initialisation, shape (n, N).
        change: their movement, shape (n, N).
        block_rows: rows factorised at a time.

    Returns:
        Upper triangular, shape (2N, 2N), up to the signs of its rows; NaN if the change has NaN.
    """
    rows, samples = initial.shape
    factor = np.zeros((0, 2 * samples))
    for start in range(0, rows, block_rows):
        block = slice(start, start + block_rows)
        stacked = np.concatenate([initial[block], change[block]], axis=1, dtype=np.float64)
        if not np.isfinite(stacked).all():
            return np.full((2 * samples, 2 * samples), np.nan)
        factor = np.asarray(np.linalg.qr(np.concatenate([factor, stacked]), mode="r"))
    missing = 2 * samples - len(factor)
    return np.concatenate([factor, np.zeros((missing, 2 * samples))])


def reduce_snapshots(
    initial: NDArray[np.floating], change: NDArray[np.floating]
) -> NDArray[np.float64]:
    """R factors of every snapshot, kind, layer and replica.

    Args:
        initial: (h^0, x^0), shape (2, L, R, n, N).
        change: (δh, δx) at every snapshot, shape (S, 2, L, R, n, N).

    Returns:
        Shape (S, 2, L, R, 2N, 2N).
    """
    size = 2 * initial.shape[-1]
    factors = np.empty((*change.shape[:-2], size, size))
    for index in np.ndindex(change.shape[:-2]):
        factors[index] = r_factor(initial[index[1:]], change[index])
    return factors
