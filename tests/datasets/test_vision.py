"""The data sets of torchvision, from small files in their official formats on a loopback server."""

import gzip
import hashlib
import io
import pickle
import socket
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from loopback import Page, closed_address, serve

from infwidth.datasets.retrieve import DownloadError
from infwidth.datasets.sources import SOURCES

RNG = np.random.default_rng(0)
SIZES = {"train": 6, "test": 3}


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def idx(array: np.ndarray[Any, Any]) -> bytes:
    """MNIST's format: two zero bytes, the type (8: uint8), the number of axes, their lengths."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return gzip.compress(header + array.astype(np.uint8).tobytes())


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_mnist_and_its_second_mirror(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision import datasets

    images = {split: RNG.integers(0, 256, (n, 28, 28)) for split, n in SIZES.items()}
    labels = {split: RNG.integers(0, 10, n) for split, n in SIZES.items()}
    pages, resources = {}, []
    for split, prefix in (("train", "train"), ("test", "t10k")):
        for kind, array in (("images-idx3", images[split]), ("labels-idx1", labels[split])):
            name, content = f"{prefix}-{kind}-ubyte.gz", idx(array)
            pages[f"/{name}"] = Page(content)
            resources.append((name, md5(content)))
    kind = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST}[dataset]
    with serve(pages) as server:
        monkeypatch.setattr(kind, "mirrors", [f"{closed_address()}/", f"{server.url}/"])
        monkeypatch.setattr(kind, "resources", resources)
        loaded = SOURCES[dataset].load(data_root=str(tmp_path))
        asked = len(server.requests)
        SOURCES[dataset].load(data_root=str(tmp_path))  # what is there is used as it is
        assert len(server.requests) == asked
    np.testing.assert_array_equal(loaded.train_images, images["train"])
    np.testing.assert_array_equal(loaded.train_labels, labels["train"])
    np.testing.assert_array_equal(loaded.test_images, images["test"])
    np.testing.assert_array_equal(loaded.test_labels, labels["test"])


def test_cifar100_with_its_fine_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import CIFAR100

    images = {split: RNG.integers(0, 256, (n, 32, 32, 3)) for split, n in SIZES.items()}
    labels = {split: RNG.integers(0, 100, n).tolist() for split, n in SIZES.items()}
    members = {"meta": pickle.dumps({"fine_label_names": ["apple"]})}
    for split, n in SIZES.items():
        rows = images[split].transpose(0, 3, 1, 2).reshape(n, 3072).astype(np.uint8)
        batch = {"data": rows, "fine_labels": labels[split], "coarse_labels": [0] * n}
        members[split] = pickle.dumps(batch)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(f"{CIFAR100.base_folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with serve({"/cifar100": Page(file.getvalue())}) as server:
        monkeypatch.setattr(CIFAR100, "url", f"{server.url}/cifar100")
        monkeypatch.setattr(CIFAR100, "tgz_md5", md5(file.getvalue()))
        monkeypatch.setattr(CIFAR100, "train_list", [["train", md5(members["train"])]])
        monkeypatch.setattr(CIFAR100, "test_list", [["test", md5(members["test"])]])
        monkeypatch.setitem(CIFAR100.meta, "md5", md5(members["meta"]))
        loaded = SOURCES["cifar100"].load(data_root=str(tmp_path))
    np.testing.assert_array_equal(loaded.train_images, images["train"])
    np.testing.assert_array_equal(loaded.test_images, images["test"])
    assert loaded.train_labels.tolist() == labels["train"]
    assert loaded.test_labels.tolist() == labels["test"]


def test_svhn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import SVHN

    images = {split: RNG.integers(0, 256, (n, 3, 32, 32)) for split, n in SIZES.items()}
    labels = {split: RNG.integers(0, 10, n) for split, n in SIZES.items()}
    pages, split_list = {}, {}
    for split in SIZES:
        file = tmp_path / "stored.mat"
        stored = np.where(labels[split] == 0, 10, labels[split])  # SVHN writes the digit 0 as 10
        pixels = images[split].transpose(2, 3, 1, 0).astype(np.uint8)
        scipy.io.savemat(file, {"X": pixels, "y": stored[:, None]})
        pages[f"/{split}"] = Page(file.read_bytes())
        split_list[split] = [f"/{split}", f"{split}.mat", md5(file.read_bytes())]
    with serve(pages) as server:
        for row in split_list.values():
            row[0] = server.url + row[0]
        monkeypatch.setattr(SVHN, "split_list", split_list)
        loaded = SOURCES["svhn"].load(data_root=str(tmp_path))
    np.testing.assert_array_equal(loaded.train_images, images["train"])
    np.testing.assert_array_equal(loaded.train_labels, labels["train"])
    np.testing.assert_array_equal(loaded.test_images, images["test"])
    np.testing.assert_array_equal(loaded.test_labels, labels["test"])


def test_without_the_network_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.datasets import MNIST

    mirrors = [f"{closed_address()}/one/", f"{closed_address()}/two/"]
    monkeypatch.setattr(MNIST, "mirrors", mirrors)
    with pytest.raises(DownloadError) as caught:
        SOURCES["mnist"].load(data_root=str(tmp_path))
    message = str(caught.value)
    for words in ("MNIST could not be downloaded", *mirrors, "Connection refused"):
        assert words in message
    assert str(tmp_path) in message
    assert "`make quick`" in message
    assert socket.getdefaulttimeout() is None


def test_wrong_md5_and_stalled_server_are_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.datasets import CIFAR100

    monkeypatch.setattr("infwidth.datasets.vision.TIMEOUT", 0.2)
    with serve({"/a": Page(b"<html>"), "/b": Page(b"x" * 1000, stalls=9)}) as server:
        monkeypatch.setattr(CIFAR100, "url", f"{server.url}/a")
        with pytest.raises(DownloadError, match="corrupted"):
            SOURCES["cifar100"].load(data_root=str(tmp_path))
        monkeypatch.setattr(CIFAR100, "url", f"{server.url}/b")
        with pytest.raises(DownloadError, match="timed out"):
            SOURCES["cifar100"].load(data_root=str(tmp_path))
