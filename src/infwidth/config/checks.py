"""Rules between keys, and between keys and the data or the machine."""

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from infwidth.config.training_set import Problem, training_problems
from infwidth.config.wording import printable, show
from infwidth.schemes import ROLES, Scheme

# (dataset, dataset_path) -> numbers of training and test images.
Sizes = Callable[[str, str | None], tuple[int, int]]


def cross_problems(
    values: Mapping[str, Any], sizes: Sizes, cuda_available: Callable[[], bool]
) -> Iterator[Problem]:
    """Problems that only show when keys are seen together.

    Args:
        values: the keys whose own value is right, in a mapping as well; a rule about a key that is
            absent is skipped.
        sizes: numbers of images of a data set; a ValueError or OSError of its is a problem of
            the data, with its text.
        cuda_available: whether a GPU can be used; asked only where `device` is cuda.

    Yields:
        (key, text).
    """
    unusable = dict(_paths(values))
    yield from unusable.items()
    yield from _data({key: values[key] for key in values if key not in unusable}, sizes)
    yield from _powers(values)
    yield from training_problems(values)
    samples, theory = values.get("samples"), values.get("theory") or {}
    few = theory.get("samples")
    if few and samples and few > samples:
        yield (
            "theory.samples",
            f"found {few}, more than the {samples} samples; choose 4 to {samples}, or "
            "`theory: false` to leave the checks of the theory out",
        )
    if theory and values.get("hidden_layers") == 1:
        yield (
            "hidden_layers",
            "found 1, but the checks of the theory look at a hidden layer after the first; choose "
            "at least 2, or `theory: false` to leave them out",
        )
    device = values.get("device")
    if values.get("precision") == "tf32" and device == "cpu":
        yield (
            "precision",
            "tf32 exists on NVIDIA GPUs only; choose `precision: float32` with `device: cpu`",
        )
    if device == "cuda" and not cuda_available():
        yield (
            "device",
            "found cuda, but PyTorch sees no usable GPU here; choose `device: auto`, which uses a "
            "GPU where there is one, or `device: cpu`",
        )


def _paths(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Paths that Snakemake or this machine cannot work with."""
    for key in ("data_root", "dataset_path"):
        path = values.get(key)
        if path is None:
            continue
        odd = sorted({each for each in path if each in "{}" or not each.isprintable()})
        if odd:
            yield (
                key,
                f"found {show(path)}, with {' and '.join(map(show, odd))} in it, which no path may "
                "hold here (Snakemake fills in what stands in braces); choose or make another",
            )
            continue
        try:
            Path(path, "file").exists()
        except OSError as error:
            yield key, f"found {show(path)}, where nothing can be kept: {error.strerror}"


def _powers(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Schemes whose weights or rates are beyond all numbers at a width of the experiment."""
    keys = ("schemes", "widths", "reference_width", "init_std", "learning_rate")
    if not {*keys} <= values.keys():
        return
    theory = values.get("theory") or {}
    widths = {*values["widths"], *theory.get("widths", ())}
    # A power of n is largest at one of the two ends.
    ends = (min(widths), max(widths))
    beyond = [
        name
        for name, scheme in values["schemes"].items()
        if not all(_finite(scheme, width, values) for width in ends)
    ]
    if beyond:
        yield (
            "schemes",
            f"the initial weights or learning rates of {', '.join(beyond)} overflow at a width of "
            "the experiment; choose exponents nearer to 0, or a `reference_width` nearer to the "
            "widths",
        )


def _finite(scheme: Scheme, width: int, values: Mapping[str, Any]) -> bool:
    n0, sigma, rate = (values[key] for key in ("reference_width", "init_std", "learning_rate"))
    try:
        numbers = [
            number
            for role in ROLES
            for number in (
                scheme.init_std(role, width, sigma=sigma, reference_width=n0),
                scheme.rate(role, width, learning_rate=rate, reference_width=n0),
                scheme.rate(role, width, learning_rate=rate, reference_width=n0, first=True),
            )
        ]
    except OverflowError:
        return False
    return all(map(math.isfinite, numbers))


def _data(values: Mapping[str, Any], sizes: Sizes) -> Iterator[Problem]:
    if not {"dataset", "dataset_path"} <= values.keys():
        return
    dataset, path = values["dataset"], values["dataset_path"]
    if dataset == "npz" and path is None:
        yield (
            "dataset_path",
            "missing; dataset npz needs the path of its file, for example "
            "`dataset_path: my/images.npz`",
        )
        return
    if dataset != "npz" and path is not None:
        yield (
            "dataset_path",
            f"found {show(path)}, but dataset {dataset} reads no file of yours; write "
            "`dataset: npz` to read it, or `dataset_path: null`",
        )
        return
    try:
        train, test = sizes(dataset, path)
    except (ValueError, OSError) as error:
        key = "dataset" if path is None else "dataset_path"
        yield key, printable(" ".join(str(error).split())).removeprefix(f"{key}: ")
        return
    probed = (test, "test") if values.get("probes") == "test" else (train, "training")
    for key, available, images in (
        ("pool", train, "training"),
        ("samples", *probed),
        ("train_samples", train, "training"),
        ("test_samples", test, "test"),
    ):
        asked = values.get(key)
        if asked and asked > available:
            yield (
                key,
                f"found {asked}, but {dataset} has {available} {images} images; "
                f"choose at most {available}",
            )
