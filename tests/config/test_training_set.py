"""What is trained on and for how long: how `train_samples`, `probes` and `epochs` are read."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from infwidth.config import ConfigError, read_experiment
from infwidth.experiment import Experiment, steps_of
from infwidth.network.costs import recipe_settings
from infwidth.theory.setting import settings

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
BASE: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
MANY: dict[str, Any] = {"train_samples": 5000, "batch_size": 64}


def read(base: dict[str, Any] = BASE, /, **changes: Any) -> Experiment:
    """Changes laid over a file."""
    return read_experiment(
        {**base, **changes}, SCHEMA, base=base, given=changes, cuda_available=lambda: False
    )


def refused(base: dict[str, Any] = BASE, /, **changes: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(base, **changes)
    return caught.value.problems


def test_the_default_trains_on_the_probes_for_a_number_of_steps() -> None:
    experiment = read()
    assert (experiment.train_samples, experiment.probes) == (None, "train")
    assert (experiment.steps, experiment.epochs) == (200, None)


@pytest.mark.parametrize(
    ("dataset", "written", "meant"),
    [
        ("cifar10", "all", 50_000),
        ("digits", "all", 1437),
        ("digits", " all ", 1437),
        ("digits", "1437", 1437),
        ("digits", 32.0, 32),
        ("digits", "null", None),
    ],
)
def test_train_samples_are_a_number_or_all(dataset: str, written: Any, meant: int | None) -> None:
    experiment = read(dataset=dataset, train_samples=written)
    assert experiment.train_samples == meant
    assert experiment.to_config()["train_samples"] == meant
    assert experiment.settings("train_samples", "probes") == {
        "train_samples": meant,
        "probes": "train",
    }


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        (MANY | {"epochs": 5}, 391),  # 25,000 images, 64 at a time
        (MANY | {"epochs": "0.01"}, 1),
        ({"train_samples": "all", "epochs": 3}, 3),
        ({"epochs": 2.5, "batch_size": 10}, 8),  # of 32 probes
        # 0.07 * 100 is above 7 in floating point.
        ({"train_samples": 100, "epochs": 0.07, "batch_size": 1}, 7),
        (MANY | {"epochs": None}, 200),
    ],
)
def test_epochs_are_counted_in_steps(changes: dict[str, Any], steps: int) -> None:
    experiment = read(**changes)
    assert experiment.steps == steps
    assert experiment.settings("steps") == {"steps": steps}
    assert recipe_settings(experiment, 64)["steps"] == steps
    written = json.loads(json.dumps(experiment.to_config()))
    assert steps_of(written) == steps
    assert written["steps"] == (None if experiment.epochs else steps)
    # As a whole, and laid over config.yaml with its 200 steps.
    assert read_experiment(written, SCHEMA) == read(**written) == experiment


def test_steps_of_a_configuration_from_before_there_were_epochs() -> None:
    config = read().to_config()
    for key in ("train_samples", "probes", "epochs"):
        del config[key]
    assert steps_of(config) == 200


def test_what_was_given_decides_over_what_it_was_laid_over() -> None:
    own = BASE | MANY | {"epochs": 5, "steps": None}
    assert read(own).steps == 391
    assert read(own, steps=50).steps == 50
    assert read(own, steps=50).epochs is None
    assert read(own, steps="null", epochs=1).steps == 79
    assert read(own, steps=50, epochs="null").steps == 50
    # 200 as in config.yaml, but given.
    (line,) = refused(BASE | MANY, steps=200, epochs=5)
    assert line.startswith("epochs: found 5, but `steps: 200`")
    assert "`steps: null`" in line
    assert "`epochs: null`" in line
    # One file that has both.
    assert refused(own | {"steps": 9}) == [line.replace("200", "9")]
    # Of a value that is wrong, nothing follows for the other.
    assert [line.split(":")[0] for line in refused(**MANY, epochs=-1)] == ["epochs"]


REFUSALS: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"train_samples": "some"}, "train_samples", ['"some"', "whole number", "all, or null"]),
    ({"train_samples": True}, "train_samples", ["found true;", "whole number of at least 2"]),
    ({"train_samples": 1}, "train_samples", ["found 1;", "at least 2", "`train_samples: 5000`"]),
    ({"train_samples": 50_001}, "train_samples", ["50000 training images", "at most 50000"]),
    ({"train_samples": 31}, "train_samples", ["found 31", "32 samples", "fewer `samples`"]),
    ({"probes": "tests"}, "probes", ['"tests"', "test?"]),
    ({"probes": "test"}, "probes", ["`train_samples: null`", "`train_samples: all`"]),
    (
        {"probes": "test", "train_samples": "all", "samples": 10_001, "theory": False},
        "samples",
        ["found 10001", "10000 test images"],
    ),
    ({"epochs": 0, **MANY}, "epochs", ["found 0;", "above 0"]),
    ({"epochs": 5, "steps": 50, **MANY}, "epochs", ["`steps: 50`", "`steps: null`"]),
    ({"epochs": 5}, "epochs", ["`batch_size: null`", "write `steps`"]),
    ({"steps": None}, "steps", ["`epochs: null`", "`steps: 200`", "`epochs: 5`"]),
    (
        {"train_samples": 50, "batch_size": 51},
        "batch_size",
        ["found 51", "50 train_samples", "null"],
    ),
    (
        {"layer": "lazy", "steps": 1, **MANY},
        "layer",
        ["1 steps of 64 images and the 32 samples", "96 directions", "64", "`layer: auto`"],
    ),
    ({"layer": "lazy", "train_samples": 5000, "steps": 1}, "layer", ["5032 directions"]),
    ({"layer": "lazy", "epochs": 5, **MANY}, "layer", ["391 steps", "25056 directions"]),
]


@pytest.mark.parametrize(("changes", "key", "words"), REFUSALS)
def test_what_does_not_go_together_is_refused(
    changes: dict[str, Any], key: str, words: list[str]
) -> None:
    (line,) = refused(**changes)
    assert line.startswith(f"{key}: ")
    for word in words:
        assert word in line


def test_what_is_just_possible_is_not_refused() -> None:
    assert read(train_samples=32).train_samples == 32
    assert read(batch_size=50, train_samples=50).batch_size == 50
    assert read(layer="lazy", steps=2, widths=[160, 320, 640], **MANY).steps == 2
    assert read(layer="lazy").layer == "lazy"
    held_out = {"probes": "test", "train_samples": "all", "theory": False}
    assert read(samples=10_000, test_samples=8, **held_out).samples == 10_000


def test_all_of_data_that_cannot_be_read_is_no_further_problem() -> None:
    npz = {"dataset": "npz", "train_samples": "all"}
    assert [line.split(":")[0] for line in refused(**npz)] == ["dataset_path"]
    assert [line.split(":")[0] for line in refused(**npz, dataset_path="no.npz")] == [
        "dataset_path"
    ]
    assert [line.split(":")[0] for line in refused(dataset="x", train_samples="all")] == ["dataset"]


def test_a_users_file_is_read_once() -> None:
    asked = []

    def sizes(dataset: str, dataset_path: str | None) -> tuple[int, int]:
        asked.append(dataset)
        return 6000, 1000

    config = BASE | {"train_samples": "all"}
    assert read_experiment(config, SCHEMA, sizes=sizes).train_samples == 6000
    assert asked == ["cifar10"]


def test_training_that_does_not_see_all_its_images_is_told() -> None:
    (line,) = read(**MANY, steps=10).warnings()
    assert line.startswith("steps: training ends after 640 of its 5000 images")
    (line,) = read(**MANY, epochs=0.5).warnings()
    assert line.startswith("epochs: ")
    assert read(**MANY, epochs=1).warnings() == read(train_samples=5000, steps=1).warnings() == ()


def test_batches_are_those_of_the_training_set_not_of_the_theorys_few_images() -> None:
    for changes, batch_size in ((MANY | {"epochs": 5}, None), ({"batch_size": 16}, 16)):
        recipe = settings(read(**changes), ["recipe"])["recipe"]
        assert (recipe["steps"], recipe["batch_size"]) == (BASE["theory"]["steps"], batch_size)
