"""Damaged and hostile files of data: refused with the file and the remedy, and nothing else.

No payload runs, no file is written, and nothing ends in an error that speaks of the code.
"""

import gzip
import hashlib
import io
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from cifar10_archive import NAMES, batch, official_batches
from effort import examples
from hypothesis import example, given
from hypothesis import strategies as st
from loopback import closed_address
from npz_arrays import good_arrays

from infwidth.datasets import cifar10, npz
from infwidth.datasets.cifar10 import ARCHIVE_NAME, ArchiveError, load_cifar10
from infwidth.datasets.images import LabelledImages
from infwidth.datasets.npz import NpzError, load_npz
from infwidth.datasets.retrieve import DownloadError
from infwidth.files.checksums import ChecksumError

pytestmark = pytest.mark.faults


Refused = TypeVar("Refused", bound=Exception)


class Hostile:
    """Pickled, it asks for a call."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """A file cut short, with bits flipped, or with bytes put in or taken out."""
    position = st.integers(0, len(content) - 1)

    def flip(bits: list[tuple[int, int]]) -> bytes:
        changed = bytearray(content)
        for at, bit in bits:
            changed[at] ^= 1 << bit
        return bytes(changed)

    def splice(at: int, gone: int, new: bytes) -> bytes:
        return content[:at] + new + content[at + gone :]

    return st.one_of(
        position.map(lambda at: content[:at]),
        st.lists(st.tuples(position, st.integers(0, 7)), min_size=1, max_size=8).map(flip),
        st.builds(splice, position, st.integers(0, 64), st.binary(max_size=64)),
    )


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder, with its content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Whatever happens in the block, no file below the folder is written or removed."""
    before = snapshot(folder)
    yield
    assert snapshot(folder) == before


def outcome(
    refused: type[Refused], load: Callable[..., LabelledImages], **where: str
) -> LabelledImages | Refused:
    """What is loaded, or the one kind of error that may come in its place."""
    try:
        return load(**where)
    except refused as error:
        return error


# ------------------------------------------------------------------------ a user's own npz file


def npz_bytes(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


GOOD = npz_bytes(**good_arrays())
DIRECTORY = GOOD.index(b"PK\x01\x02")


def assert_read_or_refused(folder: Path, content: bytes) -> NpzError | None:
    """Read a file of this content; what is read is complete, what is refused is named."""
    path = folder / "mine.npz"
    path.write_bytes(content)
    with untouched(folder.parent):
        images = outcome(NpzError, load_npz, dataset_path=str(path))
    if isinstance(images, NpzError):
        assert str(images).startswith(f"dataset_path: {path} ")
        # A sentence that tells what to do follows the one that tells what is wrong.
        assert str(images).endswith(".")
        return images
    assert images.train_images.shape[1:] == images.test_images.shape[1:]
    assert images.sizes == (len(images.train_images), len(images.test_images))
    return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "data"
    folder.mkdir()
    return folder


@examples(250, 5000)
@given(content=damaged(GOOD))
@example(content=GOOD[: DIRECTORY + 6] + bytes([99]) + GOOD[DIRECTORY + 7 :])  # a later format
@example(content=GOOD[: DIRECTORY + 9] + b"\x08" + GOOD[DIRECTORY + 10 :].replace(b"_", b"\xff"))
def test_damaged_npz(folder: Path, content: bytes) -> None:
    assert_read_or_refused(folder, content)


DTYPES = st.sampled_from(
    [
        "u1",
        "?",
        ">i2",
        "<i8",
        "u8",
        "f2",
        ">f4",
        "f8",
        "g",
        "c8",
        "U3",
        "S2",
        "M8[D]",
        "m8[s]",
        "V4",
    ]
)
SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)
NAMED = ("train_images", "train_labels", "test_images", "test_labels")


@examples(100, 2000)
@given(
    changes=st.dictionaries(
        st.sampled_from(NAMED), st.tuples(SHAPES, DTYPES, st.integers(0, 255)), min_size=1
    )
)
def test_npz_of_other_shapes_and_dtypes(
    folder: Path, changes: dict[str, tuple[tuple[int, ...], str, int]]
) -> None:
    arrays = good_arrays()
    for name, (shape, dtype, fill) in changes.items():
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        arrays[name] = np.frombuffer(bytes([fill]) * size, dtype).reshape(shape)
    assert_read_or_refused(folder, npz_bytes(**arrays))


HEADERS = st.one_of(
    st.fixed_dictionaries(
        {
            "descr": st.sampled_from(["|u1", "<f8", "|O", "<U999999999", [("x", "|O")], "x", 3]),
            "fortran_order": st.sampled_from([True, False, None, 1]),
            "shape": st.sampled_from(
                [(6, 4, 4), (10**13, 4), (-1, 4), (2**63, 2), (6,) * 70, (0,) * 9, "x", (1.5,), ()]
            ),
        }
    ).map(repr),
    st.sampled_from(["", "{", "(" * 5000, "__import__('os')._exit(3)", "{'descr': 1}", "\xff"]),
)


@examples(100, 2000)
@given(header=HEADERS, rest=st.binary(max_size=100), name=st.sampled_from(NAMED))
def test_npz_whose_arrays_lie_about_themselves(
    folder: Path, header: str, rest: bytes, name: str
) -> None:
    text = header.encode("latin1") + b"\n"
    member = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + rest
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for each, array in good_arrays().items():
            if each == name:
                archive.writestr(f"{each}.npy", member)
            else:
                archive.writestr(f"{each}.npy", npy_bytes(array))
    assert_read_or_refused(folder, buffer.getvalue())


def npy_bytes(array: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("name", NAMED)
def test_pickles_in_an_npz_are_never_loaded(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    payload = np.array([Hostile(os.mkdir, str(tmp_path / "executed"))] * 6)
    error = assert_read_or_refused(folder, npz_bytes(**good_arrays() | {name: payload}))
    assert f"unreadable {name}" in str(error)


@pytest.mark.parametrize("content", [pickle.dumps(Hostile(os.mkdir, "executed")), GOOD[4:]])
def test_what_is_no_zip_file_is_not_guessed_at(
    folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert "not an npz file" in str(assert_read_or_refused(folder, content))


def test_names_of_members_are_looked_up_and_never_written(folder: Path) -> None:
    buffer = io.BytesIO(GOOD)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name in ("../outside.npy", "/tmp/outside.npy", "a" * 5000, "train_images\n.npy"):
            archive.writestr(name, npy_bytes(np.zeros(3)))
    assert assert_read_or_refused(folder, buffer.getvalue()) is None


def test_names_that_are_found_instead_are_listed_in_part(folder: Path) -> None:
    error = assert_read_or_refused(folder, npz_bytes(**{f"x{n:04}": 1 for n in range(5000)}))
    assert "found: x0000, x0001" in str(error)
    assert len(str(error)) < 1000


def test_npz_that_unpacks_to_more_than_this_machine_holds(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz, "machine_memory_mb", lambda: 2)
    buffer = io.BytesIO()
    bomb = {"train_images": np.zeros((3, 10**6), np.uint8)}
    np.savez_compressed(buffer, **good_arrays() | bomb)
    assert len(buffer.getvalue()) < 10**5

    def fail(*arguments: object, **options: object) -> None:
        raise AssertionError("the file was unpacked")

    monkeypatch.setattr(np, "load", fail)
    error = assert_read_or_refused(folder, buffer.getvalue())
    assert "takes 0.003 GB unpacked, but this machine has 0.002 GB" in str(error)


# ------------------------------------------------------------------------ CIFAR-10's own archive


def tar_bytes(batches: dict[str, Any]) -> bytes:
    """An archive in the official layout, not compressed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in batches.items():
            payload = content if isinstance(content, bytes) else pickle.dumps(content, protocol=2)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(payload)
            tar.addfile(member, io.BytesIO(payload))
    return buffer.getvalue()


OFFICIAL = official_batches()
TAR = tar_bytes(OFFICIAL)
TAR_GZ = gzip.compress(TAR, 1)
PICKLE = pickle.dumps(batch(0), protocol=2)


def assert_loaded_or_refused(folder: Path, content: bytes) -> ArchiveError | None:
    """Load an archive of this content, whose checksum is the one that was asked for."""
    archive = folder / ARCHIVE_NAME
    archive.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    with untouched(folder.parent):
        images = outcome(ArchiveError, load_cifar10, data_root=str(folder), cifar10_sha256=sha256)
    if isinstance(images, ArchiveError):
        assert str(archive) in str(images)
        return images
    assert images.train_images.shape[1:] == (32, 32, 3)
    assert images.train_images.dtype == np.uint8
    assert images.sizes == (len(images.train_images), len(images.test_images))
    return None


@examples(30, 1000)
@given(content=damaged(TAR_GZ))
def test_archive_with_another_checksum_is_left_alone(folder: Path, content: bytes) -> None:
    (folder / ARCHIVE_NAME).write_bytes(content)
    right = hashlib.sha256(TAR_GZ).hexdigest()
    if content == TAR_GZ:
        return
    with untouched(folder.parent), pytest.raises(ChecksumError, match="It was neither opened"):
        load_cifar10(data_root=str(folder), cifar10_sha256=right)


@examples(40, 1000)
@given(content=damaged(TAR_GZ))
def test_damaged_compression(folder: Path, content: bytes) -> None:
    assert_loaded_or_refused(folder, content)


@examples(60, 1000)
@given(content=damaged(TAR[: 3 * 512] + TAR[-20_000:]) | damaged(TAR))
def test_damaged_tar(folder: Path, content: bytes) -> None:
    assert_loaded_or_refused(folder, gzip.compress(content, 1))


@examples(100, 2500)
@given(content=damaged(PICKLE[:200] + PICKLE[-400:]) | damaged(PICKLE) | st.binary(max_size=60))
def test_damaged_pickle(folder: Path, content: bytes) -> None:
    archive = gzip.compress(tar_bytes(OFFICIAL | {"data_batch_1": content}), 0)
    assert_loaded_or_refused(folder, archive)


KINDS = {
    "link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "device": tarfile.CHRTYPE,
    "pipe": tarfile.FIFOTYPE,
    "folder": tarfile.DIRTYPE,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../outside", f"cifar-10-batches-py/{NAMES[1]}"]
)
def test_batch_that_is_no_file(folder: Path, kind: str, target: str) -> None:
    batches = {name: content for name, content in OFFICIAL.items() if name != NAMES[0]}
    buffer = io.BytesIO(tar_bytes(batches))
    with tarfile.open(fileobj=buffer, mode="a") as tar:
        member = tarfile.TarInfo(f"cifar-10-batches-py/{NAMES[0]}")
        member.type, member.linkname = KINDS[kind], target
        tar.addfile(member)
    assert assert_loaded_or_refused(folder, gzip.compress(buffer.getvalue(), 1)) is not None


@pytest.mark.parametrize("kind", ["file", *KINDS])
def test_members_outside_are_passed_over(folder: Path, kind: str) -> None:
    buffer = io.BytesIO(TAR)
    with tarfile.open(fileobj=buffer, mode="a") as tar:
        for name in ("../outside", "/tmp/infwidth-outside", "cifar-10-batches-py/../../outside"):
            member = tarfile.TarInfo(name)
            member.type = KINDS.get(kind, tarfile.REGTYPE)
            member.linkname = "/etc/passwd"
            member.size = 4 if kind == "file" else 0
            tar.addfile(member, io.BytesIO(b"evil"))
    assert assert_loaded_or_refused(folder, gzip.compress(buffer.getvalue(), 1)) is None
    assert not Path("/tmp/infwidth-outside").exists()


# An array of objects whose content is eight letters, where a pointer should be, and an array of
# that shape: numpy would look where no memory is.
FORGED_POINTER = (
    b"\x80\x02}(U\x04datacnumpy\nndarray\ncnumpy.core.multiarray\n_reconstruct\n"
    b"cnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x01\x85cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R"
    b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08AAAAAAAAtb\x85R"
    b"U\x06labels](K\x01eu."
)


def test_pickle_cannot_forge_memory(folder: Path) -> None:
    archive = gzip.compress(tar_bytes(OFFICIAL | {"data_batch_1": FORGED_POINTER}), 1)
    (folder / ARCHIVE_NAME).write_bytes(archive)
    # A process of its own: where it can, this one crashes.
    code = (
        "from infwidth.datasets.cifar10 import ArchiveError, load_cifar10\n"
        "try:\n"
        f"    load_cifar10(data_root={str(folder)!r},"
        f" cifar10_sha256={hashlib.sha256(archive).hexdigest()!r})\n"
        "except ArchiveError as error:\n"
        "    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "data_batch_1" in done.stdout


def nested(depth: int) -> list[Any]:
    """A list that is small in a pickle, and 10^depth numbers when it is unfolded."""
    inner: Any = 0
    for _ in range(depth):
        inner = [inner] * 10
    return [inner] * 10


@pytest.mark.parametrize(
    "change",
    [
        {b"labels": nested(11)},
        {b"labels": [2**70] * 10},
        {b"labels": [-1] * 10},
        {b"labels": np.zeros((10, 10**5), np.uint8)},
        {b"data": np.zeros((0, 3072), np.uint8), b"labels": []},
    ],
)
def test_batch_that_is_small_in_the_file_alone(folder: Path, change: dict[bytes, Any]) -> None:
    batches = OFFICIAL | {"data_batch_5": batch(4) | change}
    error = assert_loaded_or_refused(folder, gzip.compress(tar_bytes(batches), 1))
    assert "data_batch_5" in str(error)


def test_batch_that_is_too_large_to_be_one_is_not_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cifar10, "MOST_BYTES", 2 * 10**6)
    batches = OFFICIAL | {"data_batch_2": bytes(3 * 10**6)}
    error = assert_loaded_or_refused(folder, gzip.compress(tar_bytes(batches), 1))
    assert "data_batch_2" in str(error)
    assert "too large: 3 MB" in str(error)


CALLS: list[tuple[Callable[..., Any], str]] = [
    (os.mkdir, "{}"),
    (eval, "__import__('os').mkdir({!r})"),
    (exec, "import os; os.mkdir({!r})"),
    (os.system, "mkdir {}"),
    (subprocess.check_call, "mkdir {}"),
    (np.fromfile, "{}"),
    (pickle.loads, "{}"),
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(("function", "argument"), CALLS, ids=lambda call: str(call)[:20])
def test_no_payload_of_an_archive_runs(
    folder: Path, function: Callable[..., Any], argument: str, protocol: int
) -> None:
    called = folder.parent / "executed"
    payload = pickle.dumps({b"data": Hostile(function, argument.format(called))}, protocol)
    content = gzip.compress(tar_bytes(OFFICIAL | {"test_batch": payload}), 1)
    error = assert_loaded_or_refused(folder, content)
    assert "is refused" in str(error)
    with pytest.raises(ChecksumError):
        load_cifar10(data_root=str(folder), cifar10_sha256="0" * 64)
    assert not called.exists()


# ----------------------------------------------------------------- what torchvision reads for us


def test_archive_of_torchvision_with_another_checksum_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.datasets import CIFAR100

    from infwidth.datasets.vision import load_cifar100

    data_root = tmp_path / "data"
    data_root.mkdir()
    with tarfile.open(data_root / CIFAR100.filename, "w:gz") as tar:
        for name in ("../outside", "cifar-100-python/train", "cifar-100-python/test"):
            payload = pickle.dumps(Hostile(os.mkdir, str(tmp_path / "executed")))
            member = tarfile.TarInfo(name)
            member.size = len(payload)
            tar.addfile(member, io.BytesIO(payload))
    monkeypatch.setattr(CIFAR100, "url", f"{closed_address()}/{CIFAR100.filename}")
    with untouched(tmp_path), pytest.raises(DownloadError, match=r"CIFAR-100 could not"):
        load_cifar100(data_root=str(data_root))


IDX = bytes([0, 0, 8, 3]) + np.array([4, 28, 28], ">i4").tobytes() + bytes(4 * 28 * 28)
IDX_LABELS = bytes([0, 0, 8, 1]) + np.array([4], ">i4").tobytes() + bytes(4)


@examples(60, 1000)
@given(content=damaged(IDX[:40]) | damaged(IDX), labels=damaged(IDX_LABELS) | st.just(IDX_LABELS))
@example(content=bytes([0, 0, 10]) + IDX[3:], labels=IDX_LABELS)  # a type that does not exist
def test_damaged_files_of_mnist(folder: Path, content: bytes, labels: bytes) -> None:
    from infwidth.datasets.vision import load_mnist

    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for split, images in (("train", content), ("t10k", IDX)):
        (raw / f"{split}-images-idx3-ubyte").write_bytes(images)
        (raw / f"{split}-labels-idx1-ubyte").write_bytes(labels)
    with untouched(folder.parent):
        loaded = outcome(DownloadError, load_mnist, data_root=str(folder))
    if isinstance(loaded, DownloadError):
        assert f"remove any file of MNIST that is incomplete from {folder}" in str(loaded)
    else:
        assert loaded.sizes == (len(loaded.train_images), len(loaded.test_images))
