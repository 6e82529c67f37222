"""What was trained on, what was probed, and for how long: in words, from the configuration.

A run's configuration may be older than the keys `train_samples`, `probes` and `epochs`: without
them, as where they are null, the probes are what is trained on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infwidth.experiment import steps_of


@dataclass(frozen=True)
class Trained:
    """A training in words.

    Attributes:
        apart: whether the training set is another than the probes.
        inputs: the training set and the probes.
        method: of descent, with its batch.
        batch: the images in one, or that it is all of them.
        steps: how many gradient steps were taken.
        epochs: how many epochs these are, where that was asked for; else empty.
        length: both.
        read: what losses and accuracies are means over, where that is not said by `inputs`.
    """

    apart: bool
    inputs: str
    method: str
    batch: str
    steps: int
    epochs: str
    length: str
    read: str


def trained(config: Mapping[str, Any]) -> Trained:
    """How a run was trained.

    Args:
        config: the configuration, from provenance.json.
    """
    probes, images, size = config["samples"], config.get("train_samples"), config["batch_size"]
    asked, taken = config.get("epochs"), steps_of(config)
    epochs = "" if asked is None else f"{asked:g} epoch{'' if asked == 1 else 's'}"
    if images is None:
        inputs = f"the first {probes} training images, trained on and probed"
        several, whole, read = "samples", "N samples", ""
    else:
        held_out = config.get("probes") == "test"
        probed = f"the first {probes} " + ("test images, held out," if held_out else "of them")
        inputs = f"the first {images} training images for training and {probed} as probes"
        several, whole, tested = "images", f"{images} images", config["test_samples"]
        read = f"the first {min(images, tested)} training images and the first {tested} test images"
    return Trained(
        apart=images is not None,
        inputs=inputs,
        method=f"SGD, {size} {several} a batch" if size else "full-batch gradient descent",
        batch=str(size or f"full: all {whole} at every step"),
        steps=taken,
        epochs=epochs,
        length=f"{taken} steps ({epochs})" if epochs else f"{taken} steps",
        read=read,
    )
