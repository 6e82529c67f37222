"""The table of data sets, and the way from images to inputs."""

import hashlib
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cifar10_archive import IMAGES_PER_BATCH, official_batches, write_archive

from infwidth.datasets import prepare as module
from infwidth.datasets.identity import Identity, inputs_sha256
from infwidth.datasets.images import LabelledImages
from infwidth.datasets.npz import NpzError
from infwidth.datasets.prepare import (
    PreparationError,
    PreparedDataset,
    doubts,
    parallel_pairs,
    pixel_statistics,
    prepare,
    relabel,
)
from infwidth.datasets.sources import SOURCES, data_name, sizes


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


@pytest.mark.parametrize("probes", ["train", "test"])
def test_probes_are_the_first_images_of_either_set(images: LabelledImages, probes: str) -> None:
    counts: dict[str, Any] = {"pool": 8, "samples": 5, "test_samples": 4}
    dataset = prepare(images, **counts, train_samples=11, probes=probes)
    flat_train = images.train_images.reshape(12, 6).tolist()
    flat_probed = images.test_images.reshape(5, 6).tolist() if probes == "test" else flat_train
    expected = slow_inputs(flat_train[:8], flat_probed[:5])
    np.testing.assert_allclose(dataset.probes, expected, rtol=1e-12)
    expected = slow_inputs(flat_train[:8], flat_train[:11])
    np.testing.assert_allclose(dataset.train_inputs, expected, rtol=1e-12)
    assert len(dataset.train_labels) == 11
    # Without train_samples the probes are the training inputs, and no array beside them.
    plain = prepare(images, **counts)
    assert plain.probe_inputs is None
    assert plain.probes is plain.train_inputs
    assert prepare(images, **counts, train_samples=5).probe_inputs is not None


def test_blocks_of_images_are_no_matter(
    images: LabelledImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: dict[str, Any] = {"pool": 8, "samples": 5, "test_samples": 5, "train_samples": 12}
    whole = prepare(images, **counts)
    monkeypatch.setattr(module, "BLOCK", 5)
    np.testing.assert_array_equal(prepare(images, **counts).train_inputs, whole.train_inputs)
    # The last is the mean of the first two.
    train, labels = np.array([[0, 0], [2, 4], *[[0, 1]] * 4, [1, 2]]), np.arange(7)
    odd = LabelledImages(train, labels, train[:1], labels[:1])
    with pytest.raises(PreparationError, match="training image 6 is zero"):
        prepare(odd, pool=2, samples=2, test_samples=1, train_samples=7)


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


def doubted(images: LabelledImages, samples: int) -> list[str]:
    return list(doubts(images, prepare(images, pool=samples, samples=samples, test_samples=2)))


def test_many_parallel_inputs_are_told_in_one_line() -> None:
    # Of one pixel, any two unit inputs are equal up to sign.
    pixels, labels = np.arange(8)[:, None] + 0.1, np.arange(8) % 2
    images = LabelledImages(pixels, labels, pixels[:4], labels[:4])
    (line,) = doubted(images, 8)
    assert "28 in pairs (0 and 1, 0 and 2, 0 and 3, ..., counted from 0)" in line
    (line,) = doubted(images, 2)
    assert "1 in pairs (0 and 1, counted from 0)" in line


def test_parallel_inputs_are_looked_for_among_the_probes_alone() -> None:
    rng = np.random.default_rng(0)
    pixels, labels = rng.normal(size=(8, 5)), np.arange(8) % 2
    pixels[7] = pixels[6]
    images = LabelledImages(pixels, labels, pixels[6:], labels[6:])
    counts: dict[str, Any] = {"pool": 8, "samples": 2, "test_samples": 2, "train_samples": 8}
    assert list(doubts(images, prepare(images, **counts))) == []
    (line,) = doubts(images, prepare(images, **counts, probes="test"))
    assert line.startswith("probed images that are equal up to a factor, 1 in pairs (0 and 1,")


@pytest.mark.parametrize(
    ("train", "test", "told"),
    [
        (1 / 255, 1, "test pixels go from 0 to 255, training pixels from 0 to 1:"),
        (1, 1 / 255, "test pixels go from 0 to 1, training pixels from 0 to 255:"),
        (1, 1, ""),
        (1 / 255, 2 / 255, ""),
    ],
)
def test_sets_that_are_scaled_differently_are_told(train: float, test: float, told: str) -> None:
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (40, 30)), np.arange(40) % 2
    pixels[::10, 0], pixels[::10, 1] = 0, 255
    images = LabelledImages(train * pixels, labels, test * pixels[::10], labels[::10])
    lines = doubted(images, 8)
    assert len(lines) == bool(told)
    assert all(told in line for line in lines)
    moved = replace(images, test_images=pixels[::10] * train + 1e4)
    assert "test pixels go from 10000 to" in doubted(moved, 8)[0]


def test_single_test_images_are_not_taken_for_another_scale() -> None:
    digits = SOURCES["digits"].load()
    for place in range(20):
        one = replace(digits, test_images=digits.test_images[[place] * 2])
        assert doubted(one, 8) == []


def test_saved_file_is_byte_identical_and_comes_back(
    images: LabelledImages, tmp_path: Path
) -> None:
    dataset = prepare(images, pool=12, samples=5, test_samples=4)
    assert dataset.probe_inputs is None
    first, second = tmp_path / "first.npz", tmp_path / "second"
    dataset.save(first, name="µ", sha256="0" * 64)
    dataset.save(second, name="µ", sha256="0" * 64)
    assert Identity.load(first) == Identity("µ", "0" * 64)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:  # no time of writing, which two quick writes may share
        assert {member.date_time[0] for member in archive.infolist()} == {1980}
    loaded = PreparedDataset.load(first)
    assert loaded.classes == 4
    for name in ("train_inputs", "train_labels", "test_inputs", "test_labels"):
        original, back = getattr(dataset, name), getattr(loaded, name)
        np.testing.assert_array_equal(back, original)
        assert back.dtype == original.dtype
    assert loaded.probe_inputs is None
    held_out = prepare(images, pool=12, samples=5, test_samples=4, train_samples=9, probes="test")
    held_out.save(first, name="µ", sha256="0" * 64)
    np.testing.assert_array_equal(PreparedDataset.load(first).probes, held_out.probes)


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


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("cifar10", "CIFAR-10"),
        ("fashion_mnist", "Fashion-MNIST"),
        ("digits", "scikit-learn's digits"),
    ],
)
def test_data_sets_have_their_proper_names(dataset: str, name: str) -> None:
    assert data_name(dataset) == name


# ------------------------------------------------------------------------------- the checksum

COUNTS: dict[str, Any] = {"pool": 7, "samples": 4, "test_samples": 3}
HELD_OUT = COUNTS | {"train_samples": 9, "probes": "test"}


def by_hand(
    images: LabelledImages,
    *,
    pool: int,
    samples: int,
    test_samples: int,
    train_samples: int | None = None,
    probes: str = "train",
) -> str:
    """The checksum as docs/files.md describes it, a number at a time."""
    classes = sorted(set(images.train_labels.tolist()))
    content = f"{pool} {samples} {test_samples} {len(classes)}".encode()
    trained, tested = samples, test_samples
    if train_samples is not None:
        content += f" {train_samples} {probes}".encode()
        trained = train_samples
        tested = max(samples, test_samples) if probes == "test" else test_samples
    content += b"\n"
    used = [*images.train_images[: max(pool, trained)], *images.test_images[:tested]]
    content += b"".join(struct.pack("<d", x) for image in used for x in image.flatten().tolist())
    labels = [*images.train_labels[:trained].tolist(), *images.test_labels[:test_samples].tolist()]
    content += b"".join(struct.pack("<q", classes.index(label)) for label in labels)
    return hashlib.sha256(content).hexdigest()


def test_checksum_against_its_description(images: LabelledImages) -> None:
    found = set()
    for counts in (
        COUNTS,
        COUNTS | {"pool": 3, "samples": 5},
        COUNTS | {"train_samples": 4},
        COUNTS | {"train_samples": 9},
        HELD_OUT,
    ):
        found.add(inputs_sha256(images, **counts))
        assert by_hand(images, **counts) in found
    assert len(found) == 5


def test_the_checksum_covers_what_is_trained_on_and_probed(images: LabelledImages) -> None:
    before = inputs_sha256(images, **HELD_OUT)
    for part, used in (("train_images", 9), ("test_images", 4)):
        pixels = getattr(images, part).copy()
        pixels[used:] ^= 1
        assert inputs_sha256(replace(images, **{part: pixels}), **HELD_OUT) == before
        pixels[used - 1, 0, 0] ^= 1
        assert inputs_sha256(replace(images, **{part: pixels}), **HELD_OUT) != before


def test_the_archive_and_an_npz_file_of_its_head_have_one_checksum(tmp_path: Path) -> None:
    sha256 = write_archive(tmp_path, official_batches())
    whole = SOURCES["cifar10"].load(data_root=str(tmp_path), cifar10_sha256=sha256)
    path, kept = tmp_path / "head.npz", IMAGES_PER_BATCH - 2
    first = np.arange(len(whole.train_labels)) % IMAGES_PER_BATCH < kept
    head: dict[str, Any] = {
        "train_images": np.asfortranarray(whole.train_images[first].astype(np.int32)),
        "train_labels": whole.train_labels[first].astype(np.uint8),
        "test_images": whole.test_images[:kept].astype(np.float32),
        "test_labels": whole.test_labels[:kept].astype(np.int16),
    }
    np.savez(path, **head)
    counts: dict[str, Any] = {"pool": kept, "samples": 5, "test_samples": 6}
    of_head = SOURCES["npz"].load(dataset_path=str(path))
    assert inputs_sha256(of_head, **counts) == inputs_sha256(whole, **counts)
    one, other = prepare(of_head, **counts), prepare(whole, **counts)
    for name in ("train_inputs", "train_labels", "test_inputs", "test_labels"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_whatever_changes_an_input_changes_the_checksum(images: LabelledImages) -> None:
    before = inputs_sha256(images, **COUNTS)
    found = {before}
    for part, used in (("train_images", 7), ("test_images", 3)):
        for place in range(used):
            pixels = getattr(images, part).copy()
            pixels[place, 2, 1] ^= 1
            found.add(inputs_sha256(replace(images, **{part: pixels}), **COUNTS))
        pixels = getattr(images, part).copy()
        pixels[used:] ^= 1
        assert inputs_sha256(replace(images, **{part: pixels}), **COUNTS) == before
    other = images.train_labels.copy()
    other[1] = 2
    found.add(inputs_sha256(replace(images, train_labels=other), **COUNTS))
    found |= {inputs_sha256(images, **COUNTS | {key: 2}) for key in COUNTS}
    assert len(found) == 1 + 7 + 3 + 1 + 3
    # Labels count by their places, as in training.
    assert inputs_sha256(relabelled(images, 1000), **COUNTS) == before
    floats = replace(images, train_images=images.train_images * 0.1 - 0.0)
    assert inputs_sha256(floats, **COUNTS) == by_hand(floats, **COUNTS)


def relabelled(images: LabelledImages, shift: int) -> LabelledImages:
    return replace(
        images,
        train_labels=images.train_labels + shift,
        test_labels=images.test_labels + shift,
    )


def test_the_sign_of_zero_does_not_count(images: LabelledImages) -> None:
    zero = np.where(images.train_images > 200, 0.0, images.train_images)
    negative = np.where(images.train_images > 200, -0.0, images.train_images)
    assert zero.tobytes() != negative.tobytes()
    one, other = (
        inputs_sha256(replace(images, train_images=x), **COUNTS) for x in (zero, negative)
    )
    assert one == other


def test_another_machines_rounding_does_not_change_the_checksum(
    images: LabelledImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, before = prepare(images, **COUNTS).train_inputs, inputs_sha256(images, **COUNTS)
    exact = module.pixel_statistics

    def rounded_otherwise(pool: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, std = exact(pool)
        return np.nextafter(mean, np.inf), np.nextafter(std, 0)

    monkeypatch.setattr(module, "pixel_statistics", rounded_otherwise)
    elsewhere = prepare(images, **COUNTS).train_inputs
    assert (elsewhere != inputs).any()
    np.testing.assert_allclose(elsewhere, inputs, rtol=1e-12)
    assert inputs_sha256(images, **COUNTS) == before
