"""A user's own images: an npz file with four arrays, checked before anything is computed."""

import zipfile
from pathlib import Path

import numpy as np

from infwidth.datasets.images import Array, LabelledImages
from infwidth.memory import machine_memory_mb

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
RECIPE = "Write it with numpy.savez(path, " + ", ".join(f"{name}=..." for name in ARRAYS) + ")."
# What a zip file begins with.
MAGIC = b"PK"
# Of the names that are found in place of those.
MOST_SHOWN = 10


class NpzError(ValueError):
    """The file at `dataset_path` cannot serve; the message says why, and the remedy."""

    def __init__(self, path: Path, problem: str, remedy: str = RECIPE) -> None:
        super().__init__(f"dataset_path: {path} {problem}. {remedy}")


def check_npz(dataset_path: str) -> tuple[int, int]:
    """Read the file whole, check it as `load_npz` does, and give its numbers of images.

    Returns:
        The number of training images and of test images.

    Raises:
        NpzError: the file cannot serve.
    """
    return load_npz(dataset_path=dataset_path).sizes


def load_npz(*, dataset_path: str) -> LabelledImages:
    """The four arrays of a user's file, whose images may have any shape of two or more axes.

    Raises:
        NpzError: the file is missing, unreadable, or holds what cannot be images and labels.
    """
    path = Path(dataset_path)
    arrays = _read(path)
    for split in ("train", "test"):
        _check_images(path, f"{split}_images", arrays[f"{split}_images"])
        _check_labels(path, f"{split}_labels", arrays[f"{split}_labels"])
        images, labels = len(arrays[f"{split}_images"]), len(arrays[f"{split}_labels"])
        if images != labels:
            raise NpzError(
                path,
                f"has {images} {split}_images but {labels} {split}_labels",
                "There must be one label an image.",
            )
    train_shape, test_shape = arrays["train_images"].shape[1:], arrays["test_images"].shape[1:]
    if train_shape != test_shape:
        raise NpzError(
            path,
            f"has training images of shape {train_shape} but test images of shape {test_shape}",
            "All images must have one shape.",
        )
    foreign = np.setdiff1d(arrays["test_labels"], arrays["train_labels"])
    if len(foreign):
        raise NpzError(
            path,
            f"has test labels that no training image bears: {foreign[:5].tolist()}",
            "Remove those test images, or add training images of their classes.",
        )
    return LabelledImages(**arrays)


def _read(path: Path) -> dict[str, Array]:
    if not path.is_file():
        raise NpzError(
            path,
            "is not a file",
            f"Give the path of an npz file; a relative one starts from {Path.cwd()}.",
        )
    try:
        with path.open("rb") as file:
            # numpy takes what begins otherwise for a pickle, whatever follows.
            if file.read(len(MAGIC)) != MAGIC:
                raise zipfile.BadZipFile("it does not begin as one")
        with zipfile.ZipFile(path) as archive:
            unpacked = {name.removesuffix(".npy"): 0 for name in sorted(archive.namelist())}
            for member in archive.infolist():
                unpacked[member.filename.removesuffix(".npy")] += member.file_size
    # As below: zipfile, too, lets a damaged file fail in more ways than it documents.
    except Exception as error:
        raise NpzError(path, f"is not an npz file, or a truncated one ({error})") from error
    if missing := [name for name in ARRAYS if name not in unpacked]:
        found = ", ".join(list(unpacked)[:MOST_SHOWN]) or "nothing"
        raise NpzError(path, f"lacks {', '.join(missing)} (found: {found})")
    needed, there = sum(unpacked[name] for name in ARRAYS) / 1e6, machine_memory_mb()
    if needed > there:
        raise NpzError(
            path,
            f"takes {needed / 1e3:.3g} GB unpacked, but this machine has {there / 1e3:.3g} GB",
            "Keep fewer images in it, or images of a smaller dtype.",
        )
    arrays: dict[str, Array] = {}
    for name in ARRAYS:
        try:
            with np.load(path, allow_pickle=False) as npz:
                arrays[name] = npz[name]
        # A file of any make can fail in any way. Arrays of Python objects, which would have to be
        # unpickled, end here too.
        except Exception as error:
            raise NpzError(path, f"has an unreadable {name} ({error})") from error
        if not isinstance(arrays[name], np.ndarray):  # a member that is no .npy file comes as bytes
            raise NpzError(path, f"has an unreadable {name} (not an array)")
    return arrays


def _check_images(path: Path, name: str, images: Array) -> None:
    if images.dtype.kind not in "buif":
        raise NpzError(path, f"has {name} of dtype {images.dtype}", "Images must be real numbers.")
    if images.ndim < 2 or images.size == 0:
        raise NpzError(
            path,
            f"has {name} of shape {images.shape}",
            "The first axis must count the images, at least one, and the others their pixels.",
        )
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        bad = int(np.argmin(np.isfinite(images).reshape(len(images), -1).all(axis=1)))
        raise NpzError(
            path, f"has NaN or infinity in {name}[{bad}]", "Every pixel must be a finite number."
        )


def _check_labels(path: Path, name: str, labels: Array) -> None:
    if labels.dtype.kind not in "iu":
        raise NpzError(
            path,
            f"has {name} of dtype {labels.dtype}",
            "Labels must be integers; convert them with .astype(int).",
        )
    if labels.ndim != 1:
        raise NpzError(path, f"has {name} of shape {labels.shape}", "Labels must have one axis.")
