"""Which data set a run saw: its name, and a checksum that every way to the same inputs shares."""

import hashlib
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Self

import numpy as np

from infwidth.datasets.images import Array, LabelledImages
from infwidth.datasets.prepare import relabel
from infwidth.files.whole import load_arrays


@dataclass(frozen=True)
class Identity:
    """A data set's identity, as provenance.json has it.

    Attributes:
        name: as readers know it.
        sha256: of what the inputs follow from, in hexadecimal.
    """

    name: str
    sha256: str

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """From the file of the prepared data."""
        arrays = load_arrays(Path(path))
        return cls(name=str(arrays["name"]), sha256=str(arrays["sha256"]))

    def to_json(self) -> dict[str, str]:
        """In JSON types."""
        return asdict(self)


def inputs_sha256(
    images: LabelledImages,
    *,
    pool: int,
    samples: int,
    test_samples: int,
    train_samples: int | None = None,
    probes: str = "train",
) -> str:
    """SHA-256 of all that the inputs and their labels follow from.

    That is the line `pool samples test_samples classes`, then the first max(pool, samples) training
    images and the first `test_samples` test images, each as its pixels in float64, and the labels
    of the N training and of the test images, from 0, in int64; all in little-endian order. With
    `train_samples`, it and `probes` end the line, it takes the place of N and of `samples` in the
    rest, and test images that are probed count as well.

    Pixels are exact in float64 (or rounded as IEEE 754 prescribes), so the checksum is the same on
    every machine, and for every file, dtype and layout that the images come from. The inputs
    themselves would not do: sums and norms differ in last bits from machine to machine.

    Args:
        images: the data set, or its first images if these bear all of its classes.
        pool: how many of the first training images the statistics are taken from.
        samples: N, how many are probed.
        test_samples: how many of the first test images are used.
        train_samples: how many of the first training images are trained on; None: the probes.
        probes: whether the first images of `train` or of `test` are probed.
    """
    classes = np.unique(images.train_labels)
    counts = [pool, samples, test_samples, len(classes)]
    line = counts if train_samples is None else [*counts, train_samples, probes]
    trained = train_samples or samples
    tested = max(test_samples, samples) if probes == "test" else test_samples
    digest = hashlib.sha256(f"{' '.join(map(str, line))}\n".encode())
    for image in chain(images.train_images[: max(pool, trained)], images.test_images[:tested]):
        digest.update(_pixels(image))
    for labels in (images.train_labels[:trained], images.test_labels[:test_samples]):
        digest.update(relabel(labels, classes).astype("<i8").tobytes())
    return digest.hexdigest()


def _pixels(image: Array) -> bytes:
    # The sign of a zero is no difference between inputs: -0.0 + 0.0 is 0.0.
    return (image.astype(np.float64) + 0.0).astype("<f8").tobytes()
