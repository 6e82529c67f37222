"""Configurations as people write them: what becomes of them, and how each mistake is refused."""

import copy
import json
import random
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from snakemake.cli import parse_config
from snakemake.utils import update_config

from infwidth.config import ConfigError, read_experiment
from infwidth.experiment import Experiment
from infwidth.schemes import SCHEMES, Scheme, built_in

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
OWN = {"init_variance": [0, -1, -1.5], "learning_rate": [0.5, -1, -1]}
POWERS = ((0.0, -1.0, -1.5), (0.5, -1.0, -1.0))
FIRST = {"first_learning_rate": ["2", 0.5, 0], "first_factor": "4"}


BASE: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


def read(**changes: Any) -> Experiment:
    """config.yaml with changes, on a machine without a GPU."""
    return read_experiment({**BASE, **changes}, SCHEMA, base=BASE, cuda_available=lambda: False)


def problems(**changes: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(**changes)
    # One line a problem, after a headline.
    assert str(caught.value).split("\n")[1:] == [f"  {line}" for line in caught.value.problems]
    return caught.value.problems


# What YAML or `--config key=value` delivers, and what is meant.
@pytest.mark.parametrize(
    ("key", "written", "meant"),
    [
        ("widths", ["64", "128"], (64, 128)),
        ("widths", [128, "64", 128.0], (64, 128)),
        ("learning_rate", "1e-3", 1e-3),
        ("collapse_ratio", "1.0e-4", 1e-4),
        ("learning_rate", " .5 ", 0.5),
        ("learning_rate", 1, 1.0),
        ("steps", 1e3, 1000),
        ("steps", "+50", 50),
        ("batch_size", "null", None),
        ("batch_size", None, None),
        ("batch_size", "16", 16),
        ("dataset_path", "null", None),
        ("dataset_path", "", None),
        ("experiment", "2024_01", "2024_01"),
        ("data_root", "./data//", "data"),
        ("data_root", "data/.", "data"),
        ("data_root", "../up/", "../up"),
        ("data_root", "a/../b", "a/../b"),
        ("data_root", "/", "/"),
        ("data_root", "./~/data", "./~/data"),
        ("data_root", "a~b", "a~b"),
        ("data_root", "$5 a$", "$5 a$"),
        ("experiment", "1e3", "1e3"),
        ("experiment", "digits\n", "digits"),
        ("experiment", "null", "null"),
        ("schemes", ["mup", "sp"], {"µP": SCHEMES["µP"], "SP": SCHEMES["SP"]}),
        ("schemes", ["\u03bcP"], {"µP": SCHEMES["µP"]}),
        ("schemes", {"ntp": None, "IP": "null"}, {"NTP": SCHEMES["NTP"], "IP": SCHEMES["IP"]}),
        (
            "schemes",
            {"mine": {"init_variance": ["0", "-1", "-1.5"], "learning_rate": ["0.5", -1, "-1"]}},
            {"mine": Scheme((0.0, -1.0, -1.5), (0.5, -1.0, -1.0))},
        ),
        (
            "schemes",
            {"SP": {"init_variance": [0, -1, -1], "learning_rate": [-1, -1, -1]}},
            {"SP": SCHEMES["SP"]},
        ),
        ("schemes", {"3": OWN}, {"3": Scheme((0, -1, -1.5), (0.5, -1, -1))}),
        ("schemes", ["ip-llr"], {"IP-LLR": built_in(3)["IP-LLR"]}),
        ("schemes", {"mine": OWN | FIRST}, {"mine": Scheme(*POWERS, (2.0, 0.5, 0.0), 4.0)}),
        (
            "schemes",
            {"mine": OWN | FIRST | {"first_factor": None}},
            {"mine": Scheme(*POWERS, (2.0, 0.5, 0.0))},
        ),
    ],
)
def test_words_become_values(key: str, written: Any, meant: Any) -> None:
    value = getattr(read(**{key: written}), key)
    assert value == meant
    assert type(value) is type(meant)
    if isinstance(meant, tuple):
        assert [type(entry) for entry in value] == [type(entry) for entry in meant]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder, with a variable for a folder in it, and one that is empty."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("EMPTY", "")
    return tmp_path


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("~/data/", "data"),
        ("~", "."),
        ("${HOME}/data", "data"),
        ("$SCRATCH/data", "scratch/data"),
        ("${SCRATCH}_2//data/", "scratch_2/data"),
    ],
)
def test_home_and_variables_are_filled_in(home: Path, written: str, meant: str) -> None:
    experiment = read(data_root=written)
    assert experiment.data_root == str(home / meant)
    # What was written down of it reads back.
    assert read(**experiment.to_config()) == experiment


def test_an_empty_variable_is_no_folder(home: Path) -> None:
    assert "EMPTY is not set" in problems(data_root="$EMPTY/data")[0]


def test_relative_paths_stay_relative(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUN", "./runs/")
    assert read(data_root="$RUN/data").data_root == "runs/data"


# A change to config.yaml, the key that is refused, and words that its line must have.
REFUSALS: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"lerning_rate": 1}, "lerning_rate", ["unknown key", "learning_rate?"]),
    ({"tolerance": 1e-3}, "tolerance", ["unknown key", "lazy_tolerance?"]),
    ({"lazy_tolerance": 0}, "lazy_tolerance", ["found 0;", "at least 1e-05 and below 1"]),
    ({"theory": "perhaps"}, "theory", ['"perhaps"', "true or false", "theory: true"]),
    ({"theory": 1}, "theory", ["found 1;", "true or false"]),
    ({"theory": None}, "theory", ["found null;", "mapping of statements, widths, samples"]),
    ({"theory": {"samples": 3}}, "theory.samples", ["found 3;", "at least 4"]),
    (
        {"theory": {"samples": 33}},
        "theory.samples",
        ["more than the 32", "4 to 32", "theory: false"],
    ),
    (
        {"theory": {"statements": ["transfer", "rest"]}},
        "theory.statements",
        ["found transfer, about a training set", "`train_samples: 5000`", "leave it out"],
    ),
    ({"theory": {"widths": [0]}}, "theory.widths", ["found 0;", "at least 1"]),
    ({"theory": {"activations": ["tan"]}}, "theory.activations", ['"tan"', "tanh, sigmoid, silu"]),
    ({"theory": {"steps": None}}, "theory.steps", ["found null;", "`theory: {steps: 200}`"]),
    ({"theory": {"step": 3}}, "theory.step", ["unknown key; did you mean steps?"]),
    ({"theory": {3: 3}}, "theory.a key of type int", ["keys are words"]),
    ({"theory_steps": 3}, "theory_steps", ["write `theory: {steps: ...}`", "--config theory='{st"]),
    ({"theory_step": 3}, "theory_step", ["unknown key; did you mean theory?"]),
    ({"hidden_layers": 1}, "hidden_layers", ["a hidden layer after the first", "theory: false"]),
    ({"schemes": ["SP", "NPT"]}, "schemes", ['"NPT"', "NTP?", "SP, NTP, IP, µP", "init_variance"]),
    ({"schemes": {"mine": None}}, "schemes", ["unknown scheme", '"mine"', "init_variance"]),
    ({"activation": "Than"}, "activation", ['"Than"', "tanh?", "silu, relu, gelu, erf"]),
    ({"loss": "MSE loss"}, "loss", ['"MSE loss"', "mse?", "mse, cross_entropy"]),
    ({"dataset": "cifar-10"}, "dataset", ['"cifar-10"', "cifar10?", "digits, npz"]),
    ({"layer": "lasy"}, "layer", ['"lasy"', "lazy?", "auto, dense, lazy"]),
    ({"precision": "float-32"}, "precision", ['"float-32"', "float32?"]),
    ({"device": "gpu"}, "device", ['"gpu"', "auto, cpu, cuda"]),
    ({"loss": ["mse"]}, "loss", ['["mse"]', "one of mse, cross_entropy", "loss: mse"]),
    ({"widths": [64, 0]}, "widths", ["found 0;", "whole number of at least 1", "[64, 128, 256]"]),
    ({"widths": [64, 1.5, "x", True]}, "widths", ['found 1.5, "x", true;']),
    ({"widths": []}, "widths", ["found []", "at least one entry"]),
    ({"widths": 64}, "widths", ["found 64;", "a list"]),
    ({"widths": "64,128"}, "widths", ['found "64,128";', "a list"]),
    ({"seeds": 0}, "seeds", ["found 0;", "at least 1", "seeds: 5"]),
    ({"seeds": 2.5}, "seeds", ["found 2.5;", "whole number"]),
    ({"seeds": True}, "seeds", ["found true;", "whole number"]),
    ({"seeds": "true"}, "seeds", ["found true;", "whole number"]),
    ({"seeds": None}, "seeds", ["found null;", "whole number"]),
    ({"seeds": 10**5000}, "seeds", ["beyond 1e+15"]),
    ({"seeds": 1e300}, "seeds", ["beyond 1e+15"]),
    ({"learning_rate": 0}, "learning_rate", ["found 0;", "above 0", "learning_rate: 0.5"]),
    ({"learning_rate": "-0.1"}, "learning_rate", ["found -0.1;", "above 0"]),
    ({"learning_rate": float("nan")}, "learning_rate", ["not finite", "above 0"]),
    ({"learning_rate": ".inf"}, "learning_rate", ["not finite"]),
    ({"learning_rate": "1e400"}, "learning_rate", ["not finite"]),
    ({"learning_rate": True}, "learning_rate", ["found true;", "a number"]),
    ({"learning_rate": "fast"}, "learning_rate", ['"fast"', "a number"]),
    ({"learning_rate": [0.5]}, "learning_rate", ["found [0.5];"]),
    ({"learning_rate": [[[[[[0.5]]]]]]}, "learning_rate", ["nested too deeply"]),
    ({"learning_rate": {"hidden": 1}}, "learning_rate", ['{"hidden": 1}']),
    ({"learning_rate": np.array([1, 2])}, "learning_rate", ["type ndarray"]),
    ({"init_std": 0}, "init_std", ["above 0"]),
    ({"reference_width": -1}, "reference_width", ["above 0"]),
    ({"collapse_ratio": 1}, "collapse_ratio", ["above 0 and below 1"]),
    ({"fit_width_ratio": 1}, "fit_width_ratio", ["above 1"]),
    ({"hidden_layers": 0}, "hidden_layers", ["at least 1"]),
    ({"steps": 0}, "steps", ["at least 1"]),
    ({"snapshots": 1}, "snapshots", ["at least 2"]),
    ({"samples": 1}, "samples", ["at least 2"]),
    ({"experiment": "a/b"}, "experiment", ['"a/b"', "letters, digits, - and _"]),
    ({"experiment": True}, "experiment", ["found true;", "letters"]),
    ({"experiment": "x" * 61}, "experiment", ["1 to 60"]),
    ({"experiment": 202401}, "experiment", ["found 202401;", "`experiment: '2024_01'`", "!!str"]),
    ({"experiment": 1e3}, "experiment", ["found 1000.0;", "quotes"]),
    ({"experiment": 10**5000}, "experiment", ["beyond 1e+15", "quotes"]),
    ({"experiment": None}, "experiment", ["found null;", "quotes"]),
    ({"experiment": date(2024, 1, 1)}, "experiment", ["found the date 2024-01-01;", "quotes"]),
    ({"data_root": 2024}, "data_root", ["found 2024;", "--config data_root='!!str"]),
    ({"cifar10_sha256": 10**63}, "cifar10_sha256", ["quotes"]),
    ({"schemes": {8: OWN}}, "schemes", ["name of type int", "quotes"]),
    ({"steps": date(2024, 1, 1)}, "steps", ["found the date 2024-01-01;", "whole number"]),
    ({"cifar10_urls": ["x.tar.gz"]}, "cifar10_urls", ['"x.tar.gz"', "http"]),
    ({"cifar10_urls": []}, "cifar10_urls", ["at least one"]),
    ({"cifar10_sha256": "6d95"}, "cifar10_sha256", ['"6d95"', "64 hexadecimal"]),
    ({"schemes": []}, "schemes", ["found []", "[SP, NTP, IP, µP]", "mine"]),
    ({"schemes": "SP"}, "schemes", ['found "SP"', "list of names"]),
    ({"schemes": ["mup", "µP"]}, "schemes", ["is µP", "already"]),
    ({"schemes": {"sp": None, "SP": None}}, "schemes", ["is SP", "already"]),
    ({"schemes": [["SP"]]}, "schemes", ['["SP"]', "names"]),
    ({"schemes": {"mine": OWN | {"init_variance": [0, 1]}}}, "schemes", ["mine", "has 2", "three"]),
    ({"schemes": {"mine": OWN | {"learning_rate": [0] * 4}}}, "schemes", ["mine", "has 4"]),
    ({"schemes": {"mine": OWN | {"learning_rate": 1}}}, "schemes", ["learning_rate of mine is 1"]),
    (
        {"schemes": {"mine": OWN | {"learning_rate": [0, True, 1]}}},
        "schemes",
        ["true", "no number"],
    ),
    ({"schemes": {"mine": {"init_variance": [0, 0, 0]}}}, "schemes", ["mine lacks learning_rate"]),
    ({"schemes": {"mine": OWN | {"lr": [0]}}}, "schemes", ['"lr"', "learning_rate?"]),
    (
        {"schemes": {"mine": OWN | {"first_learning_rate": [1, 2]}}},
        "schemes",
        ["first_learning_rate of mine has 2", "three"],
    ),
    (
        {"schemes": {"mine": OWN | {"first_factor": 2}}},
        "schemes",
        ["first_factor without first_learning_rate", "add"],
    ),
    (
        {"schemes": {"mine": OWN | FIRST | {"first_factor": 0}}},
        "schemes",
        ["first_factor of mine is 0", "above 0"],
    ),
    ({"schemes": {"IP-LLR": OWN | FIRST}}, "schemes", ["IP-LLR is built in", "another name"]),
    (
        {"schemes": {"mine": OWN | {"first_learning_rate": [0, 1e6, 0]}}},
        "schemes",
        ["mine overflow at a width", "nearer to 0"],
    ),
    ({"schemes": {"mine": OWN, "MINE": OWN}}, "schemes", ['"mine" and "MINE"', "rename one"]),
    ({"schemes": {"mine": 3}}, "schemes", ["mine is 3", "mapping"]),
    ({"schemes": {"my own": OWN}}, "schemes", ['"my own"', "letters"]),
    ({"schemes": {"mup": OWN}}, "schemes", ["µP is built in", "another name"]),
    ({"schemes": {"mine": OWN | {"learning_rate": [0, 0, "nan"]}}}, "schemes", ["not finite"]),
    ({"batch_size": 33}, "batch_size", ["found 33", "32 samples", "null"]),
    ({"batch_size": 0}, "batch_size", ["at least 1, or null"]),
    ({"samples": 50_001}, "samples", ["50001", "50000 training images"]),
    ({"pool": 50_001}, "pool", ["50001", "50000 training images"]),
    ({"test_samples": 10_001}, "test_samples", ["10001", "10000 test images"]),
    ({"dataset": "npz"}, "dataset_path", ["missing", "dataset_path: my/images.npz"]),
    ({"dataset_path": "a.npz"}, "dataset_path", ['"a.npz"', "dataset: npz", "null"]),
    ({"dataset": "npz", "dataset_path": "no/such.npz"}, "dataset_path", ["no/such.npz"]),
    (
        {"data_root": "$NO_SUCH/data"},
        "data_root",
        ['"$NO_SUCH/data"', "NO_SUCH is not set", "export"],
    ),
    ({"data_root": "a/${NO_SUCH}"}, "data_root", ["NO_SUCH is not set"]),
    ({"data_root": "~no_such_user/data"}, "data_root", ['"~no_such_user/data"', "no home folder"]),
    ({"dataset": "npz", "dataset_path": "$NO_SUCH"}, "dataset_path", ["NO_SUCH is not set"]),
    ({"data_root": "{scheme}"}, "data_root", ['"{scheme}"', '"{" and "}"', "braces"]),
    ({"data_root": "a\tb"}, "data_root", ['"a\\tb"', "choose"]),
    ({"data_root": "x" * 300}, "data_root", ["nothing can be kept", "too long"]),
    ({"dataset": "npz", "dataset_path": "a{b.npz"}, "dataset_path", ['"a{b.npz"', "braces"]),
    ({"cifar10_urls": ["\x1b[2J"]}, "cifar10_urls", ["\\u001b[2J"]),
    ({"cifar10_urls": ["\x9b2J"]}, "cifar10_urls", ["\\x9b2J"]),
    (
        {"schemes": {"mine": OWN | {"learning_rate": [0, 1e6, 0]}}},
        "schemes",
        ["mine overflow at a width", "nearer to 0"],
    ),
    ({"reference_width": 5e-324}, "schemes", ["SP, NTP, IP, µP overflow", "`reference_width`"]),
    ({"device": "cuda"}, "device", ["no usable GPU", "device: auto"]),
    ({"device": "cpu", "precision": "tf32"}, "precision", ["GPU", "precision: float32"]),
]


@pytest.mark.parametrize(("changes", "key", "words"), REFUSALS)
def test_mistakes_are_refused_with_the_key_and_the_remedy(
    changes: dict[str, Any], key: str, words: list[str]
) -> None:
    (line,) = problems(**changes)
    assert line.startswith(f"{key}: ")
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("steps: 010", {"steps": "010"}),
        ("steps: 1:30", {"steps": "1:30"}),
        ("steps: [1, 2]\nlearning_rate: 1:30.5", {"steps": "", "learning_rate": "1:30.5"}),
        ("widths: [64, 0100, 256]", {"widths": "0100"}),
        (
            "widths: &both [64, 0_100]\ntheory: {widths: *both}",
            {"widths": "", "theory.widths": ""},
        ),
        (
            "schemes: {a: {init_variance: [0, -01, 0], learning_rate: [0, 0, 0]}}",
            {"schemes": "-01"},
        ),
        ("seeds: 1_0\nsteps: 0x20\nsamples: 32.0\nloss: mse\ndata_root: 'a:0'", {}),
        ("steps: '010'", {}),
        ("cifar10_urls: [http://x:80/]", {}),
    ],
)
def test_numbers_of_an_odd_base_are_told_from_their_file(
    tmp_path: Path, text: str, refused: dict[str, str]
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    config = BASE | yaml.safe_load(text)
    found = {}
    try:
        files = [ROOT / "config.yaml", file]
        experiment = read_experiment(config, SCHEMA, base=BASE, files=files)
        assert experiment.steps in (200, 32, 10)  # '010' is no number of YAML's: ten
    except ConfigError as error:
        found = dict(line.split(": ", 1) for line in error.problems)
    assert found.keys() == refused.keys()
    for key, written in refused.items():
        assert written in found[key]
        assert "decimal" in found[key] or not written


def test_a_number_that_another_file_put_right_is_no_matter(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("steps: 010\nnested: &a {steps: 0100, deep: *a}", encoding="utf-8")
    # Nor does a file that is there twice, or not at all, or no YAML.
    (tmp_path / "odd.yaml").write_text("a: b: c", encoding="utf-8")
    files = [file, file, tmp_path / "odd.yaml", tmp_path / "none.yaml"]
    assert read_experiment(BASE | {"steps": 50}, SCHEMA, files=files).steps == 50
    # As in the configuration of a module, which is a part of another.
    with pytest.raises(ConfigError, match=r"steps: found 0100 in .*mine\.yaml, .* for 64 "):
        read_experiment(BASE | {"steps": 64}, SCHEMA, files=files)


def test_what_cannot_be_told_of_numbers() -> None:
    # Without their file: eight is what 010 was read as.
    assert read(steps=yaml.safe_load("010")).steps == 8
    # Of the command line, Snakemake makes numbers in base ten, and leaves a colon a word.
    assert parse_config(["steps=010"]) == {"steps": 10}
    assert read(**parse_config(["steps=010"])).steps == 10
    assert '"1:30"' in problems(**parse_config(["steps=1:30"]))[0]


@pytest.mark.parametrize(
    ("word", "text"), [("2024_01", False), ("010", False), ("1e3", False), ("2024-01-01", True)]
)
def test_names_of_the_command_line(word: str, text: bool) -> None:
    config = parse_config([f"experiment={word}"])
    if text:
        assert read(**config).experiment == word
    else:
        assert "--config experiment='!!str 2024_01'" in problems(**config)[0]
    # What is advised helps, and quotes would not: Snakemake takes them off.
    assert read(**parse_config([f"experiment=!!str {word}"])).experiment == word
    assert parse_config([f"experiment='{word}'"]) == config


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("theory={steps: 50}", {"steps": 50}),
        ("theory={widths: ['64', 32, 64], seeds: 2e0}", {"widths": (32, 64), "seeds": 2}),
        ("theory={}", {}),
        ("theory=true", {}),
        ("theory= True ", {}),
    ],
)
def test_a_mapping_has_from_below_what_it_leaves_out(written: str, meant: dict[str, Any]) -> None:
    theory = read(**parse_config([written])).theory
    assert theory == replace(read().theory, **meant)  # type: ignore[type-var]
    # As Snakemake lays it over config.yaml.
    merged = copy.deepcopy(BASE)
    update_config(merged, parse_config([written]))
    assert read(**merged).theory == theory


def test_a_mapping_can_be_left_out_but_not_stand_for_nothing() -> None:
    assert read(theory=False).theory is read(theory="false").theory is None
    assert read(theory=False).to_config()["theory"] is False
    config = BASE | {"theory": True}
    with pytest.raises(ConfigError) as caught:
        read_experiment(config, SCHEMA, base=config)
    assert [line.split(": ")[0] for line in caught.value.problems] == [
        f"theory.{name}" for name in BASE["theory"]
    ]
    assert "missing; add a line such as `theory: {samples: 8}`" in caught.value.problems[2]


def test_what_is_right_in_a_mapping_is_held_against_other_keys() -> None:
    changes = {"theory": {"samples": 33, "seeds": 0, "zzz": 1}, "hidden_layers": 1, "aaa": 0}
    found = [line.split(":")[0] for line in problems(**changes)]
    assert found == ["hidden_layers", "theory.samples", "theory.seeds", "aaa", "theory.zzz"]


def test_all_problems_are_told_at_once_in_the_order_of_the_keys() -> None:
    changes = {"seeds": 0, "zzz": 1, "device": "cuda", "pool": 10**6, "activation": "x"}
    found = [line.split(":")[0] for line in problems(**changes)]
    assert found == ["pool", "seeds", "activation", "device", "zzz"]


def test_an_absent_key_is_named_with_an_example() -> None:
    config = {key: value for key, value in BASE.items() if key not in {"seeds", "schemes"}}
    with pytest.raises(ConfigError) as caught:
        read_experiment(config, SCHEMA)
    schemes, seeds = caught.value.problems
    assert schemes.startswith("schemes: missing")
    assert "`schemes: [SP, NTP, IP, µP]`" in schemes
    assert "`seeds: 5`" in seeds


@pytest.mark.parametrize("config", [None, [], "x", 3])
def test_a_configuration_that_is_no_mapping_is_refused(config: Any) -> None:
    with pytest.raises(ConfigError, match="mapping"):
        read_experiment(config, SCHEMA)


def test_sizes_come_from_the_users_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    labels = np.arange(40) % 2
    images = np.random.default_rng(0).normal(size=(40, 6, 6))
    np.savez(
        path,
        train_images=images,
        train_labels=labels,
        test_images=images[:10],
        test_labels=labels[:10],
    )
    mine = {"dataset": "npz", "dataset_path": str(path), "pool": 40, "test_samples": 10}
    assert read(**mine).dataset_path == str(path)
    assert "40 training images" in problems(**mine | {"samples": 41})[0]
    assert "10 test images" in problems(**mine | {"test_samples": 11})[0]
    path.write_bytes(path.read_bytes()[:1000])
    (line,) = problems(**mine)
    assert line.startswith(f"dataset_path: {path}")


def test_nothing_but_a_config_error_comes_of_nonsense() -> None:
    own: list[Any] = []
    own.append(own)
    words = ["", "null", "1", "1e400", "9" * 5000, "µP", "npz", "\ud800", "a\nb", "x" * 9999]
    numbers = [0, 1, -1, 64, 3.5, float("inf"), 10**400, 10**6000, True, np.float64(2), 1j]
    atoms = [*words, *numbers, None, b"x", {1, 2}, np.arange(3), object(), own, {(1,): 1}, {}, []]
    keys: list[Any] = [*BASE, "foo", 3, None, (1, 2), 10**6000, "a\nb", "\ud800"]
    draw = random.Random(0)
    outcomes = set()
    for _ in range(400):
        atom = draw.choice(atoms)
        config = BASE | {draw.choice(keys): draw.choice([atom, [atom, 1], {"SP": atom}])}
        try:
            experiment = read_experiment(config, SCHEMA, cuda_available=lambda: False)
        except ConfigError as error:
            lines = str(error).encode().count(b"\n")
            outcomes.add("refused" if lines == len(error.problems) else str(error))
        else:
            json.dumps([experiment.to_config(), experiment.warnings()], allow_nan=False)
            outcomes.add("read")
    assert outcomes == {"read", "refused"}


def test_torch_is_not_imported_to_read_a_configuration() -> None:
    code = (
        "import sys, yaml, pathlib, infwidth.config as c;"
        f"root = pathlib.Path({str(ROOT)!r});"
        "config = yaml.safe_load((root / 'config.yaml').read_text(encoding='utf-8'));"
        "c.read_experiment(config, root / 'workflow/schemas/config.schema.yaml');"
        "print([name for name in ('torch', 'pandas', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_scheme_of_a_depth_reads_back_at_that_depth_alone() -> None:
    experiment = read(schemes=["IP", "IP-LLR"], hidden_layers=4)
    written = experiment.to_config()
    assert written["schemes"]["IP-LLR"]["first_learning_rate"] == [2.5, 1.0, 0.5]
    assert written["schemes"]["IP"].keys() == {"init_variance", "learning_rate"}
    assert read(**written) == experiment
    assert "IP-LLR is built in" in problems(**(written | {"hidden_layers": 3}))[0]
