"""What features hold of the classes, and in how many of their directions.

Directions are the principal ones of the features of training images. A linear probe reads the
leading k of them: ridge regression of the labels, whose ridge is chosen on training images alone,
by leaving one out. All this is ours.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

# Ridges, as parts of the mean eigenvalue.
RIDGES = tuple(10.0**power for power in range(-9, 3))


def signal_rows(
    train: Array, train_labels: Labels, test: Array, test_labels: Labels, classes: int
) -> Iterator[dict[str, float]]:
    """A row for each number k of leading directions.

    Args:
        train: features of training images, shape (K, n).
        train_labels: shape (K,).
        test: features of test images, shape (M, n).
        test_labels: shape (M,).
        classes: how many.

    Yields:
        `directions` k; `variance`, their share in the variance of the features; `signal`, how much
        of the variance of the labels is linear in them; `accuracy` of the probe on test images.
    """
    centre, shares = train.mean(axis=0), np.bincount(train_labels, minlength=classes) / len(train)
    targets = np.eye(classes)[train_labels] - shares
    left, sizes, right = np.linalg.svd(train - centre, full_matrices=False)
    variance, along, scores = sizes**2, left.T @ targets, (test - centre) @ right.T
    rounding = sizes[0] * max(train.shape) * np.finfo(np.float64).eps
    for count in counts(classes, int((sizes > rounding).sum())):
        part = slice(count)
        ridge = _ridge(left[:, part], variance[part], targets, along[part])
        weights = (sizes[part] / (variance[part] + ridge))[:, None] * along[part]
        told = scores[:, part] @ weights + shares
        yield {
            "directions": count,
            "variance": float(variance[part].sum() / variance.sum()),
            "signal": float(np.square(along[part]).sum() / np.square(targets).sum()),
            "accuracy": float((told.argmax(axis=1) == test_labels).mean()),
        }


def counts(classes: int, most: int) -> list[int]:
    """Numbers of directions: those that tell the classes apart, powers of 2, and all.

    >>> counts(10, 100)
    [1, 2, 4, 8, 9, 16, 32, 64, 100]
    """
    powers = {2**power for power in range(most.bit_length())}
    return sorted(count for count in {*powers, classes - 1, most} if 0 < count <= most)


def _ridge(left: Array, variance: Array, targets: Array, along: Array) -> float:
    """Of `RIDGES`, that with the least squared error where each image in turn is left out."""
    squares = left**2

    def error(ridge: float) -> float:
        kept = variance / (variance + ridge)
        leverage = squares @ kept + 1 / len(left)
        missed = targets - left @ (kept[:, None] * along)
        return float(np.square(missed / (1 - leverage)[:, None]).sum())

    return min((part * float(variance.mean()) for part in RIDGES), key=error)
