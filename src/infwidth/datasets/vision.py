"""Data sets that torchvision downloads and checks (by its own MD5 sums): all but CIFAR-10."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from infwidth.datasets.images import Array, LabelledImages
from infwidth.datasets.retrieve import DownloadError

TIMEOUT = 60.0


def load_cifar100(*, data_root: str) -> LabelledImages:
    """CIFAR-100 with its fine labels: images (n, 32, 32, 3) uint8."""
    from torchvision.datasets import CIFAR100

    with _downloading("CIFAR-100", [CIFAR100.url], data_root):
        return _labelled(
            CIFAR100(data_root, train=True, download=True),
            CIFAR100(data_root, train=False, download=True),
        )


def load_mnist(*, data_root: str) -> LabelledImages:
    """MNIST: images (n, 28, 28) uint8."""
    from torchvision.datasets import MNIST

    with _downloading("MNIST", MNIST.mirrors, data_root):
        return _labelled(
            MNIST(data_root, train=True, download=True),
            MNIST(data_root, train=False, download=True),
        )


def load_fashion_mnist(*, data_root: str) -> LabelledImages:
    """Fashion-MNIST: images (n, 28, 28) uint8."""
    from torchvision.datasets import FashionMNIST

    with _downloading("Fashion-MNIST", FashionMNIST.mirrors, data_root):
        return _labelled(
            FashionMNIST(data_root, train=True, download=True),
            FashionMNIST(data_root, train=False, download=True),
        )


def load_svhn(*, data_root: str) -> LabelledImages:
    """SVHN, cropped digits: images (n, 3, 32, 32) uint8."""
    from torchvision.datasets import SVHN

    addresses = [SVHN.split_list[split][0] for split in ("train", "test")]
    with _downloading("SVHN", addresses, data_root):
        return _labelled(
            SVHN(data_root, split="train", download=True),
            SVHN(data_root, split="test", download=True),
        )


def _labelled(train: Any, test: Any) -> LabelledImages:
    return LabelledImages(
        train_images=np.asarray(train.data),
        train_labels=_labels(train),
        test_images=np.asarray(test.data),
        test_labels=_labels(test),
    )


def _labels(dataset: Any) -> Array:
    labels = dataset.labels if hasattr(dataset, "labels") else dataset.targets
    return np.asarray(labels, dtype=np.int64)


@contextmanager
def _downloading(name: str, addresses: list[str], data_root: str) -> Iterator[None]:
    """Turn what torchvision raises into one clear error, and stalled connections into failures."""
    Path(data_root).mkdir(parents=True, exist_ok=True)
    default = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # torchvision itself would wait forever
    try:
        yield
    # OSError: the network. RuntimeError: a wrong MD5. The rest: files that are damaged, which
    # torchvision checks in part only and can fail at in any way.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        by_hand = (
            f"remove any file of {name} that is incomplete from {Path(data_root).resolve()}, put "
            "the files there as torchvision keeps them"
        )
        raise DownloadError(name, [(address, reason) for address in addresses], by_hand) from error
    finally:
        socket.setdefaulttimeout(default)
