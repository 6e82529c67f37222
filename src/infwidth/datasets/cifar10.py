"""CIFAR-10 straight from its official archive; nothing is extracted, nothing foreign is executed.

The archive's batches are pickles (A. Krizhevsky, 2009, "python version"). They are read only after
the archive's SHA-256 was found right, and by an unpickler that builds arrays of bytes,
dictionaries, lists and strings and refuses everything else. Not even numpy is asked to unpickle:
what it believes of a pickle can make it look where no memory is.
"""

import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infwidth.datasets.images import LabelledImages
from infwidth.files.checksums import verify

ARCHIVE_NAME = "cifar-10-python.tar.gz"
TRAIN_BATCHES = tuple(f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6))
TEST_BATCH = "cifar-10-batches-py/test_batch"
# Three times the official size: a small file can unpack to more than any memory.
MOST_BYTES = 100 * 10**6
CLASSES = range(10)


class ArchiveError(ValueError):
    """The archive has the right checksum but not the official layout."""


def load_cifar10(*, data_root: str, cifar10_sha256: str) -> LabelledImages:
    """CIFAR-10 from `<data_root>/cifar-10-python.tar.gz`.

    Returns:
        Images (n, 32, 32, 3) uint8 in the official order: the training set begins with
        data_batch_1. Labels (n,) int64 in 0..9.

    Raises:
        ChecksumError: the archive is not the one with this SHA-256; it was not opened.
        ArchiveError: a batch is missing, or holds something else than images and labels.
    """
    archive = Path(data_root) / ARCHIVE_NAME
    verify(archive, cifar10_sha256)
    batches = _read_members(archive, {*TRAIN_BATCHES, TEST_BATCH})
    train = [_parse_batch(archive, name, batches[name]) for name in TRAIN_BATCHES]
    test_images, test_labels = _parse_batch(archive, TEST_BATCH, batches[TEST_BATCH])
    return LabelledImages(
        train_images=np.concatenate([images for images, _ in train]),
        train_labels=np.concatenate([labels for _, labels in train]),
        test_images=test_images,
        test_labels=test_labels,
    )


def _read_members(archive: Path, names: set[str]) -> dict[str, bytes]:
    """Contents of the named members, in one pass over the compressed stream."""
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for member in tar:
                if member.name not in names:
                    continue
                if member.size > MOST_BYTES:
                    size = f"{member.size / 1e6:.0f} MB"
                    raise tarfile.TarError(f"{member.name} is too large: {size}")
                file = tar.extractfile(member)
                if file is not None:
                    contents[member.name] = file.read()
    except Exception as error:  # a foreign archive can fail in any way
        raise ArchiveError(f"{archive} cannot be read as a tar.gz archive: {error}") from error
    if missing := sorted(names - contents.keys()):
        raise ArchiveError(f"{archive} lacks {', '.join(missing)}")
    return contents


def _parse_batch(
    archive: Path, name: str, content: bytes
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    try:
        batch = _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
        data, labels = batch[b"data"], batch[b"labels"]
    except Exception as error:  # a foreign pickle can fail in any way
        raise ArchiveError(f"{name} in {archive} cannot be read: {error!r}") from error
    rows = data.values if isinstance(data, _Array) else None
    if rows is None or rows.shape[1:] != (3072,) or not len(rows):
        raise ArchiveError(f"{name} in {archive}: b'data' is not an (n, 3072) array of uint8")
    if not (
        isinstance(labels, list)
        and len(labels) == len(rows)
        and all(isinstance(label, int) and label in CLASSES for label in labels)
    ):
        raise ArchiveError(f"{name} in {archive}: b'labels' is not one integer an image, 0 to 9")
    # Each row holds the red, the green and the blue plane, each 32 rows of 32 pixels.
    images = np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return images, np.array(labels, dtype=np.int64)


def _encode_latin1(text: str, encoding: str) -> bytes:
    """What Python 3 writes for bytes in old pickle protocols; no other codec is admitted."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"codec {encoding!r} is refused")
    return text.encode("latin1")


class _Type:
    """Stands for numpy's dtype: the name that it was made with."""

    def __init__(self, name: str | bytes, *_: object) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None:
        """Byte order and such, of which bytes have none."""


class _Array:
    """Stands for numpy's array.

    Attributes:
        values: an array of uint8; None for any other.
    """

    def __init__(self, *_: object) -> None:
        self.values: NDArray[np.uint8] | None = None

    def __setstate__(self, state: tuple[int, tuple[int, ...], _Type, bool, bytes]) -> None:
        _, shape, kind, by_columns, content = state
        if kind.name in ("u1", b"u1") and isinstance(content, bytes):
            values = np.frombuffer(content, np.uint8)
            self.values = values.reshape(shape, order="F" if by_columns else "C")


_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,  # written by numpy 1
    ("numpy._core.multiarray", "_reconstruct"): _Array,  # written by numpy 2
    ("numpy", "ndarray"): None,  # only ever an argument of the former
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encode_latin1,
}


class _ArrayUnpickler(pickle.Unpickler):
    """Knows the handful of names an array's pickle needs, none of them numpy's own."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is refused") from None
