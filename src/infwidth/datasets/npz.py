"""A user's own images: an npz file with four arrays, checked before anything is computed.

It may hold a fifth, `name`: the data set's name, a text.
"""

import zipfile
from pathlib import Path

import numpy as np

from infwidth.datasets.images import Array, LabelledImages
from infwidth.memory import machine_memory_mb

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
NAME = "name"
LONGEST_NAME = 80
# Numbers for words or other things, the same for both sets.
NUMBERED = (
    "train_labels, test_labels = numpy.split(numpy.unique(numpy.concatenate([train_labels, "
    "test_labels]), return_inverse=True)[1], [len(train_labels)])"
)
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


def name_of(dataset_path: str) -> str:
    """The name in a user's file, or that of the file. The images are not read.

    Raises:
        NpzError: the file or its name cannot serve.
    """
    path = Path(dataset_path)
    if NAME not in _members(path):
        return f"{path.name} (npz)"
    name = _array(path, NAME)
    _check_name(path, name)
    return str(name).strip()


def load_npz(*, dataset_path: str) -> LabelledImages:
    """The four arrays of a user's file, whose images may have any shape of two or more axes.

    Raises:
        NpzError: the file is missing, unreadable, or holds what cannot be images and labels.
    """
    path = Path(dataset_path)
    arrays = _read(path)
    if NAME in arrays:
        _check_name(path, arrays.pop(NAME))
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
    """The arrays that are there of the four and the name; all four are."""
    unpacked = _members(path)
    if missing := [name for name in ARRAYS if name not in unpacked]:
        found = ", ".join(list(unpacked)[:MOST_SHOWN]) or "nothing"
        raise NpzError(path, f"lacks {', '.join(missing)} (found: {found})")
    wanted = [name for name in (*ARRAYS, NAME) if name in unpacked]
    needed, there = sum(unpacked[name] for name in wanted) / 1e6, machine_memory_mb()
    if needed > there:
        raise NpzError(
            path,
            f"takes {needed / 1e3:.3g} GB unpacked, but this machine has {there / 1e3:.3g} GB",
            "Keep fewer images in it, or images of a smaller dtype.",
        )
    return {name: _array(path, name) for name in wanted}


def _members(path: Path) -> dict[str, int]:
    """The arrays in the file: name -> bytes when unpacked."""
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
    return unpacked


def _array(path: Path, name: str) -> Array:
    try:
        with np.load(path, allow_pickle=False) as npz:
            array: Array = npz[name]
    # A file of any make can fail in any way. Arrays of Python objects, which would have to be
    # unpickled, end here too.
    except Exception as error:
        remedy = RECIPE
        if "Object arrays" in str(error):
            remedy = f"Make it an array of numbers or text: `numpy.array({name}.tolist())`."
            if name.endswith("images"):
                remedy += " All images must have one shape."
        raise NpzError(path, f"has an unreadable {name} ({error})", remedy) from error
    if not isinstance(array, np.ndarray):  # a member that is no .npy file comes as bytes
        raise NpzError(path, f"has an unreadable {name} (not an array)")
    return array


def _check_images(path: Path, name: str, images: Array) -> None:
    if images.dtype.kind not in "buif":
        words = images.dtype.kind in "US"
        convert = f": `{name}.astype(float)`, if they are spelt out" if words else ""
        raise NpzError(
            path, f"has {name} of dtype {images.dtype}", f"Images must be real numbers{convert}."
        )
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
    if labels.ndim != 1:
        raise NpzError(
            path,
            f"has {name} of shape {labels.shape}",
            f"Labels must have one axis, an integer an image{_one_axis(name, labels)}.",
        )
    if labels.dtype.kind not in "iu":
        whole = labels.dtype.kind in "bf" and np.array_equal(labels, np.trunc(labels))
        raise NpzError(
            path,
            f"has {name} of dtype {labels.dtype}",
            f"Labels must be integers: `{f'{name}.astype(int)' if whole else NUMBERED}`.",
        )


def _one_axis(name: str, labels: Array) -> str:
    """The call that leaves labels one axis, after a colon; empty where none is known."""
    if labels.ndim and labels.size == max(labels.shape):
        return f": `{name}.ravel()`"
    if labels.ndim != 2 or labels.dtype.kind not in "buif":
        return ""
    if np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all():
        return f": `{name}.argmax(axis=1)`"
    return f": a column, such as `{name}[:, 0]`"


def _check_name(path: Path, name: Array) -> None:
    """A name is shown on a line, and takes no more of it than a caption can spare."""
    text = str(name) if name.dtype.kind == "U" and name.ndim == 0 else ""
    if not (text.strip() and text.isprintable() and len(text) <= LONGEST_NAME):
        raise NpzError(
            path,
            "has a name that is not one line of printable text",
            f"Leave it out, or write 1 to {LONGEST_NAME} characters: "
            'numpy.savez(path, ..., name="CIFAR-10 (first 1,000 images)").',
        )
