"""One world by itself, from the command line."""

import json
from pathlib import Path

import pytest
import yaml
from multiverse import COMMITTED, SMALL, read, worlds
from overlays import ROOT

from infwidth.config import read_experiment
from infwidth.multiverse.command import main

TWO = SMALL | {"factors": {"activation": ["tanh", "erf"], "loss": ["mse", "cross_entropy"]}}
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A paper folder of worlds on data that are not there."""
    config = read(**TWO).to_config() | {"dataset": "npz", "dataset_path": "gone/images.npz"}
    (tmp_path / "provenance.json").write_text(json.dumps({"config": config}))
    return tmp_path


def test_a_world_is_printed_as_an_ordinary_experiment(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), "2"]) == 0
    printed = capsys.readouterr().out
    found = yaml.safe_load(printed)
    assert found["experiment"] == "small-2"
    drawn = worlds(**TWO)[2]
    assert printed.startswith(f"# World 2: activation {drawn.levels['activation']}, ")
    made = read_experiment(found | {"dataset": "digits", "dataset_path": None}, SCHEMA)
    assert made == drawn.experiment


def test_files_are_laid_over_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("factors: {loss: [cross_entropy]}\ndataset: digits\n")
    assert main([str(ROOT / "config/multiverse.yaml"), str(mine), "5"]) == 0
    found = yaml.safe_load(capsys.readouterr().out)
    assert found["loss"] == "cross_entropy"
    assert found["activation"] in COMMITTED["factors"]["activation"]


@pytest.mark.parametrize(
    ("source", "number", "said"),
    [
        ("config/multiverse.yaml", "99999", "world: found 99999; choose one of 0 to 1"),
        ("config/digits.yaml", "0", "factors: none in"),
        ("config/nothing.yaml", "0", "No such file"),
    ],
)
def test_what_is_wrong_is_told(
    source: str, number: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(ROOT / source), number])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
