"""From images to the network's inputs: standardised per pixel, scaled to unit Euclidean norm."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from infwidth.datasets.images import Array, LabelledImages
from infwidth.files.whole import load_arrays, save_arrays

Inputs = NDArray[np.float64]
Labels = NDArray[np.int64]


# Of the pairs of parallel inputs that a message names.
MOST_PAIRS = 3
# The pixels of both sets together may spread this many times as far as those of either. Sets of one
# source come near 1; even a single image of CIFAR-10, the flattest, spreads over a third of all
# values. A set left in 0..255 beside one in 0..1, or beside a standardised one, exceeds 50.
MOST_RANGES = 10


class PreparationError(ValueError):
    """The images cannot become inputs; the message names the config key and the remedy."""


@dataclass(frozen=True, eq=False)
class PreparedDataset:
    """What a network is trained on and judged by.

    Attributes:
        train_inputs: (N, d), rows of unit Euclidean norm.
        train_labels: (N,), in 0..classes-1.
        test_inputs: (M, d), rows of unit Euclidean norm.
        test_labels: (M,), in 0..classes-1.
        classes: number of distinct labels in the whole training set, of which N are only a part.
    """

    train_inputs: Inputs
    train_labels: Labels
    test_inputs: Inputs
    test_labels: Labels
    classes: int
    probe_inputs: Inputs | None = None

    @property
    def probes(self) -> Inputs:
        """The inputs whose features are measured, (N, d)."""
        return self.train_inputs if self.probe_inputs is None else self.probe_inputs

    def save(self, path: str | Path, *, name: str, sha256: str) -> None:
        """Write an npz file.

        Args:
            path: its name.
            name: of the data set; with `sha256`, kept beside the arrays (`datasets.identity`).
            sha256: the checksum of what the inputs follow from.
        """
        save_arrays(
            Path(path),
            train_inputs=self.train_inputs,
            train_labels=self.train_labels,
            test_inputs=self.test_inputs,
            test_labels=self.test_labels,
            classes=np.int64(self.classes),
            name=np.array(name),
            sha256=np.array(sha256),
        )

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote."""
        arrays = load_arrays(Path(path))
        return cls(
            train_inputs=arrays["train_inputs"],
            train_labels=arrays["train_labels"],
            test_inputs=arrays["test_inputs"],
            test_labels=arrays["test_labels"],
            classes=int(arrays["classes"]),
        )


def prepare(
    images: LabelledImages, *, pool: int, samples: int, test_samples: int
) -> PreparedDataset:
    """The first images of each set as inputs.

    Args:
        images: the whole data set.
        pool: how many of the first training images the pixels' mean and standard deviation are
            taken from, for training and test inputs alike.
        samples: N, how many of the first training images to keep.
        test_samples: M, how many of the first test images to keep.

    Raises:
        PreparationError: there are fewer images than asked for, or an image is constant after
            standardisation and so has no direction.
    """
    n_train, n_test = images.sizes
    for key, wanted, there in (
        ("pool", pool, n_train),
        ("samples", samples, n_train),
        ("test_samples", test_samples, n_test),
    ):
        if wanted > there:
            raise PreparationError(f"{key}: {wanted} images asked for, the data set has {there}")
    mean, std = pixel_statistics(_flat(images.train_images[:pool]))
    classes = np.unique(images.train_labels)
    return PreparedDataset(
        train_inputs=_inputs("training", images.train_images[:samples], mean, std),
        train_labels=relabel(images.train_labels[:samples], classes),
        test_inputs=_inputs("test", images.test_images[:test_samples], mean, std),
        test_labels=relabel(images.test_labels[:test_samples], classes),
        classes=len(classes),
    )


def pixel_statistics(pool: Inputs) -> tuple[Inputs, Inputs]:
    """Mean and population standard deviation of every pixel over the pool.

    Args:
        pool: (P, d) flattened images.

    Returns:
        mean (d,) and std (d,). The std of a pixel that is constant over the pool is exactly 0,
        which rounding alone would not give.

    Raises:
        PreparationError: a pixel's values are too large for their variance to be computed.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        mean: Inputs = pool.mean(axis=0)
        std: Inputs = pool.std(axis=0)
    if not np.isfinite(std).all():
        pixel = int(np.argmin(np.isfinite(std)))
        raise PreparationError(f"pool: the variance of pixel {pixel} overflows; scale the images")
    std[pool.min(axis=0) == pool.max(axis=0)] = 0.0
    return mean, std


def standardise(flat_images: Inputs, mean: Inputs, std: Inputs) -> Inputs:
    """(n, d) images less the mean over the std, pixel by pixel; 0 where the std is 0."""
    return np.divide(flat_images - mean, std, out=np.zeros_like(flat_images), where=std > 0)


def relabel(labels: Array, classes: Array) -> Labels:
    """Position of each label in the sorted distinct `classes`.

    Raises:
        PreparationError: a label is not among the classes.
    """
    if not np.isin(labels, classes).all():
        foreign = np.setdiff1d(labels, classes)[:5].tolist()
        raise PreparationError(f"labels that no training image bears: {foreign}")
    return np.searchsorted(classes, labels).astype(np.int64)


def doubts(images: LabelledImages, dataset: PreparedDataset) -> Iterator[str]:
    """What may be amiss with the images though it can be run with, a sentence each."""
    pairs = parallel_pairs(dataset.train_inputs)
    if pairs:
        first = ", ".join(f"{i} and {j}" for i, j in pairs[:MOST_PAIRS])
        more = ", ..." if len(pairs) > MOST_PAIRS else ""
        yield (
            f"training images that are equal up to a factor, {len(pairs)} in pairs ({first}{more}, "
            "counted from 0): their features are linearly dependent at every width, and the "
            "smallest eigenvalues are zero whatever the scheme"
        )
    train, test = _range(images.train_images), _range(images.test_images)
    both = max(train[1], test[1]) - min(train[0], test[0])
    if both > MOST_RANGES * min(train[1] - train[0], test[1] - test[0]):
        yield (
            f"test pixels go from {test[0]:g} to {test[1]:g}, training pixels from {train[0]:g} to "
            f"{train[1]:g}: if they are not scaled alike, test losses and accuracies mean nothing"
        )


def _range(images: Array) -> tuple[float, float]:
    return float(images.min()), float(images.max())


def parallel_pairs(inputs: Inputs) -> list[tuple[int, int]]:
    """Pairs of unit inputs that are equal up to sign, to which the paper's theorem does not apply.

    Assumption 4.1 of Chen et al. (2025) excludes them: their features are linearly dependent.
    """
    cosines = np.abs(np.triu(inputs @ inputs.T, k=1))
    return [(int(i), int(j)) for i, j in np.argwhere(cosines > 1 - 1e-12)]


def _flat(images: Array) -> Inputs:
    return images.reshape(len(images), -1).astype(np.float64)


def _inputs(kind: str, images: Array, mean: Inputs, std: Inputs) -> Inputs:
    inputs = standardise(_flat(images), mean, std)
    norms = np.linalg.norm(inputs, axis=1)
    unusable = np.flatnonzero((norms == 0) | ~np.isfinite(norms))
    if len(unusable):
        raise PreparationError(
            f"pool: {kind} image {unusable[0]} is zero or overflows after the standardisation, so "
            "it has no direction; take the statistics from more images, or remove it from the data"
        )
    unit: Inputs = inputs / norms[:, None]
    return unit
