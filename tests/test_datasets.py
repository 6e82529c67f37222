"""The table of data sets, and the way from images to inputs."""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from infwidth.datasets.images import LabelledImages
from infwidth.datasets.npz import NpzError
from infwidth.datasets.prepare import (
    PreparationError,
    PreparedDataset,
    parallel_pairs,
    pixel_statistics,
    prepare,
    relabel,
)
from infwidth.datasets.sources import SOURCES, sizes


@pytest.fixture
def images() -> LabelledImages:
    rng = np.random.default_rng(0)
    return LabelledImages(
        train_images=rng.integers(0, 256, (12, 3, 2), dtype=np.uint8),
        train_labels=np.array([7, 7, 2, 7, 2, 7, 2, 2, 7, 2, 40, -1]),
        test_images=rng.integers(0, 256, (5, 3, 2), dtype=np.uint8),
        test_labels=np.array([40, -1, 2, 7, 7]),
    )


def slow_inputs(pool: list[list[float]], images: list[list[float]]) -> list[list[float]]:
    """The definition, one pixel at a time."""
    rows = []
    for image in images:
        row = []
        for pixel, value in enumerate(image):
            values = [other[pixel] for other in pool]
            mean = sum(values) / len(values)
            variance = sum((x - mean) ** 2 for x in values) / len(values)
            row.append((value - mean) / variance**0.5 if len(set(values)) > 1 else 0.0)
        norm = sum(x * x for x in row) ** 0.5
        rows.append([x / norm for x in row])
    return rows


@pytest.mark.parametrize("pool", [3, 8, 12])
def test_inputs_against_the_definition(images: LabelledImages, pool: int) -> None:
    dataset = prepare(images, pool=pool, samples=5, test_samples=4)
    flat_train = images.train_images.reshape(12, 6).tolist()
    flat_test = images.test_images.reshape(5, 6).tolist()
    expected = slow_inputs(flat_train[:pool], flat_train[:5])
    np.testing.assert_allclose(dataset.train_inputs, expected, rtol=1e-12)
    expected = slow_inputs(flat_train[:pool], flat_test[:4])
    np.testing.assert_allclose(dataset.test_inputs, expected, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(dataset.train_inputs, axis=1), 1, rtol=1e-14)
    assert dataset.train_inputs.dtype == np.float64


def test_labels_are_positions_among_all_training_labels(images: LabelledImages) -> None:
    dataset = prepare(images, pool=12, samples=5, test_samples=4)
    assert dataset.classes == 4  # -1 and 40 are outside the first five images
    assert dataset.train_labels.tolist() == [2, 2, 1, 2, 1]
    assert dataset.test_labels.tolist() == [3, 0, 1, 2]
    assert dataset.train_labels.dtype == np.int64


def test_unknown_label_is_refused() -> None:
    with pytest.raises(PreparationError, match=r"no training image bears: \[4\]"):
        relabel(np.array([1, 4]), np.array([1, 2]))


def test_statistics_are_those_of_the_population() -> None:
    mean, std = pixel_statistics(np.array([[1.0, 0.0], [3.0, 8.0]]))
    assert mean.tolist() == [2, 4]
    assert std.tolist() == [1, 4]


def test_constant_pixel_becomes_zero_in_every_image() -> None:
    # 0.1 * 3 / 3 is not 0.1, so a standard deviation that is only computed would not be zero.
    pool = np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 4.0]])
    assert pool[:, 0].std() > 0
    assert pixel_statistics(pool)[1][0] == 0
    images = LabelledImages(pool, np.array([0, 1, 2]), np.array([[9.0, 3.0]]), np.array([0]))
    dataset = prepare(images, pool=3, samples=3, test_samples=1)
    assert dataset.train_inputs[:, 0].tolist() == [0, 0, 0]
    assert dataset.test_inputs.tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("sizes_asked", "key"),
    [((13, 5, 5), "pool"), ((12, 13, 5), "samples"), ((12, 5, 6), "test_samples")],
)
def test_more_images_than_there_are(
    images: LabelledImages, sizes_asked: tuple[int, int, int], key: str
) -> None:
    pool, samples, test_samples = sizes_asked
    with pytest.raises(PreparationError, match=f"^{key}: "):
        prepare(images, pool=pool, samples=samples, test_samples=test_samples)


def test_image_without_direction_is_named() -> None:
    train = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]])  # the second is the mean
    images = LabelledImages(train, np.array([0, 1, 1]), train[:1], np.array([0]))
    with pytest.raises(PreparationError, match="training image 1 is zero"):
        prepare(images, pool=3, samples=3, test_samples=1)
    images = LabelledImages(train[::2], np.array([0, 1]), train, np.array([0, 1, 1]))
    with pytest.raises(PreparationError, match="test image 1 is zero"):
        prepare(images, pool=2, samples=2, test_samples=3)


@pytest.mark.filterwarnings("ignore:overflow")
def test_overflow_is_named() -> None:
    train, labels = np.array([[0.0, 1e308], [2.0, -1e308], [1.0, 1e308]]), np.array([0, 1, 1])
    images = LabelledImages(train, labels, train, labels)
    with pytest.raises(PreparationError, match="pool: the variance of pixel 1 overflows"):
        prepare(images, pool=3, samples=3, test_samples=3)
    test = np.array([[1e300, 1.0], [1.0, 0.0], [0.0, 0.0]])
    images = LabelledImages(train / 1e308 + train % 3, labels, test, labels)
    with pytest.raises(PreparationError, match="test image 0 is zero or overflows"):
        prepare(images, pool=3, samples=2, test_samples=3)


def test_parallel_inputs_are_found() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(5, 7))
    inputs[3], inputs[4] = inputs[1], -inputs[0]
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    assert parallel_pairs(inputs) == [(0, 4), (1, 3)]


def test_saved_file_is_byte_identical_and_comes_back(
    images: LabelledImages, tmp_path: Path
) -> None:
    dataset = prepare(images, pool=12, samples=5, test_samples=4)
    first, second = tmp_path / "first.npz", tmp_path / "second"
    dataset.save(first)
    dataset.save(second)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:  # no time of writing, which two quick writes may share
        assert {member.date_time[0] for member in archive.infolist()} == {1980}
    loaded = PreparedDataset.load(first)
    assert loaded.classes == 4
    for name in ("train_inputs", "train_labels", "test_inputs", "test_labels"):
        original, back = getattr(dataset, name), getattr(loaded, name)
        np.testing.assert_array_equal(back, original)
        assert back.dtype == original.dtype


def test_digits_are_scikit_learns_with_the_last_360_for_testing() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = SOURCES["digits"].load()
    assert images.sizes == sizes("digits") == (1437, 360)
    np.testing.assert_array_equal(images.train_images, digits.images[:1437])
    np.testing.assert_array_equal(images.test_images, digits.images[1437:])
    np.testing.assert_array_equal(images.train_labels, digits.target[:1437])
    np.testing.assert_array_equal(images.test_labels, digits.target[1437:])


def test_sizes_of_a_users_file(images: LabelledImages, tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    np.savez(path, **vars(images))
    assert sizes("npz", str(path)) == (12, 5)
    with pytest.raises(NpzError, match="is not a file"):
        sizes("npz", str(tmp_path / "none.npz"))
    with pytest.raises(ValueError, match=r"^dataset_path: .* needs the path"):
        sizes("npz", None)


def test_table_of_sources_imports_neither_torch_nor_sklearn() -> None:
    program = (
        "import sys, infwidth.datasets.sources, infwidth.datasets.prepare;"
        "print({'torch', 'torchvision', 'sklearn', 'pandas'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert result.stdout.strip() == "set()"
