"""What cannot be run is refused before any job starts; number-like words are understood."""

import pytest
import yaml
from overlays import OVERLAYS, stack, stacked
from workflow_run import IMAGES_NAME, ROOT, Checkout

BASE = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout.fresh(tmp_path_factory.mktemp("bad_input") / "checkout")
    content = (checkout.root / "images.npz").read_bytes()
    (checkout.root / "half.npz").write_bytes(content[: len(content) // 2])
    return checkout


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            {"stepz": 3, "schemes": "[SP,NPT]", "widths": "[64,1.5]", "seeds": 0},
            ["4 problems", "stepz: ", "steps?", "NTP?", "widths: found 1.5", "seeds: found 0"],
        ),
        ({"samples": 25}, ["samples: found 25", "24 training images", "at most 24"]),
        ({"train_samples": 25}, ["train_samples: found 25", "24 training images", "at most 24"]),
        ({"train_samples": 3}, ["train_samples: found 3", "4 samples"]),
        ({"probes": "test"}, ["probes: found test", "`train_samples: all`"]),
        ({"probes": "test", "train_samples": "all", "samples": 9}, ["samples: ", "8 test images"]),
        # The file has steps.
        ({"epochs": 2, "batch_size": 2}, ["epochs: found 2", "`steps: 5`", "`steps: null`"]),
        ({"steps": "null", "epochs": 2}, ["epochs: found 2", "choose a `batch_size`"]),
        ({"steps": "null"}, ["steps: found null", "`epochs: null`"]),
        (
            {"train_samples": "all", "batch_size": 25},
            ["batch_size: found 25", "24 train_samples", "at most 24"],
        ),
        (
            {"train_samples": "all", "batch_size": 8, "layer": "lazy"},
            ["layer: found lazy", "44 directions", "width 16", "`layer: auto`"],
        ),
        ({"dataset_path": "half.npz"}, ["dataset_path: half.npz"]),
        ({"dataset_path": "$NO_SUCH/half.npz"}, ["dataset_path: ", "NO_SUCH is not set"]),
        ({"experiment": "2024_01"}, ["experiment: found 202401", "'!!str 2024_01'"]),
        (
            {"schemes": "{mine: {init_variance: [0, -1], learning_rate: [0, -1, -1]}}"},
            ["schemes: ", "init_variance of mine has 2 exponents", "[0, -1, -1]"],
        ),
        # One of the five keys, the others from config.yaml; then all from there.
        ({"theory": "{samples: 5}"}, ["theory.samples: found 5, more than the 4 samples"]),
        ({"theory": "true"}, ["theory.samples: found 8, more than the 4 samples"]),
        (
            {"theory_steps": 9, "theory": "{samples: 4, stepz: 9}"},
            [
                "2 problems",
                "theory_steps: write `theory: {steps: ...}`",
                "theory.stepz: ",
                "steps?",
            ],
        ),
        (
            {"widths": "[16,1000000]", "layer": "dense"},
            ["widths: a training at 1000000 takes about", "GB", "`layer: auto` or `lazy`"],
        ),
    ],
)
def test_refused_with_key_and_remedy_before_any_job(
    checkout: Checkout, config: dict[str, object], words: list[str]
) -> None:
    run = checkout.snakemake(config=config)
    assert run.code != 0
    for word in words:
        assert word in run.output
    assert "Traceback" not in run.output
    for folder in ("results", "paper", "logs"):
        assert not (checkout.root / folder).exists()


def test_numbers_are_looked_up_in_the_files_they_come_from(checkout: Checkout) -> None:
    base = (checkout.root / "tiny.yaml").read_text(encoding="utf-8")
    (checkout.root / "octal.yaml").write_text(base.replace("steps: 5", "steps: 010"))
    run = checkout.snakemake("-n", files=("octal.yaml",))
    assert run.code != 0
    assert "steps: found 010 in " in run.output
    assert checkout.snakemake("-n", files=("octal.yaml",), config={"steps": "5"}).code == 0


def test_a_file_is_found_by_a_variable_and_a_name_is_kept(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGES", f"{checkout.root}//.")
    changes = {"experiment": "!!str 2024_01", "dataset_path": "$IMAGES/images.npz"}
    run = checkout.snakemake("-n", config=changes)
    assert run.code == 0, run.output
    assert "results/2024_01/dataset.npz" in run.output
    assert f"Preparing 4 training and 8 test images of {IMAGES_NAME}" in run.output


def test_epochs_take_the_place_of_the_steps_they_are_laid_over(checkout: Checkout) -> None:
    # Over those of config.yaml without a word, over those of another file with `null`.
    config = yaml.safe_load((checkout.root / "tiny.yaml").read_text(encoding="utf-8"))
    del config["steps"]
    for name, content in (
        ("own.yaml", config | {"epochs": 3, "batch_size": 8, "train_samples": "all"}),
        ("over.yaml", {"steps": None, "epochs": 2, "batch_size": 2}),
    ):
        (checkout.root / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    run = checkout.snakemake("-n", files=("own.yaml",), config={"steps": 4})
    assert "epochs: found 3, but `steps: 4`" in run.output
    for files, changes, images in (
        (("own.yaml",), {}, 24),
        (("own.yaml",), {"steps": 4, "epochs": "null"}, 24),
        (("tiny.yaml", "over.yaml"), {}, 4),
        (("own.yaml", "over.yaml"), {"train_samples": 9}, 9),
    ):
        run = checkout.snakemake("-n", files=files, config=changes)
        assert run.code == 0, run.output
        assert f"Preparing {images} training and 8 test images" in run.output


def test_words_of_the_command_line_become_numbers(checkout: Checkout) -> None:
    run = checkout.snakemake(
        "-n", config={"widths": "[8,16,'32']", "steps": "3", "schemes": "[mup]", "samples": "5"}
    )
    assert run.code == 0, run.output
    for width in (8, 16, 32):
        assert f"Training µP at width {width}, 2 seeds" in run.output
    assert "Training µP at width 24" not in run.output
    # Said once, though jobs read the configuration too.
    assert run.output.count("widths: 8 below twice the samples (10): space-time is undefined") == 1


@pytest.mark.parametrize("name", ["", *OVERLAYS])
def test_committed_configurations_can_be_planned(checkout: Checkout, name: str) -> None:
    merged = BASE | stacked(name)
    trainings = {(scheme, width) for scheme in merged["schemes"] for width in merged["widths"]}
    # Where there is no GPU, those that need one are refused.
    assert checkout.plan(*(stack(name) or ["config.yaml"]), device="cpu").trainings == trainings
