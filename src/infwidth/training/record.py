"""What one training leaves behind, and its files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infwidth.files.whole import save_arrays

CURVES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "weight_change")


@dataclass
class TrainingRecord:
    """Snapshots and curves of R seeds, L hidden layers, N samples, at S steps.

    The movement stands apart from the initial features, with its own relative accuracy. A replica
    that diverged has NaN from its step on.

    Attributes:
        steps: the snapshots' steps, shape (S,).
        seeds: shape (R,).
        unit_roundoff: of the products with the weights, as they were computed.
        initial: (h^0, x^0), shape (2, L, R, n, N), float32, or float64 at that precision.
        change: (δh, δx), shape (S, 2, L, R, n, N), likewise.
        curves: each of CURVES, shape (S, R). Losses and accuracies are means over samples;
            weight_change is ‖W_t - W_{t-1}‖_F / ‖W_0‖_F, its mean over the layers.
        diverged: seed -> the step at which its loss left the finite range.
        device: the name of the processor the training ran on.
    """

    steps: NDArray[np.int64]
    seeds: NDArray[np.int64]
    unit_roundoff: float
    initial: NDArray[np.floating]
    change: NDArray[np.floating]
    curves: dict[str, NDArray[np.float64]]
    diverged: dict[int, int]
    device: str

    def arrays(self) -> dict[str, NDArray[np.floating]]:
        """What a training fills in, and what it started from; not copied."""
        return {"initial": self.initial, "change": self.change, **self.curves}

    def save(self, snapshots: Path, curves: Path) -> None:
        """Write the features (large, needed once) and the curves (small) to two npz files."""
        save_arrays(
            snapshots,
            steps=self.steps,
            seeds=self.seeds,
            unit_roundoff=self.unit_roundoff,
            initial=self.initial,
            change=self.change,
        )
        save_arrays(
            curves,
            steps=self.steps,
            seeds=self.seeds,
            values=self.stacked_curves,
            diverged=self.lost,
            device=self.device,
        )

    @property
    def stacked_curves(self) -> NDArray[np.float64]:
        """The curves in the order of CURVES, shape (5, S, R)."""
        return np.stack([self.curves[name] for name in CURVES])

    @property
    def lost(self) -> NDArray[np.int64]:
        """Seed and step of each replica that diverged, shape (how many, 2)."""
        return np.array(sorted(self.diverged.items()), dtype=np.int64).reshape(-1, 2)
