"""The handwritten digits that scikit-learn carries with it: no download."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from infwidth.datasets.images import LabelledImages

TEST_IMAGES = 360


def load_digits() -> LabelledImages:
    """Images (n, 8, 8) float64, in 0..16; the last 360 of the 1797 are the test set.

    The file is read as `sklearn.datasets.load_digits` reads it, without that function: importing
    it takes more than ten times as long as reading the digits.

    Raises:
        FileNotFoundError: scikit-learn is not installed, or keeps the digits elsewhere.
    """
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise FileNotFoundError("the digits come with scikit-learn, which is not installed")
    rows = np.loadtxt(
        Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz", delimiter=","
    )
    images, labels = rows[:, :-1].reshape(-1, 8, 8), rows[:, -1].astype(np.int64)
    return LabelledImages(
        train_images=images[:-TEST_IMAGES],
        train_labels=labels[:-TEST_IMAGES],
        test_images=images[-TEST_IMAGES:],
        test_labels=labels[-TEST_IMAGES:],
    )
