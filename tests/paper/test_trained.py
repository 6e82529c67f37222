"""What is said of a training: of probes alone, and of many images in mini-batches."""

import json
from pathlib import Path

import pandas as pd
import pytest
from synthetic import ON_MANY

from infwidth.paper import practice
from infwidth.paper.trained import trained

PAPER = Path(__file__).parents[2] / "paper"
CONFIG = {"samples": 32, "test_samples": 256, "batch_size": None, "steps": 200}


@pytest.mark.parametrize(
    ("config", "inputs", "method", "batch", "length", "read"),
    [
        (
            {},
            "the first 32 training images, trained on and probed",
            "full-batch gradient descent", "full: all N samples at every step", "200 steps", "",
        ),
        (
            {"batch_size": 8, "train_samples": None, "probes": "train", "epochs": None},
            "the first 32 training images, trained on and probed",
            "SGD, 8 samples a batch", "8", "200 steps", "",
        ),
        (
            {"batch_size": 64, "train_samples": 100, "probes": "train", "epochs": 1.0}
            | {"steps": None},
            "the first 100 training images for training and the first 32 of them as probes",
            "SGD, 64 images a batch", "64", "2 steps (1 epoch)",
            "the first 100 training images and the first 256 test images",
        ),
        (
            dict(ON_MANY),
            "the first 5000 training images for training and the first 32 test images, held out, "
            "as probes",
            "SGD, 64 images a batch", "64", "196 steps (2.5 epochs)",
            "the first 1000 training images and the first 1000 test images",
        ),
        (
            {"train_samples": 100},
            "the first 100 training images for training and the first 32 of them as probes",
            "full-batch gradient descent", "full: all 100 images at every step", "200 steps",
            "the first 100 training images and the first 256 test images",
        ),
    ],
)  # fmt: skip
def test_what_is_said_of_a_training(
    config: dict[str, object], inputs: str, method: str, batch: str, length: str, read: str
) -> None:
    how = trained(CONFIG | config)
    assert how.inputs == inputs
    assert (how.method, how.batch, how.length, how.read) == (method, batch, length, read)
    assert how.apart == (config.get("train_samples") is not None)


@pytest.mark.parametrize("name", ["cifar10", "digits", "wide"])
def test_runs_older_than_the_keys_are_of_their_probes_alone(name: str) -> None:
    config = json.loads((PAPER / name / "provenance.json").read_text(encoding="utf-8"))["config"]
    how = trained(config)
    assert not how.apart
    assert how.inputs == f"the first {config['samples']} training images, trained on and probed"
    assert how.steps == config["steps"]


def runs(accuracies: dict[tuple[str, int], tuple[float, ...]]) -> pd.DataFrame:
    return pd.DataFrame(
        {"scheme": scheme, "width": width, "seed": seed, "step": 5, "train_accuracy": value}
        | {"test_accuracy": value, "train_loss": 0.2, "test_loss": 0.4}
        for (scheme, width), values in accuracies.items()
        for seed, value in enumerate(values)
    )


def steps(*measured: str, scheme: str = "IP") -> pd.DataFrame:
    column = "feature_diversity"
    return pd.DataFrame(
        {"scheme": scheme, "column": column, "step": 4**place, "measured": word}
        for place, word in enumerate(measured)
    )


def test_a_practitioner_reads_who_is_best_and_whether_width_helps() -> None:
    table = runs(
        {
            ("SP", 64): (0.20, 0.22), ("SP", 128): (0.20, 0.23),
            ("IP", 64): (0.30, 0.301), ("IP", 128): (0.20, 0.201),
            ("µP", 64): (0.30, 0.31), ("µP", 128): (0.50, 0.51),
        }
    )  # fmt: skip
    best, by_width, _ = practice.sentences(table, steps("rich"))
    assert best == "The highest test accuracy is that of µP, 0.505 [0.441, 0.569]."
    assert by_width == (
        "From n = 64 to 128 test accuracy rises under µP, falls under IP and has overlapping "
        "intervals under SP."
    )
    near = runs({("SP", 64): (0.40, 0.52), ("µP", 64): (0.50, 0.51)})
    assert practice.sentences(near, steps("rich"))[0].endswith("the interval of SP overlaps it.")
    # One seed has no interval, and tells neither who is behind nor what the width does.
    alone = practice.sentences(runs({("SP", 64): (0.4,), ("SP", 128): (0.5,)}), steps("rich"))
    assert alone[0] == "The highest test accuracy is that of SP, 0.500."
    assert len(alone) == 2


def test_rows_are_of_the_largest_width() -> None:
    (row,) = practice.rows(runs({("SP", 64): (0.1, 0.2), ("SP", 128): (0.5, 0.5)}))
    assert (row.scheme, row.width) == ("SP", 128)
    assert row.cells["test_accuracy"] == "0.500 [0.500, 0.500]"


def test_what_is_a_matter_of_time_is_read_off_the_table_of_steps() -> None:
    table = pd.concat([steps("rich", "rich", "collapsed", "collapsed"), steps("rich", scheme="SP")])
    assert practice.matter_of_time(table, "feature_diversity") == (
        "The verdict on feature diversity is a matter of time under IP "
        "(rich at steps 1 to 4, collapsed at steps 16 to 64)."
    )
    assert "No verdict" in practice.matter_of_time(steps("rich", "rich"), "feature_diversity")
