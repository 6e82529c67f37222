"""What is asked of the scheduler, against what trainings take."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from infwidth.config import read_experiment
from infwidth.experiment import Experiment
from infwidth.jobs import hardware
from infwidth.memory import machine_memory_mb
from infwidth.network.costs import recipe_settings

ROOT = Path(__file__).parents[2]
SUPPORT = Path(__file__).parents[1] / "support"

# Both print the peak resident memory of their own process, in MB.
PEAK = """
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(int(line.split()[1]) / 1e3)
"""
TRAIN = f"""
import json, sys
from pathlib import Path
import numpy as np
from builders import dataset
from infwidth.datasets.prepare import PreparedDataset
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.training.train import train
config = json.loads(sys.argv[1])
samples, trained, test = (config[key] for key in ("samples", "train_samples", "test_samples"))
if trained is None:
    data = dataset(samples, config["dimension"], test, classes=10)
else:
    # Without a copy in passing.
    inputs = np.random.default_rng(0).standard_normal((trained + test, config["dimension"]))
    inputs /= config["dimension"] ** 0.5
    labels = np.arange(trained + test) % 10
    data = PreparedDataset(
        inputs[:trained], labels[:trained], inputs[trained:], labels[trained:], 10, inputs[:samples]
    )
record = train(
    data, SCHEMES["µP"], config["width"], range(config["seeds"]), Recipe(**config["recipe"])
)
folder = Path(sys.argv[2])
record.save(folder / "snapshots.npz", folder / "curves.npz")
{PEAK}
"""
REDUCE = f"""
import sys
from pathlib import Path
from infwidth.measures.features import Features
folder = Path(sys.argv[2])
Features.of_snapshots(folder / "snapshots.npz").save(folder / "features.npz")
assert "torch" not in sys.modules
{PEAK}
"""


linux = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory is read in /proc"
)


def experiment(**changes: object) -> Experiment:
    """config.yaml with changes."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return read_experiment(
        config | {"theory": False} | changes,
        ROOT / "workflow/schemas/config.schema.yaml",
        sizes=lambda *_: (50_000, 10_000),
    )


def peak_mb(program: str, config: str, folder: Path) -> float:
    run = subprocess.run(
        [sys.executable, "-c", program, config, str(folder)],
        # One thread, as in the workflow.
        env=os.environ | {"PYTHONPATH": str(SUPPORT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(run.stdout)


def train(plan: Experiment, width: int, folder: Path) -> float:
    """Peak memory of one training of 3072-dimensional inputs."""
    recipe = recipe_settings(plan, width)
    sizes = plan.settings("samples", "train_samples", "test_samples", "seeds")
    config = json.dumps(sizes | {"dimension": 3072, "width": width, "recipe": recipe})
    return peak_mb(TRAIN, config, folder)


@pytest.fixture(scope="module")
def base_mb(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Peak memory of a training whose sizes do not count."""
    plan = experiment(device="cpu", seeds=1, steps=1, snapshots=2)
    return train(plan, 16, tmp_path_factory.mktemp("base"))


@linux
@pytest.mark.parametrize(
    ("width", "changes"),
    [
        # Large beside what the base's own peak varies by, some 50 MB.
        (
            4096,
            {"seeds": 4, "steps": 1, "snapshots": 2, "samples": 4, "test_samples": 1}
            | {"layer": "dense"},
        ),
        (2048, {"seeds": 5, "steps": 4, "snapshots": 5, "samples": 100, "hidden_layers": 1}),
        (
            64,
            {"seeds": 4, "steps": 2, "snapshots": 2, "samples": 1500, "pool": 2000}
            | {"test_samples": 4},
        ),
        (32768, {"seeds": 1, "steps": 20, "snapshots": 2, "layer": "lazy", "test_samples": 8}),
        (
            1024,
            {"seeds": 4, "steps": 9, "snapshots": 2, "train_samples": 4000, "batch_size": 64}
            | {"test_samples": 8},
        ),
        (
            256,
            {"seeds": 2, "steps": 2, "snapshots": 2, "train_samples": 4000, "hidden_layers": 4}
            | {"test_samples": 8},
        ),
        (
            8192,
            {"seeds": 1, "steps": 16, "snapshots": 2, "train_samples": 2000, "batch_size": 64}
            | {"layer": "lazy", "widths": [8192], "test_samples": 8},
        ),
    ],
    ids=[
        "mostly weights", "mostly features", "mostly N x N", "mostly directions",
        "batches", "a full batch", "directions of batches",
    ],
)  # fmt: skip
def test_memory_of_a_training_is_granted_in_proportion(
    width: int, changes: dict[str, object], base_mb: float, tmp_path: Path
) -> None:
    plan = experiment(device="cpu", **changes)
    peak, granted = train(plan, width, tmp_path), hardware.training_memory_mb(plan, width)
    assert peak < granted < 4 * peak
    assert base_mb < hardware.BASE_MEMORY_MB < 4 * base_mb
    # Without the base, so that the terms that grow with the sizes are seen to be there. Peaks of
    # one and the same training differ by a sixth.
    growth = peak - base_mb
    assert 0.75 < (granted - hardware.BASE_MEMORY_MB) / growth < 1.3


@linux
@pytest.mark.parametrize(
    ("width", "changes"),
    [
        (2048, {"seeds": 3, "steps": 1, "snapshots": 3}),
        (64, {"seeds": 5, "steps": 4, "snapshots": 5, "samples": 300, "hidden_layers": 3}),
    ],
    ids=["mostly features", "mostly R factors"],
)
def test_memory_of_a_reduction_is_granted(
    width: int, changes: dict[str, object], tmp_path: Path
) -> None:
    plan = experiment(**changes)
    rng = np.random.default_rng(0)
    shape = (2, plan.hidden_layers, plan.seeds, width, plan.samples)
    np.savez(
        tmp_path / "snapshots.npz",
        steps=np.arange(plan.snapshots),
        seeds=np.arange(plan.seeds),
        unit_roundoff=2.0**-24,
        initial=rng.standard_normal(shape, dtype=np.float32),
        change=rng.standard_normal((plan.snapshots, *shape), dtype=np.float32),
    )
    peak = peak_mb(REDUCE, "", tmp_path)
    assert (
        peak < hardware.feature_memory_mb(plan, width) < hardware.BASE_FEATURE_MEMORY_MB + 5 * peak
    )


@pytest.mark.parametrize("layer", ["dense", "lazy"])
def test_limits_grow_with_the_work(layer: str) -> None:
    plan = experiment(layer=layer)
    assert hardware.training_minutes(plan, 64) >= 10
    for changes in ({"steps": 2000}, {"seeds": 50}, {"samples": 320, "pool": 1000}):
        assert hardware.training_minutes(experiment(layer=layer, **changes), 8192) > 5 * (
            hardware.training_minutes(plan, 8192) - 20
        )
    # Without a hidden matrix there are n x N activations still.
    single = experiment(layer=layer, hidden_layers=1, steps=5000)
    assert 400 < hardware.training_minutes(single, 10**6) < 1600
    assert not hardware.is_small(single, 10**6)
    # 6 x 16384 x 16384 x 2 x 32 x 200 x 5 operations, at the slowest core worth naming.
    if layer == "dense":
        assert hardware.training_minutes(plan, 16384) > 1.03e14 / 1e10 / 60


def test_what_cannot_fit_is_refused_with_the_estimate_and_what_to_change() -> None:
    plan = experiment(widths=[64, 2**20], layer="dense")
    problem = hardware.memory_problem(plan, available_mb=25_000)
    assert problem is not None
    # 2 matrices for each of 5 seeds, and the one being drawn.
    assert float(problem.split("about ")[1].split(" GB")[0]) > 11 * 4 * 2**40 / 1e9
    for words in ("widths:", "1048576", "25.0 GB", "`layer: auto`", "fewer `seeds`"):
        assert words in problem
    assert "layer" not in str(hardware.memory_problem(experiment(widths=[2**20]), 25_000))
    assert hardware.memory_problem(experiment(), 25_000) is None
    assert 100 < machine_memory_mb() < 10**8


def test_a_training_set_costs_what_it_takes() -> None:
    sgd = {"train_samples": "all", "batch_size": 64}
    plan = experiment(**sgd, widths=[2**14])
    # Images in either precision; input weights, as wide as an image, and those of hidden layers.
    images, inputs, hidden = 12 * 50_000 * 3072, 4 * 2**14 * 3072, 4 * 2**28
    held = (images + 5 * (inputs + 2 * hidden) + hidden) / 1e6
    assert 1.0 < (hardware.training_memory_mb(plan, 2**14) - 1500) / held < 1.3
    untold = sgd | {"test_samples": 1}
    minutes = hardware.training_minutes(experiment(**untold), 2**14) - 10
    for changes, factor in (({"steps": 2000}, 10), ({"batch_size": 128}, 2), ({"seeds": 10}, 2)):
        longer = hardware.training_minutes(experiment(**untold | changes), 2**14) - 10
        assert longer == pytest.approx(factor * minutes, rel=0.01)
    # Twelve times a product with 2,000 images beside 200 steps of three with 64.
    told = hardware.training_minutes(experiment(**sgd | {"test_samples": 1000}), 2**14) - 10
    assert told == pytest.approx((1 + 8000 / 12800) * minutes, rel=0.02)


def test_a_full_batch_that_cannot_fit_is_refused() -> None:
    changes: dict[str, object] = {"widths": [64, 4096], "train_samples": "all"}
    problem = hardware.memory_problem(experiment(**changes), available_mb=16_000)
    assert problem is not None
    # Features and signals of three layers, 5 seeds.
    assert float(problem.split("about ")[1].split(" GB")[0]) > 5 * 6 * 4 * 4096 * 50_000 / 1e9
    for words in ("4096", "a smaller `batch_size`", "fewer `train_samples`"):
        assert words in problem
    # A lazy layer would take more, with so many directions.
    assert "layer" not in problem
    assert hardware.memory_problem(experiment(**changes, batch_size=64), 16_000) is None
    wide = hardware.memory_problem(
        experiment(**changes | {"widths": [2**16]}, batch_size=64), 16_000
    )
    assert wide is not None
    assert "batch_size" not in wide


def test_gpus_are_asked_for_where_they_are_wanted_and_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert [hardware.gpus(device) for device in ("auto", "cpu", "cuda")] == [0, 0, 1]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert [hardware.gpus(device) for device in ("auto", "cpu", "cuda")] == [1, 0, 1]


def test_small_is_what_takes_less_than_a_minute() -> None:
    plan = experiment(layer="dense")
    small = {width: hardware.is_small(plan, width) for width in (64, 2048, 4096)}
    assert small == {64: True, 2048: True, 4096: False}
    assert not hardware.is_small(experiment(steps=20000), 512)
