"""A user's own npz file: what is accepted, and a clear error for everything else."""

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from npz_arrays import good_arrays

from infwidth.datasets.npz import NpzError, check_npz, load_npz, name_of


def write(path: Path, **changes: Any) -> Path:
    np.savez(path, **(good_arrays() | changes))
    return path


def assert_refused(path: Path, *words: str) -> None:
    with pytest.raises(NpzError) as caught:
        check_npz(str(path))
    message = str(caught.value)
    for word in ("dataset_path: ", str(path), *words):
        assert word in message


@pytest.mark.parametrize("dtype", [np.uint8, bool, np.int64, np.float16, np.float32, np.float64])
def test_images_of_any_real_dtype(tmp_path: Path, dtype: type) -> None:
    arrays = {k: v.astype(dtype) for k, v in good_arrays().items() if k.endswith("images")}
    path = write(tmp_path / "own.npz", **arrays)
    assert check_npz(str(path)) == (6, 2)
    images = load_npz(dataset_path=str(path))
    np.testing.assert_array_equal(images.train_images, arrays["train_images"])
    np.testing.assert_array_equal(images.test_labels, [9, 3])


def test_compressed_file_and_further_arrays(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "own.npz", **good_arrays(), note=np.array("mine"))
    assert check_npz(str(tmp_path / "own.npz")) == (6, 2)


def test_missing_file(tmp_path: Path) -> None:
    assert_refused(tmp_path / "none.npz", "is not a file")
    assert_refused(tmp_path, "is not a file")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04nonsense"])
def test_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "own.npz"
    path.write_bytes(content)
    assert_refused(path, "is not an npz file, or a truncated one")


def test_single_array(tmp_path: Path) -> None:
    np.save(tmp_path / "own.npy", np.zeros((2, 2)))
    assert_refused(tmp_path / "own.npy", "is not an npz file")


def test_truncated_file(tmp_path: Path) -> None:
    path = write(tmp_path / "own.npz")
    path.write_bytes(path.read_bytes()[:-30])
    assert_refused(path, "truncated")


def test_flipped_byte(tmp_path: Path) -> None:
    path = write(tmp_path / "own.npz")
    content = bytearray(path.read_bytes())
    content[content.index(b"NUMPY") + 150] ^= 255
    path.write_bytes(content)
    assert_refused(path, "unreadable train_images")


def test_member_that_is_no_array(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    arrays = good_arrays()
    del arrays["test_labels"]
    np.savez(path, **arrays)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("test_labels", b"1 2 3")
    assert_refused(path, "unreadable test_labels (not an array)")


def test_lacking_array_is_named_and_the_found_are_listed(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", train_images=np.zeros((2, 2)), x=np.zeros(2))
    assert_refused(
        tmp_path / "own.npz",
        "lacks train_labels, test_images, test_labels",
        "found: train_images, x",
        "numpy.savez(path, train_images=",
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_labels": np.zeros(5, int)}, ["6 train_images but 5 train_labels"]),
        ({"test_labels": np.array([3])}, ["2 test_images but 1 test_labels"]),
        ({"test_images": np.zeros((0, 4, 4))}, ["test_images of shape (0, 4, 4)", "at least one"]),
        ({"train_images": np.zeros((6, 0))}, ["train_images of shape (6, 0)"]),
        ({"train_images": np.zeros(6)}, ["train_images of shape (6,)"]),
        ({"train_images": np.float64(1)}, ["train_images of shape ()"]),
        (
            {"test_images": np.zeros((2, 16))},
            ["training images of shape (4, 4) but test images of shape (16,)"],
        ),
        ({"train_images": np.zeros((6, 4, 4), "c8")}, ["train_images of dtype complex64"]),
        ({"train_images": np.full((6, 4), "a")}, ["train_images of dtype <U1"]),
        ({"train_images": np.full((6, 4), "a", object)}, ["unreadable train_images"]),
        ({"train_images": np.zeros((6, 4), "M8[s]")}, ["train_images of dtype datetime64[s]"]),
        ({"train_labels": np.zeros(6)}, ["train_labels of dtype float64", ".astype(int)"]),
        ({"train_labels": np.zeros(6, bool)}, ["train_labels of dtype bool"]),
        ({"train_labels": np.array(list("abcabc"))}, ["train_labels of dtype <U1"]),
        ({"train_labels": np.zeros((6, 1), int)}, ["train_labels of shape (6, 1)", "one axis"]),
        ({"train_labels": np.zeros((6, 1, 2), int)}, ["train_labels of shape (6, 1, 2)"]),
        ({"train_labels": np.full((6, 2), "a")}, ["train_labels of shape (6, 2)"]),
        ({"name": np.array(["mine"])}, ["a name that is not", 'name="']),
        ({"name": np.array(b"mine")}, ["a name that is not"]),
        ({"name": np.array(3)}, ["a name that is not"]),
        ({"name": "two\nlines"}, ["a name that is not", "1 to 80"]),
        ({"name": "\x1b[2J"}, ["a name that is not"]),
        ({"name": " "}, ["a name that is not"]),
        ({"name": "x" * 81}, ["a name that is not"]),
        ({"name": np.array("x", object)}, ["unreadable name"]),
        ({"test_labels": np.array([9, 4])}, ["test labels that no training image bears: [4]"]),
    ],
)
def test_arrays_that_cannot_be(tmp_path: Path, changes: dict[str, Any], words: list[str]) -> None:
    assert_refused(write(tmp_path / "own.npz", **changes), *words)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_pixel_that_is_not_finite(tmp_path: Path, bad: float) -> None:
    images = good_arrays()["test_images"].astype(np.float32)
    images[1, 2, 3] = bad
    path = write(tmp_path / "own.npz", test_images=images)
    assert_refused(path, "NaN or infinity in test_images[1]")


WORDS = {"train_labels": np.array(list("catcat")), "test_labels": np.array(["t", "a"])}
HOT = np.eye(3)[[0, 1, 0, 2, 1, 0]]
RAGGED = np.array([*good_arrays()["train_images"], None], dtype=object)[:6]


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ({"train_labels": np.array([[3], [5], [3], [9], [5], [3]])}, [3, 5, 3, 9, 5, 3]),
        ({"train_labels": np.array([[3, 5, 3, 9, 5, 3]])}, [3, 5, 3, 9, 5, 3]),
        ({"train_labels": np.array([[3, 7], [5, 7], [3, 8], [9, 8]])}, [3, 5, 3, 9]),
        ({"train_labels": HOT, "test_labels": np.array([0, 2])}, [0, 1, 0, 2, 1, 0]),
        ({"train_labels": HOT.astype(bool), "test_labels": HOT[:2]}, [0, 1, 0, 2, 1, 0]),
        ({"train_labels": np.array([3.0, 5, 3, 9, 5, 3])}, [3, 5, 3, 9, 5, 3]),
        ({"train_labels": np.array([1, 0] * 3, bool), "test_labels": np.array([1, 0])}, [1, 0] * 3),
        (WORDS, [1, 0, 2, 1, 0, 2]),
        ({name: words.astype("S1") for name, words in WORDS.items()}, [1, 0, 2, 1, 0, 2]),
        ({name: words.astype(object) for name, words in WORDS.items()}, [1, 0, 2, 1, 0, 2]),
        ({"train_labels": np.array([3, 5, 3, 9, 5, 3], object)}, [3, 5, 3, 9, 5, 3]),
        (
            {"train_labels": np.array([0.5, 1.5] * 3), "test_labels": np.array([1.5, 0.5])},
            [0, 1] * 3,
        ),
        ({"train_images": RAGGED}, [3, 5, 3, 9, 5, 3]),
        ({"train_images": good_arrays()["train_images"].astype(object)}, [3, 5, 3, 9, 5, 3]),
        ({"train_images": good_arrays()["train_images"].astype(str)}, [3, 5, 3, 9, 5, 3]),
    ],
)
def test_the_advice_repairs_the_file(
    tmp_path: Path, changes: dict[str, Any], labels: list[int]
) -> None:
    arrays = good_arrays() | changes
    arrays["train_images"] = arrays["train_images"][: len(labels)]
    path = tmp_path / "own.npz"
    for _ in range(4):  # a call for each array that is wrong, and words in objects need two
        np.savez(path, **arrays)
        try:
            images = load_npz(dataset_path=str(path))
        except NpzError as error:
            (call,) = re.findall("`(.+?)`", str(error))
            targets, equals, value = call.rpartition(" = ")
            names = re.findall(r"\w+_(?:images|labels)", targets if equals else value)
            repaired = eval(value, {"numpy": np}, arrays)
            arrays |= zip(names, repaired, strict=True) if equals else {names[0]: repaired}
    assert images.train_labels.tolist() == labels
    np.testing.assert_array_equal(images.train_images, good_arrays()["train_images"][: len(labels)])


@pytest.mark.parametrize("name", ["CIFAR-10 (first 1,000 images of each batch)", "µP's ∞ <b>*"])
def test_a_file_may_name_its_data_set(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "own.npz", name=name)
    assert check_npz(str(path)) == (6, 2)
    assert name_of(str(path)) == name
    assert name_of(str(write(tmp_path / "other.npz"))) == "other.npz (npz)"


def test_a_bad_name_is_refused_wherever_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "own.npz", name="a\tb")
    assert_refused(path, "a name that is not")
    with pytest.raises(NpzError, match="a name that is not"):
        name_of(str(path))


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    trace = tmp_path / "executed"

    class Hostile:
        def __reduce__(self) -> Any:
            return Path.touch, (trace,)

    path = write(tmp_path / "own.npz", train_labels=np.array([Hostile()] * 6))
    assert_refused(path, "unreadable train_labels")
    assert not trace.exists()
