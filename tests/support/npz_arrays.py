"""What an npz file of images may hold."""

from typing import Any

import numpy as np


def good_arrays() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "train_images": rng.integers(0, 256, (6, 4, 4), dtype=np.uint8),
        "train_labels": np.array([3, 5, 3, 9, 5, 3]),
        "test_images": rng.integers(0, 256, (2, 4, 4), dtype=np.uint8),
        "test_labels": np.array([9, 3]),
    }
