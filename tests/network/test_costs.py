"""Which kind of hidden layer a training uses, and what the choice rests on."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import CPU, dataset, recipe, with_probes

from infwidth.config import read_experiment
from infwidth.experiment import Experiment
from infwidth.network.costs import (
    FOLLOWED_INPUTS,
    activation_seconds,
    directions,
    input_seconds,
    layer_bytes,
    layer_kind,
    recipe_settings,
    seconds_per_step,
)
from infwidth.network.initialisation import initial_probed_network, learning_rates
from infwidth.network.layers.lazy import LazyLayer
from infwidth.network.probed import MOST_INPUTS
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.training.descent import SampledDescent

ROOT = Path(__file__).parents[2]
# That of the trainings in benchmarks/results/directions.csv.
MEASURED_TOLERANCE = 0.01


def experiment(*files: str, **changes: Any) -> Experiment:
    """config.yaml with other files and changes laid over it."""
    config: dict[str, Any] = {}
    for file in ("config.yaml", *files):
        config |= yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))
    schema = ROOT / "workflow/schemas/config.schema.yaml"
    changes = {"theory": False} | changes
    return read_experiment(
        config | changes, schema, sizes=lambda *_: (50_000, 10_000), cuda_available=lambda: True
    )


def test_auto_is_the_quicker_kind() -> None:
    plan = experiment(test_samples=32)
    for width in (64, 512, 2048, 8192, 65536):
        dense, lazy = (seconds_per_step(plan, width, kind) for kind in ("dense", "lazy"))
        assert layer_kind(plan, width) == ("dense" if dense <= lazy else "lazy")
    assert layer_kind(plan, 64) == "dense"
    assert layer_kind(plan, 65536) == "lazy"


def test_a_kind_that_is_asked_for_is_used() -> None:
    assert layer_kind(experiment(layer="dense"), 2**20) == "dense"
    assert layer_kind(experiment(layer="lazy"), 64) == "lazy"


def test_a_lazy_layer_costs_in_proportion_to_the_width() -> None:
    plan = experiment()
    for quantity in (seconds_per_step, layer_bytes):
        assert quantity(plan, 2**20, "lazy") == pytest.approx(2 * quantity(plan, 2**19, "lazy"))
        assert quantity(plan, 2**20, "dense") == pytest.approx(4 * quantity(plan, 2**19, "dense"))
    assert layer_bytes(plan, 2**16, "dense") == 4 * 2**32
    assert layer_bytes(experiment(precision="float64"), 2**16, "dense") == 8 * 2**32


def test_directions_grow_with_what_is_looked_at_and_how_closely() -> None:
    plan = experiment()
    assert directions(plan, 16) == 32
    for changes in ({"samples": 64}, {"lazy_tolerance": 1e-4}):
        assert directions(experiment(**changes), 2**20) > directions(plan, 2**20)
    many = experiment(test_samples=512)
    assert directions(many, 2**20) == directions(plan, 2**20)
    assert layer_bytes(many, 2**20, "lazy") > 1.5 * layer_bytes(plan, 2**20, "lazy")
    assert directions(experiment(steps=8), 2**20) < directions(plan, 2**20)


def test_a_recipe_is_for_one_width_and_holds_what_counts_there() -> None:
    plan = experiment(lazy_tolerance=0.02)
    dense, lazy = (Recipe(**recipe_settings(plan, width)) for width in (64, 65536))
    assert (dense.layer, lazy.layer) == ("dense", "lazy")
    assert lazy.lazy_tolerance == 0.02
    assert dense == Recipe(**recipe_settings(experiment(lazy_tolerance=0.5), 64))


def test_the_shipped_experiments_hold_their_widths_as_they_say() -> None:
    for file in ("config/digits.yaml",):
        plan = experiment(file)
        assert {layer_kind(plan, width) for width in plan.widths} == {"dense"}
    wide = experiment("config/wide.yaml")
    assert layer_kind(wide, 65536) == "lazy"


def test_the_model_is_what_was_measured() -> None:
    """Within a factor of two of the committed benchmark: directions of µP, the most."""
    file = ROOT / "benchmarks/results/directions.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["scheme"] == "µP"]
    assert rows
    for row in rows:
        plan = experiment(steps=int(row["steps"]), lazy_tolerance=MEASURED_TOLERANCE)
        measured = int(row["forward"]) + int(row["backward"])
        assert 0.5 < directions(plan, int(row["width"])) / measured < 2


def sampled(**changes: Any) -> Experiment:
    """Twenty batches of 64 out of 50,000 images."""
    return experiment(**{"train_samples": "all", "batch_size": 64, "steps": 20} | changes)


def test_a_step_costs_its_batch_and_an_input_layer() -> None:
    plan, twice = sampled(), sampled(batch_size=128)
    for kind in ("dense", "lazy"):
        for costs in (seconds_per_step, layer_bytes):
            assert costs(sampled(samples=2), 2**16, kind) == pytest.approx(
                costs(plan, 2**16, kind), rel=0.2
            )
    assert seconds_per_step(twice, 512, "dense") == 2 * seconds_per_step(plan, 512, "dense")
    assert activation_seconds(twice, 512) == 2 * activation_seconds(plan, 512)
    full = seconds_per_step(sampled(batch_size=None), 512, "dense")
    assert full == 50_000 / 64 * seconds_per_step(plan, 512, "dense")
    # As a hidden layer's product and update, of six with as many inputs.
    weights = 2 / 3 * seconds_per_step(plan, 3072, "dense")
    assert input_seconds(plan, 3072, 3072) == pytest.approx(weights)
    few = sampled(train_samples=1536)
    assert input_seconds(few, 3072, 3072) == pytest.approx(weights / 2)
    assert input_seconds(experiment(), 3072, 3072) == 0


def test_every_input_of_a_batch_is_another_direction() -> None:
    plan = sampled()
    # 1280 forward and backward, the probes at the start, at each snapshot and twice in between.
    assert directions(plan, 2**20) == 2 * 20 * 64 + 32 * (1 + plan.snapshots + 20 // 8)
    assert directions(sampled(steps=10**6), 2**20) == 2 * 2**20
    assert directions(sampled(steps=10**6, samples=200, pool=300), 64) == 2 * 64
    assert [layer_kind(plan, width) for width in (2048, 2**17)] == ["dense", "lazy"]
    # Where directions fill the space.
    assert layer_kind(sampled(steps=None, epochs=5), 2**16) == "dense"
    assert FOLLOWED_INPUTS == MOST_INPUTS


def test_directions_are_no_more_than_counted() -> None:
    width, samples, batch, steps = 512, 4, 8, 16
    how = recipe(layer="lazy", precision="float32")
    data = with_probes(dataset(200, 20, 8), samples)
    net = initial_probed_network(data, SCHEMES["µP"], width, (0,), how, CPU)
    rates = learning_rates(SCHEMES["µP"], width, how)
    descent = SampledDescent(net, data, rates, (0,), how.loss, batch)
    for _ in range(steps):
        descent.advance()
    descent.look()
    plan = sampled(samples=samples, batch_size=batch, steps=steps, snapshots=2)
    for layer in net.layers[:-1]:
        assert isinstance(layer, LazyLayer)
        (matrix,) = layer.matrices
        found = matrix.forward_basis.count + matrix.backward_basis.count
        assert 0.7 < found / directions(plan, width) <= 1
