"""Worlds begin one long list, are spread evenly over the levels, and are ordinary experiments."""

from collections import Counter

import numpy as np
import pytest
from multiverse import BASE, COMMITTED, factors, read, worlds
from overlays import MULTIVERSES, ROOT, stacked
from scipy.stats import qmc

from infwidth.config import read_experiment
from infwidth.datasets.sources import sizes
from infwidth.multiverse.setting import read_multiverse
from infwidth.multiverse.worlds import draw

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
# Where training is on the probes, batches of eight are more than the four.
FORBIDDING = factors(batch=[{"full": {"batch_size": None}}, {"8": {"batch_size": 8}}])


@pytest.mark.parametrize("changes", [{}, FORBIDDING], ids=["all allowed", "some forbidden"])
def test_fewer_worlds_are_the_first_of_more(changes: dict[str, object]) -> None:
    more = worlds(**changes, worlds=64)
    assert worlds(**changes, worlds=32) == more[:32]
    # Whatever was drawn at a time.
    assert worlds(**changes, worlds=1100)[:64] == more


@pytest.mark.parametrize("name", MULTIVERSES)
def test_committed_multiverses_can_be_drawn(name: str) -> None:
    config = BASE | stacked(name)
    multiverse = read_multiverse(config, ROOT / "workflow/schemas", base=BASE, given=stacked(name))
    drawn = draw(multiverse, sizes)
    assert len(drawn.worlds) == multiverse.worlds
    assert not drawn.forbidden
    assert multiverse.base.experiment == name
    assert {world.experiment.theory for world in drawn.worlds} == {None}


def test_another_seed_draws_others() -> None:
    one, other = ([world.levels for world in worlds(worlds=32, draw=seed)] for seed in (0, 1))
    assert one != other
    assert one == [world.levels for world in worlds(worlds=32, draw=0)]


def test_levels_are_met_as_often_as_they_stand_there() -> None:
    drawn = worlds(worlds=256)
    for factor, levels in read().factors.items():
        weights = Counter(level.label for level in levels)
        counts = Counter(world.levels[factor] for world in drawn)
        for label, weight in weights.items():
            expected = 256 * weight / len(levels)
            # A point more or less at each end of its interval.
            assert abs(counts[label] - expected) <= 2, (factor, label, counts)


def test_pairs_of_levels_are_spread_more_evenly_than_by_chance() -> None:
    drawn = worlds(worlds=512)
    pairs = Counter((world.levels["activation"], world.levels["loss"]) for world in drawn)
    assert len(pairs) == 10
    counts = np.array([*pairs.values()])
    # Independent draws would scatter by the root of 51.
    assert counts.std() < 4


def test_a_worlds_settings_are_its_levels_over_what_is_common() -> None:
    """One by one, from the YAML and scipy's sequence, and through the reader of experiments."""
    given = COMMITTED["factors"]
    multiverse = read(worlds=12)
    sequence = qmc.Sobol(len(given), scramble=True, rng=0)
    points = sequence.random(1024)
    for world, point in zip(draw(multiverse, sizes).worlds, points, strict=False):
        config = BASE | {key: value for key, value in COMMITTED.items() if key in BASE}
        for place, (factor, levels) in enumerate(given.items()):
            chosen = levels[int(np.floor(point[place] * len(levels)))]
            if isinstance(chosen, dict):
                (label,) = chosen
                config.update(chosen[label])
            else:
                label = str(chosen)
                config[factor] = chosen
            assert world.levels[factor] == label
        config["experiment"] = f"multiverse-{world.number}"
        assert world.experiment == read_experiment(config, SCHEMA, base=BASE)


def test_a_world_is_an_ordinary_experiment() -> None:
    for world in worlds(worlds=48, schemes=["SP", "IP-LLR"]):
        config = world.experiment.to_config()
        assert read_experiment(config, SCHEMA, cuda_available=lambda: True) == world.experiment
        assert not {"factors", "readings"} & config.keys()


def test_steps_and_epochs_give_way_to_each_other() -> None:
    sampled = {"train_samples": 32, "batch_size": 8}
    drawn = worlds(
        factors={"length": [{"two rounds": {"epochs": 2}}, {"five": {"steps": 5}}]},
        worlds=8,
        **sampled,
    )
    steps = {world.levels["length"]: world.experiment.steps for world in drawn}
    assert steps == {"two rounds": 8, "five": 5}
    in_epochs = worlds(factors={"steps": [5]}, worlds=1, steps=None, epochs=2, **sampled)
    assert in_epochs[0].experiment.steps == 5
    (only,) = worlds(factors={"loss": ["mse"]}, worlds=1, steps=None, epochs=2, **sampled)
    assert only.experiment.steps == 8


def test_worlds_with_the_same_inputs_share_them() -> None:
    drawn = worlds(worlds=64)
    keys = ("samples", "probes", "data")
    by_data = {world.data: tuple(world.levels[key] for key in keys) for world in drawn}
    assert len(set(by_data.values())) == len(by_data)
    for world in drawn:
        assert by_data[world.data] == tuple(world.levels[key] for key in keys)
