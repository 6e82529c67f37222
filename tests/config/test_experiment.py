"""The experiment as a value, and the files that describe it: config.yaml, overlays, schema."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from overlays import OVERLAYS, stacked

from infwidth.config import read_experiment
from infwidth.config.values import every_key
from infwidth.datasets.sources import SOURCES
from infwidth.experiment import Experiment, Theory
from infwidth.schemes import SCHEMES

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
OWN = {"init_variance": [0, -1, -1.5], "learning_rate": [0.5, -1, -1]}


def load(path: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    return config


BASE = load("config.yaml")
WHOLE_SCHEMA = load("workflow/schemas/config.schema.yaml")
PROPERTIES = WHOLE_SCHEMA["properties"]


def read(**changes: Any) -> Experiment:
    """config.yaml with changes, as a machine with a GPU reads it."""
    return read_experiment(
        BASE | changes, SCHEMA, base=BASE, given=changes, cuda_available=lambda: True
    )


def test_the_shipped_configurations_are_valid() -> None:
    experiment = read()
    assert experiment.schemes == SCHEMES
    assert list(experiment.schemes) == ["SP", "NTP", "IP", "µP"]
    assert experiment.widths == (64, 128, 256, 512, 1024, 2048, 4096)
    assert experiment.batch_size is None
    assert isinstance(experiment.init_std, float)
    assert experiment.warnings() == ()
    digits = read(**load("config/digits.yaml"))
    assert (digits.experiment, digits.dataset, digits.steps) == ("digits", "digits", 1200)
    assert digits.warnings() == ()


@pytest.mark.parametrize("name", OVERLAYS)
def test_overlays_are_valid(name: str) -> None:
    overlay = stacked(name)
    if overlay.get("dataset") != "npz":
        experiment = read(**overlay)
        assert experiment.dataset == overlay.get("dataset", BASE["dataset"])
        assert experiment.warnings() == () or name == "million"


def test_the_practitioners_files_are_one_but_for_the_probes() -> None:
    among, held_out = (read(**stacked(name)) for name in ("sgd", "sgd-heldout"))
    assert among.train_samples == 50_000
    assert among.steps == math.ceil(5 * 50_000 / 64)
    assert (among.probes, held_out.probes) == ("train", "test")
    names: dict[str, Any] = {"experiment": among.experiment, "probes": among.probes}
    assert dataclasses.replace(held_out, **names) == among


def test_config_schema_and_experiment_have_the_same_keys_in_the_same_order() -> None:
    fields = [field.name for field in dataclasses.fields(Experiment)]
    assert list(BASE) == fields
    assert list(PROPERTIES) == fields
    fields = [field.name for field in dataclasses.fields(Theory)]
    assert list(BASE["theory"]) == fields
    assert list(PROPERTIES["theory"]["properties"]) == fields
    assert PROPERTIES["theory"]["required"] == fields


def test_the_schema_says_what_every_key_is_and_repeats_no_value() -> None:
    for key, schema in every_key(WHOLE_SCHEMA).items():
        assert schema["description"].endswith("."), key
        assert "default" not in schema, key
        jsonschema.validate(schema["examples"][0], {**schema, "$defs": WHOLE_SCHEMA["$defs"]})
    assert PROPERTIES["dataset"]["enum"] == list(SOURCES)


def test_config_yaml_explains_every_key_in_place() -> None:
    lines = (ROOT / "config.yaml").read_text(encoding="utf-8").splitlines()
    for key in every_key(WHOLE_SCHEMA):
        outer, _, inner = key.rpartition(".")
        start = f"  {inner}:" if outer else f"{inner}:"
        (at,) = (number for number, line in enumerate(lines) if line.startswith(start))
        assert lines[at - 1].lstrip().startswith("# "), key
        assert "----" not in lines[at - 1], key


def test_what_cannot_be_measured_is_said_beforehand() -> None:
    assert "32, 63 below twice the samples (64)" in read(widths=[32, 63, 64] * 3).warnings()[0]
    assert not any("below" in line for line in read(widths=[64, 65, 66]).warnings())
    assert [line[:9] for line in read(widths=[128, 256]).warnings()] == ["widths: 2"]
    assert [line[:8] for line in read(seeds=1).warnings()] == ["seeds: 1"]
    assert [line[:8] for line in read(seeds=2).warnings()] == ["seeds: 2"]
    assert read(seeds=3).warnings() == ()
    few = read(theory={"widths": [32], "seeds": 1})
    assert [line.split(",")[0] for line in few.warnings()] == [
        "theory.widths: 1 given",
        "theory.seeds: 1 given",
    ]
    assert read(theory=False).warnings() == ()
    (line,) = read(theory={"widths": [8, 16, 32, 64]}).warnings()
    assert line.startswith("theory.widths: 3 of them are 16 or more")
    assert "8 feature columns), exponents of Gram" in line
    (line,) = read(widths=[64, 127, 128, 256]).warnings()
    assert "2 of them are 128 or more" in line
    assert "space-time" in line
    assert len(read(widths=[64, 127, 128, 256, 512], fit_width_ratio=1.5).warnings()) == 0


def test_the_canonical_form_reads_back_and_forgets_how_it_was_written() -> None:
    one = read(schemes={"mup": None, "mine": OWN}, widths=["128", "64"], learning_rate="1")
    other = read(
        schemes={"µP": {"init_variance": [0, -1, -2], "learning_rate": ["1", 0, -1]}, "mine": OWN},
        widths=[64, 128],
        learning_rate=1.0,
    )
    assert json.dumps(one.to_config()) == json.dumps(other.to_config())
    assert read_experiment(json.loads(json.dumps(one.to_config())), SCHEMA) == one
    jsonschema.validate(one.to_config(), WHOLE_SCHEMA)


def test_settings_are_the_named_keys_alone() -> None:
    experiment = read(schemes={"mine": OWN})
    assert experiment.settings("widths", "steps") == {"widths": BASE["widths"], "steps": 200}
    assert experiment.settings("schemes") == {"schemes": {"mine": OWN}}
    assert experiment.exponents("mine") == OWN
    assert json.dumps(read().exponents("SP")["init_variance"]) == "[0.0, -1.0, -1.0]"
    with pytest.raises(KeyError):
        experiment.settings("step")
