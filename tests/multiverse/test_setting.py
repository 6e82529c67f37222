"""What no experiment would take is refused by factor and level before any job; the rest is kept."""

import copy
import json
from typing import Any

import pytest
import yaml
from multiverse import BASE, COMMITTED, factors, read, worlds
from overlays import ROOT
from workflow_run import Checkout

from infwidth.config import ConfigError, read_experiment
from infwidth.config.wording import OF_WORLDS
from infwidth.datasets.sources import sizes
from infwidth.multiverse.setting import read_multiverse
from infwidth.multiverse.worlds import PATIENCE, draw

FIRST: dict[str, Any] = COMMITTED["readings"]["ours"]


def problems(**changes: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(**changes)
    return caught.value.problems


def first(**changes: Any) -> dict[str, Any]:
    return {"readings": {"ours": {**FIRST, **changes}}}


def others(**changes: Any) -> dict[str, Any]:
    return {"readings": {"ours": FIRST, **changes}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            factors(activation=["tanh", "tahn"]),
            ['factors.activation: level "tahn": ', "did you mean tanh?"],
        ),
        (
            factors(probes=[{"trained": {}}, {"held out": {"train_sampels": 32}}]),
            ['factors.probes: level "held out": train_sampels: ', "train_samples?"],
        ),
        (factors(width=[64]), ['factors.width: level "64" has no keys', "{64: {widths: ...}}"]),
        (factors(data=[{"a": {"samples": 4}}]), ["factors.data: sets samples", "factors.samples"]),
        (
            factors(batch=[{"full": {"batch_size": None}}, {"full": {"batch_size": 4}}]),
            ["factors.batch: two different levels", '"full"'],
        ),
        (factors(schemes=["SP"]), ['factors.schemes: level "SP": schemes: it is the same']),
        (factors(x=[{"a": {"theory": False}}]), ['factors.x: level "a": theory: it is the same']),
        (factors(x=[{"a": {"experiment": "b"}}]), ["experiment: it is the same in all worlds"]),
        (factors(device=["cuda"]), ["factors.device: ", "it is the same in all worlds"]),
        (factors(x=[{"a": {"small_change": 0.3}}]), ["small_change: it judges", "`readings`"]),
        (factors(seeds=0), ["factors.seeds: found 0; it must be a list of its levels"]),
        (factors(seeds=[]), ["factors.seeds: found []"]),
        (factors(batch=[{"full": None}]), ['factors.batch: found the level {"full": null}']),
        (factors(batch=[{"a": {}, "b": {}}]), ["factors.batch: ", "one name with its keys"]),
        (factors(status=[{"a": {}}]), ["factors.status: the tables have a column"]),
        (factors(x=[{"a\nb": {}}]), [r'factors.x: level "a\nb": its name: ', "on one line"]),
        ({"factors": None}, ["factors: found null; it must map each factor to"]),
        ({"factors": {}}, ["factors: found {}"]),
        ({"readings": {}}, ["readings: found {}", "a first reading, with rules, judged_by"]),
        (others(x=None), ["readings.x: found null; it must be a mapping"]),
        (others(x={"kind": "z"}), ['readings.x.kind: unknown kind "z"', "h, x"]),
        (others(x={"knid": "x"}), ["readings.x.knid: unknown key; did you mean kind?"]),
        (first(kind="z"), ["readings.ours.kind: "]),
        (first(stable_exponent=0), ["readings.ours.stable_exponent: found 0", "above 0"]),
        ({"worlds": 0}, ["worlds: found 0; it must be a whole number of at least 1"]),
        ({"worlds": "many"}, ['worlds: found "many"']),
        ({"draw": -1}, ["draw: found -1"]),
        ({"theory": True}, ["theory: ", "write `theory: false`"]),
        ({"small_change": 0.3}, ["small_change: found 0.3", "`readings: {ours: {small_change: "]),
    ],
)
def test_a_mistake_is_told_by_where_it_stands(changes: dict[str, Any], words: list[str]) -> None:
    (problem,) = problems(**changes)
    for word in words:
        assert word in problem


def test_an_incomplete_first_reading_lacks_what_it_does_not_name() -> None:
    found = problems(readings={"ours": {"rules": "trends", "layer": "last"}, "x": {"kind": "x"}})
    assert [line.partition(": missing; ")[0] for line in found] == [
        f"readings.ours.{name}" for name in FIRST if name not in ("rules", "layer")
    ]


def test_all_mistakes_are_told_at_once() -> None:
    changes = factors(activation=["tahn"], loss=["msa"]) | others(x={"kind": "z"})
    found = problems(**changes, worlds=0, stepz=3, samples=1)
    keys = [line.partition(":")[0] for line in found]
    expected = ("samples", "stepz", "worlds", "factors.activation", "factors.loss")
    assert keys == [*expected, "readings.x.kind"]


def test_without_its_file_the_message_names_the_file() -> None:
    with pytest.raises(ConfigError) as caught:
        read_experiment(BASE | {"worlds": "32"}, ROOT / "workflow/schemas/config.schema.yaml")
    (problem,) = caught.value.problems
    assert problem == "worlds: only worlds have it; add `--configfile config/multiverse.yaml`"
    for key in ("worlds", "draw", "readings"):
        config = {name: value for name, value in (BASE | COMMITTED).items() if name != key}
        with pytest.raises(ConfigError) as caught:
            read_multiverse(config, ROOT / "workflow/schemas", base=BASE, given=COMMITTED)
        assert caught.value.problems[0].startswith(f"{key}: ")


def test_snakemake_tells_it_before_any_job(tmp_path: Any) -> None:
    checkout = Checkout.fresh(tmp_path / "checkout")
    own = yaml.safe_dump(factors(activation=["tahn"]) | {"worlds": 0}, allow_unicode=True)
    (checkout.root / "wrong.yaml").write_text(own, encoding="utf-8")
    run = checkout.snakemake(files=("config/multiverse.yaml", "wrong.yaml"))
    assert run.code != 0
    assert 'factors.activation: level "tahn": activation: unknown' in run.output
    assert "worlds: found 0" in run.output
    assert "Traceback" not in run.output
    assert not (checkout.root / "results").exists()


def test_a_forbidden_combination_is_drawn_again_and_counted() -> None:
    multiverse = read(**factors(batch=[{"8": {"batch_size": 8}}]), worlds=64)
    drawn = draw(multiverse, sizes)
    assert len(drawn.worlds) == 64
    # The probes alone are trained on, and there are 4 of them.
    ((reason, times),) = drawn.forbidden.items()
    assert reason.startswith("batch_size: found 8, more than the 4 samples")
    assert [world.number for world in drawn.worlds] == list(range(64))
    points = [world.point for world in drawn.worlds]
    assert points == sorted(set(points))
    assert points[-1] + 1 - 64 == times > 0
    for world in drawn.worlds:
        assert (world.levels["samples"], world.levels["probes"]) != ("4", "trained")


def test_where_all_combinations_are_forbidden_it_is_said() -> None:
    multiverse = read(factors={"samples": [4], "batch": [{"8": {"batch_size": 8}}]})
    with pytest.raises(ConfigError) as caught:
        draw(multiverse, sizes)
    (problem,) = caught.value.problems
    assert problem.startswith(f"factors: {PATIENCE} combinations in a row are forbidden")
    assert "batch_size: found 8, more than the 4 samples" in problem


def test_the_canonical_form_gives_the_same_worlds() -> None:
    changed = factors(widths=[[64, 128], [128, 256]], learning_rate=["1e-2", 1])
    given = read(**changed, schemes=["IP-LLR", "mup"], worlds="40", draw="3")
    config = given.to_config()
    assert json.loads(json.dumps(config)) == config
    before = copy.deepcopy(config)
    again = read_multiverse(config, ROOT / "workflow/schemas", base=BASE)
    assert config == before
    assert again == given
    assert again.to_config() == config
    assert set(OF_WORLDS) <= config.keys()
    assert draw(again, sizes) == draw(given, sizes)


def test_a_schemes_powers_are_those_of_the_depth_of_its_world() -> None:
    seen = {}
    for world in worlds(schemes=["IP-LLR", "IP"], worlds=32):
        experiment = world.experiment
        alone = BASE | {"schemes": ["IP-LLR"], "hidden_layers": experiment.hidden_layers}
        schema = ROOT / "workflow/schemas/config.schema.yaml"
        expected = read_experiment(alone | {"theory": False}, schema).schemes["IP-LLR"]
        assert experiment.schemes["IP-LLR"] == expected
        seen[experiment.hidden_layers] = expected
    assert len(set(seen.values())) > 1
