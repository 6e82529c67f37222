"""A data set as it comes from its source: images and labels of a training and a test set."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images and labels in the source's own order, before any processing.

    Attributes:
        train_images: (n_train, ...) real numbers of any dtype; the trailing axes are one image.
        train_labels: (n_train,) integers of any value.
        test_images: (n_test, ...), images of the same shape.
        test_labels: (n_test,).
    """

    train_images: Array
    train_labels: NDArray[np.integer[Any]]
    test_images: Array
    test_labels: NDArray[np.integer[Any]]

    @property
    def sizes(self) -> tuple[int, int]:
        """Number of training and of test images."""
        return len(self.train_labels), len(self.test_labels)
