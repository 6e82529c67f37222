"""The table of data sets: how each is loaded, from which config keys, and how large it is.

Importing this module imports no torch; loading a data set of torchvision does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from infwidth.datasets import vision
from infwidth.datasets.cifar10 import load_cifar10
from infwidth.datasets.digits import TEST_IMAGES, load_digits
from infwidth.datasets.images import LabelledImages
from infwidth.datasets.npz import check_npz, load_npz, name_of
from infwidth.experiment import Experiment


@dataclass(frozen=True)
class Source:
    """One data set.

    Attributes:
        name: its proper name; empty where only the file can tell.
        load: gives the images; its keyword arguments are `config_keys`.
        config_keys: the config keys that say where the data are.
        sizes: numbers of training and test images; None where only the file can tell.
    """

    name: str
    load: Callable[..., LabelledImages]
    config_keys: tuple[str, ...]
    sizes: tuple[int, int] | None


SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "cifar10": Source(
            "CIFAR-10", load_cifar10, ("data_root", "cifar10_sha256"), (50_000, 10_000)
        ),
        "cifar100": Source("CIFAR-100", vision.load_cifar100, ("data_root",), (50_000, 10_000)),
        "mnist": Source("MNIST", vision.load_mnist, ("data_root",), (60_000, 10_000)),
        "fashion_mnist": Source(
            "Fashion-MNIST", vision.load_fashion_mnist, ("data_root",), (60_000, 10_000)
        ),
        "svhn": Source("SVHN", vision.load_svhn, ("data_root",), (73_257, 26_032)),
        "digits": Source(
            "scikit-learn's digits", load_digits, (), (1797 - TEST_IMAGES, TEST_IMAGES)
        ),
        "npz": Source("", load_npz, ("dataset_path",), None),
    }
)


def location(its: Experiment) -> dict[str, Any]:
    """Where an experiment's data set is looked for: the arguments of its `load`."""
    return {key: getattr(its, key) for key in SOURCES[its.dataset].config_keys}


def data_name(dataset: str, dataset_path: str | None = None) -> str:
    """The data set's name as readers know it; only a user's own file is opened for it.

    Raises:
        NpzError: the user's file cannot serve.
    """
    return SOURCES[dataset].name or name_of(str(dataset_path))


def sizes(dataset: str, dataset_path: str | None = None) -> tuple[int, int]:
    """Numbers of training and test images, without loading anything but a user's own file.

    Raises:
        ValueError: `dataset` is `npz` and no path was given.
        NpzError: the user's file cannot serve; see `infwidth.datasets.npz`.
    """
    known = SOURCES[dataset].sizes
    if known is not None:
        return known
    if not dataset_path:
        raise ValueError(
            "dataset_path: dataset npz needs the path of a file with train_images, train_labels, "
            "test_images and test_labels"
        )
    return check_npz(dataset_path)
