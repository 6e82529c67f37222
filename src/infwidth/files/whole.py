"""The files that jobs hand to each other: written whole or not at all, and read only if whole."""

import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

AGAIN = "the same command makes it again"


class FileError(RuntimeError):
    """A file that cannot be written or read; the message names it and says what to do."""


@contextmanager
def replacing(path: Path, part: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name when the block ends well and all of it is on the disk.

    Args:
        path: its name; if the block does not end well, what stood there stays.
        part: what it is called until then, in the same folder.
    """
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """A file written whole or not at all.

    Raises:
        FileError: it cannot be written; what stood there stays.
    """
    try:
        with replacing(path, path.with_name(f"{path.name}.part")) as file:
            yield file
    except OSError as error:
        raise FileError(
            f"{path} cannot be written ({error.strerror or error}): make room or give the right to "
            f"write, and {AGAIN}"
        ) from error


def save_arrays(path: Path, **arrays: Any) -> None:
    """Write an npz file whose bytes depend on nothing but the values.

    Raises:
        FileError: as `written`.
    """
    with written(path) as file:
        np.savez(file, **arrays)


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an npz file, checked against their checksums.

    Raises:
        FileError: it is damaged, or not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(path, error) from error


def damaged(path: Path, reason: object) -> FileError:
    """The error of a file that is not as it was written."""
    return FileError(f"{path} is damaged ({reason}): delete it, and {AGAIN}")


def first_line(error: BaseException) -> str:
    """What an error says first; its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]
