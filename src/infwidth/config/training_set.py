"""Rules between the keys that say what is trained on, in which batches, and for how long."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any

from infwidth.experiment import OF_TRAINING_SET, steps_of

Problem = tuple[str, str]


def settle(values: dict[str, Any], given: Collection[str], images: Callable[[], int]) -> None:
    """Of `steps` and `epochs` keep what was given, and say `all` in numbers.

    Args:
        values: the keys whose own value is right; changed in place. Where the data cannot tell how
            many `all` are, `train_samples` goes.
        given: the keys that were laid over others.
        images: the number of training images; asked for nothing but `all`. It may raise
            ValueError or OSError, or LookupError where the keys that it needs are wrong.
    """
    for key, other in (("steps", "epochs"), ("epochs", "steps")):
        if values.get(key) is not None and key in given and other in values.keys() - given:
            values[other] = None
    if values.get("train_samples") == "all":
        del values["train_samples"]
        with suppress(ValueError, OSError, LookupError):
            values["train_samples"] = images()


def training_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What does not go together of settled values; a rule about an absent key is skipped."""
    yield from _images(values)
    yield from _length(values)
    yield from _statements(values)
    keys = {"layer", "widths", "samples", "train_samples", "batch_size", "steps", "epochs"}
    if keys <= values.keys() and values["layer"] == "lazy" and values["train_samples"]:
        yield from _directions(values)


def _images(values: Mapping[str, Any]) -> Iterator[Problem]:
    samples, some = values.get("samples"), values.get("train_samples")
    if samples and some and some < samples:
        yield (
            "train_samples",
            f"found {some}, fewer than the {samples} samples; choose at least {samples}, or fewer "
            "`samples`",
        )
    if values.get("probes") == "test" and values.get("train_samples", "wrong") is None:
        yield (
            "probes",
            "found test, but with `train_samples: null` the probes are what is trained on; write "
            "`train_samples: all`, or a number, or `probes: train`",
        )
    batch, key = values.get("batch_size"), "train_samples" if some else "samples"
    images = some or (samples if "train_samples" in values else None)
    if batch and images and batch > images:
        yield (
            "batch_size",
            f"found {batch}, more than the {images} {key}; choose at most {images}, or null "
            "for full-batch gradient descent",
        )


def _length(values: Mapping[str, Any]) -> Iterator[Problem]:
    if not {"steps", "epochs"} <= values.keys():
        return
    steps, epochs = values["steps"], values["epochs"]
    if steps is None and epochs is None:
        yield (
            "steps",
            "found null, and `epochs: null` beside it: one of them must say how long to train; "
            "write `steps: 200`, or `epochs: 5` with a `batch_size`",
        )
    if steps is not None and epochs is not None:
        yield (
            "epochs",
            f"found {epochs:g}, but `steps: {steps}` says how long to train, too; write "
            "`steps: null` beside it, or `epochs: null`",
        )
    counted = [values.get(key, "wrong") for key in ("train_samples", "batch_size")]
    if epochs is not None and counted == [None, None]:
        yield (
            "epochs",
            f"found {epochs:g}, but with `train_samples: null` and `batch_size: null` every step "
            "takes all images; write `steps` in their place, or choose a `batch_size`",
        )


def _statements(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Statements about a training set, listed by an experiment that trains on its probes."""
    listed = (values.get("theory") or {}).get("statements") or ()
    about = [name for name in listed if name in OF_TRAINING_SET]
    if about and values.get("train_samples", "wrong") is None:
        yield (
            "theory.statements",
            f"found {', '.join(about)}, about a training set, but train_samples is null; give the "
            "number of images to train on, for example `train_samples: 5000`, or leave "
            f"{'it' if len(about) == 1 else 'them'} out",
        )


def _directions(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Every image of every batch is another direction for a layer that is drawn where looked at."""
    if (values["steps"] is None) == (values["epochs"] is None):
        return
    steps, batch = steps_of(values), values["batch_size"] or values["train_samples"]
    directions, narrowest = values["samples"] + steps * batch, min(values["widths"])
    if directions > narrowest:
        yield (
            "layer",
            f"found lazy, but {steps} steps of {batch} images and the {values['samples']} samples "
            f"look at up to {directions} directions, and a matrix of width {narrowest} has no more "
            f"than {narrowest}; choose `layer: auto`, which is dense there",
        )
