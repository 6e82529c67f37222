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

# Config keys that say what of a data set becomes inputs.
COUNTS = ("pool", "samples", "test_samples", "train_samples", "probes")

# Images that are made inputs at a time.
BLOCK = 1000
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
        train_inputs: (`train_samples`, d), rows of unit Euclidean norm.
        train_labels: (`train_samples`,), in 0..classes-1.
        test_inputs: (M, d), rows of unit Euclidean norm.
        test_labels: (M,), in 0..classes-1.
        classes: number of distinct labels in the whole training set, of which these are only a
            part.
        probe_inputs: (N, d), rows of unit Euclidean norm, of the inputs whose features are
            measured; None where these are the training inputs themselves.
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

    @property
    def shown(self) -> int:
        """Of how many of the first training images losses are told: all, if they are the probes."""
        trained = len(self.train_labels)
        return trained if self.probe_inputs is None else min(trained, len(self.test_labels))

    def save(self, path: str | Path, *, name: str, sha256: str) -> None:
        """Write an npz file.

        Args:
            path: its name.
            name: of the data set; with `sha256`, kept beside the arrays (`datasets.identity`).
            sha256: the checksum of what the inputs follow from.
        """
        probes = {} if self.probe_inputs is None else {"probe_inputs": self.probe_inputs}
        save_arrays(
            Path(path),
            train_inputs=self.train_inputs,
            train_labels=self.train_labels,
            test_inputs=self.test_inputs,
            test_labels=self.test_labels,
            classes=np.int64(self.classes),
            name=np.array(name),
            sha256=np.array(sha256),
            **probes,
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
            probe_inputs=arrays.get("probe_inputs"),
        )


def prepare(
    images: LabelledImages,
    *,
    pool: int,
    samples: int,
    test_samples: int,
    train_samples: int | None = None,
    probes: str = "train",
) -> PreparedDataset:
    """The first images of each set as inputs.

    Args:
        images: the whole data set.
        pool: how many of the first training images the pixels' mean and standard deviation are
            taken from, for training and test inputs alike.
        samples: N, how many images to probe.
        test_samples: M, how many of the first test images to keep.
        train_samples: how many of the first training images to train on; None: the probes.
        probes: the first N images of `train` or of `test`, which takes `train_samples`.

    Raises:
        PreparationError: there are fewer images than asked for, or an image is constant after
            standardisation and so has no direction.
    """
    n_train, n_test = images.sizes
    trained = train_samples or samples
    for key, wanted, there in (
        ("pool", pool, n_train),
        ("samples", samples, n_test if probes == "test" else n_train),
        ("train_samples", trained, n_train),
        ("test_samples", test_samples, n_test),
    ):
        if wanted > there:
            raise PreparationError(f"{key}: {wanted} images asked for, the data set has {there}")
    mean, std = pixel_statistics(_flat(images.train_images[:pool]))
    classes = np.unique(images.train_labels)
    train_inputs = _inputs("training", images.train_images[:trained], mean, std)
    probe_inputs = None
    if train_samples is not None:
        probe_inputs = train_inputs[:samples]
    if probes == "test":
        probe_inputs = _inputs("test", images.test_images[:samples], mean, std)
    return PreparedDataset(
        train_inputs=train_inputs,
        train_labels=relabel(images.train_labels[:trained], classes),
        test_inputs=_inputs("test", images.test_images[:test_samples], mean, std),
        test_labels=relabel(images.test_labels[:test_samples], classes),
        classes=len(classes),
        probe_inputs=probe_inputs,
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
    pairs = parallel_pairs(dataset.probes)
    if pairs:
        first = ", ".join(f"{i} and {j}" for i, j in pairs[:MOST_PAIRS])
        more = ", ..." if len(pairs) > MOST_PAIRS else ""
        yield (
            f"probed images that are equal up to a factor, {len(pairs)} in pairs ({first}{more}, "
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
    units = np.empty((len(images), mean.size))
    # By blocks, so that nothing but the result grows with the images.
    for start in range(0, len(images), BLOCK):
        block = standardise(_flat(images[start : start + BLOCK]), mean, std)
        norms = np.linalg.norm(block, axis=1)
        unusable = np.flatnonzero((norms == 0) | ~np.isfinite(norms))
        if len(unusable):
            raise PreparationError(
                f"pool: {kind} image {start + unusable[0]} is zero or overflows after the "
                "standardisation, so it has no direction; take the statistics from more images, or "
                "remove it from the data"
            )
        np.divide(block, norms[:, None], out=units[start : start + BLOCK])
    return units
