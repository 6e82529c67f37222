"""CIFAR-10's archive, on small ones in the official layout."""

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cifar10_archive import NAMES, batch, official_batches, write_archive

from infwidth.datasets.cifar10 import ARCHIVE_NAME, ArchiveError, load_cifar10
from infwidth.files.checksums import ChecksumError


def load(data_root: Path, sha256: str) -> Any:
    return load_cifar10(data_root=str(data_root), cifar10_sha256=sha256)


def test_images_and_labels_in_the_official_order(tmp_path: Path) -> None:
    batches = official_batches()
    images = load(tmp_path, write_archive(tmp_path, batches))
    assert images.sizes == (50, 10)
    assert images.train_images.shape == (50, 32, 32, 3)
    assert images.train_images.dtype == np.uint8
    for index in (0, 7, 13, 49):
        origin = batches[NAMES[index // 10]]
        assert images.train_labels[index] == origin[b"labels"][index % 10]
        for row, column, channel in [(0, 0, 0), (0, 1, 0), (31, 2, 1), (5, 30, 2)]:
            pixel = origin[b"data"][index % 10][channel * 1024 + row * 32 + column]
            assert images.train_images[index, row, column, channel] == pixel
    assert images.test_labels.tolist() == batches["test_batch"][b"labels"]


def test_pickle_of_numpy_1_is_read(tmp_path: Path) -> None:
    batches = official_batches()
    modern = pickle.dumps(batches["test_batch"], protocol=2)
    assert b"numpy._core.multiarray" in modern
    old = modern.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    images = load(tmp_path, write_archive(tmp_path, batches | {"test_batch": old}))
    assert images.test_labels.tolist() == batches["test_batch"][b"labels"]


class Hostile:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    ("function", "refused"),
    [(os.system, f"{os.name}.system"), (eval, "__builtin__.eval"), (np.load, "numpy.load")],
)
def test_hostile_pickle_is_refused_and_not_executed(
    tmp_path: Path, function: Any, refused: str
) -> None:
    trace = tmp_path / "executed"
    arguments = {
        f"{os.name}.system": f"touch {trace}",
        "__builtin__.eval": f"open({str(trace)!r}, 'w')",
        "numpy.load": str(trace),
    }
    payload = batch(0) | {b"data": Hostile(function, arguments[refused])}
    sha256 = write_archive(tmp_path, official_batches() | {"data_batch_3": payload})
    with pytest.raises(ArchiveError, match=f"data_batch_3 .*{refused} is refused"):
        load(tmp_path, sha256)
    assert not trace.exists()


def test_other_codecs_are_refused(tmp_path: Path) -> None:
    import _codecs

    payload = {b"data": Hostile(_codecs.encode, "x" * 100, "rot13")}
    sha256 = write_archive(tmp_path, official_batches() | {"test_batch": payload})
    with pytest.raises(ArchiveError, match="codec 'rot13' is refused"):
        load(tmp_path, sha256)


def test_nothing_is_unpickled_before_the_checksum_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_archive(tmp_path, official_batches())

    def fail(*args: object, **kwargs: object) -> None:
        raise AssertionError("the archive was opened")

    monkeypatch.setattr("infwidth.datasets.cifar10.tarfile.open", fail)
    with pytest.raises(ChecksumError, match="is damaged or not the file"):
        load(tmp_path, "0" * 64)


def test_missing_batch_is_named(tmp_path: Path) -> None:
    batches = official_batches()
    del batches["data_batch_4"]
    sha256 = write_archive(tmp_path, batches)
    with pytest.raises(
        ArchiveError, match=rf"{ARCHIVE_NAME} lacks cifar-10-batches-py/data_batch_4"
    ):
        load(tmp_path, sha256)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({b"data": np.zeros((10, 3071), np.uint8)}, "not an \\(n, 3072\\) array of uint8"),
        ({b"data": np.zeros((10, 3072), np.float32)}, "not an \\(n, 3072\\) array of uint8"),
        ({b"data": [1, 2]}, "not an \\(n, 3072\\) array of uint8"),
        ({b"labels": [1, 2]}, "not one integer an image"),
        ({b"labels": [0.5] * 10}, "not one integer an image"),
    ],
)
def test_batch_of_another_shape_is_refused(
    tmp_path: Path, change: dict[bytes, Any], message: str
) -> None:
    sha256 = write_archive(tmp_path, official_batches() | {"data_batch_2": batch(1) | change})
    with pytest.raises(ArchiveError, match=f"data_batch_2 .*{message}"):
        load(tmp_path, sha256)


def test_truncated_archive_is_no_traceback_of_tarfile(tmp_path: Path) -> None:
    write_archive(tmp_path, official_batches())
    archive = tmp_path / ARCHIVE_NAME
    archive.write_bytes(archive.read_bytes()[:50_000])
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    with pytest.raises(ArchiveError, match=r"cannot be read as a tar\.gz archive"):
        load(tmp_path, sha256)
