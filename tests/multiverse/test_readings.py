"""Readings judge what they name, each word is reached, and what is wrong is seen where it is."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from builders import dataset
from multiverse import inputs_of, read, small

from infwidth.measures.claims import STABLE
from infwidth.measures.scaling import scaling_table
from infwidth.measures.trends import Trend
from infwidth.multiverse.outcomes import DIVERGED, NOT_MOVING, UNRESOLVED, Cell, cells_of
from infwidth.multiverse.readings import Outcome, Reading, judged, seen
from infwidth.multiverse.record import Record
from infwidth.multiverse.run import run
from infwidth.multiverse.worlds import World

WORLD = small(widths=[32, 64, 128, 256], seeds=3, steps=20, snapshots=8, learning_rate=0.5)
OURS = read().readings["ours"]
SCHEMES = ("SP", "NTP", "IP", "µP")
# Its rates grow with the width.
WILD = {"init_variance": [0, -1, -1], "learning_rate": [5, 5, 5]}


def told(record: Record, world: World, **changes: Any) -> dict[Cell, Outcome]:
    """Every cell's outcome by our reading with changes."""
    reading = replace(OURS, **changes)
    return dict(judged(reading, seen(record, reading, world.identity["settings"])))


def words(record: Record, world: World, **changes: Any) -> dict[str, str]:
    return {cell.name: its.word for cell, its in told(record, world, **changes).items()}


@pytest.fixture(scope="module")
def record() -> Record:
    return run(inputs_of(WORLD), **WORLD.training)


def test_the_layer_is_counted_from_the_input() -> None:
    names: tuple[Literal["first", "middle", "last"], ...] = ("first", "middle", "last")
    layers = {name: replace(OURS, layer=name) for name in names}
    for depth, middle in ((1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3)):
        numbers = {name: reading.number(depth) for name, reading in layers.items()}
        assert numbers == {"first": 1, "middle": middle, "last": depth}


def slow_best(runs: pd.DataFrame) -> dict[tuple[str, int], int]:
    """Of each training the step with the least test loss, averaged over seeds."""
    best = {}
    for scheme in SCHEMES:
        for width in (32, 64, 128, 256):
            losses: dict[int, list[float]] = {}
            for _, row in runs.iterrows():
                if (row["scheme"], row["width"]) == (scheme, width) and row["step"] > 0:
                    losses.setdefault(row["step"], []).append(row["test_loss"])
            means = {step: math.fsum(each) / len(each) for step, each in losses.items()}
            best[scheme, width] = min(means, key=lambda step: means[step])
    return best


def test_the_best_step_is_that_of_the_least_test_loss(record: Record) -> None:
    best = slow_best(record.runs)
    # Or the test would tell nothing.
    assert len(set(best.values())) > 2
    metrics = []
    for _, row in record.metrics.iterrows():
        step = best[row["scheme"], row["width"]]
        if row["step"] == 0:
            metrics.append(row)
        elif row["step"] == step:
            metrics.append(row.copy())
            metrics[-1]["step"] = 20
    spectra = []
    for _, row in record.spectra.iterrows():
        step = best[row["scheme"], 256]
        known = {0, 20} if row["matrix"] == "gram" else {20}
        nearest = min(known, key=lambda other: abs(math.log((other + 1) / (step + 1))))
        if row["step"] == nearest:
            spectra.append(row.copy())
            spectra[-1]["step"] = 20
    expected = scaling_table(
        pd.DataFrame(metrics), pd.DataFrame(spectra), samples=4, steps=20, fit_width_ratio=2
    )
    found = seen(record, replace(OURS, at="best"), WORLD.identity["settings"])
    rows = expected[(expected["layer"] == 2) & (expected["kind"] == "h")]
    assert len(rows) == 20
    for _, row in rows.iterrows():
        assert repr(found.trends[row["scheme"]][row["metric"]]) == repr(Trend.of(row))
    # And by hand, the level of the change at the largest width.
    for scheme in SCHEMES:
        changes = [
            row["feature_change"]
            for _, row in record.metrics.iterrows()
            if (row["scheme"], row["width"], row["layer"], row["kind"]) == (scheme, 256, 2, "h")
            and row["step"] == best[scheme, 256]
        ]
        level = found.trends[scheme]["feature_change"].value.value
        assert level == pytest.approx(math.exp(np.mean(np.log(changes))), rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "differ"),
    [
        ({"kind": "x"}, True),
        ({"layer": "first"}, True),
        ({"at": "best"}, True),
        ({"correction": "raw"}, True),
        ({"rules": "table1"}, True),
        ({"judged_by": "interval"}, True),
        ({"stable_exponent": 1e-6}, True),
        ({"least_retention": 0.999999}, True),
        # Rules `table1` alone.
        ({"small_change": 1e-6}, False),
        ({"collapse_ratio": 1e-12}, False),
    ],
)
def test_each_key_of_a_reading_counts(
    record: Record, changes: dict[str, Any], differ: bool
) -> None:
    ours, other = told(record, WORLD), told(record, WORLD, **changes)
    assert (repr(ours) != repr(other)) == differ


def test_the_correction_is_chosen_where_one_is_fitted(record: Record) -> None:
    ours, raw = told(record, WORLD), told(record, WORLD, correction="raw")
    # What is retained shares its finite-width effect with step 0, and a change has none.
    moved = {cell.column for cell in ours if ours[cell].exponent != raw[cell].exponent}
    assert moved == {"space_time"}
    rules = [told(record, WORLD, rules="table1", correction=name) for name in ("bounded", "full")]
    assert any(
        rules[0][cell].exponent != rules[1][cell].exponent
        for cell in rules[0]
        if cell.column == "feature_diversity"
    )


def test_where_the_loss_stands_training_has_not_moved_yet() -> None:
    still = small(learning_rate=1e-6)
    record = run(inputs_of(still), **still.training)
    assert set(words(record, still).values()) == {NOT_MOVING}
    assert NOT_MOVING not in words(record, still, least_progress=0).values()
    # Whatever the rules.
    assert set(words(record, still, rules="table1").values()) == {NOT_MOVING}


def test_a_scheme_that_diverges_has_no_outcome_and_others_have() -> None:
    wild = small(schemes={"SP": None, "wild": WILD})
    record = run(inputs_of(wild), **wild.training)
    assert set(record.diverged["scheme"]) == {"wild"}
    found = words(record, wild)
    assert {word for name, word in found.items() if name.startswith("wild:")} == {DIVERGED}
    assert DIVERGED not in {word for name, word in found.items() if name.startswith("SP:")}
    for at in ("last", "best"):
        assert words(record, wild, at=at, kind="x")["wild:space_time"] == DIVERGED


def test_a_world_in_which_everything_diverges_is_read() -> None:
    wild = small(schemes={"wild": WILD})
    record = run(inputs_of(wild), **wild.training)
    for at in ("last", "best"):
        assert set(words(record, wild, at=at).values()) == {DIVERGED}


def test_what_lies_under_resolution_is_unresolved() -> None:
    twice = dataset(samples=4, repeated=[(1, 0)])
    record = run(twice, **WORLD.training)
    found = words(record, WORLD)
    for scheme in SCHEMES:
        assert found[f"{scheme}:feature_diversity"] == UNRESOLVED
        assert found[f"{scheme}:feature_variation"] != UNRESOLVED


def test_a_wrong_power_of_mup_is_seen_in_mup_alone(record: Record) -> None:
    training = WORLD.training
    right = training["schemes"]["µP"]["learning_rate"]
    assert list(right) == [1, 0, -1]
    wrong = {**training["schemes"]["µP"], "learning_rate": [1, 0, -0.5]}
    training["schemes"] = {**training["schemes"], "µP": wrong}
    planted = run(inputs_of(WORLD), **training)
    before, after = told(record, WORLD), told(planted, WORLD)
    assert [*before] == [*cells_of(SCHEMES)]
    for cell in before:
        assert (repr(before[cell]) == repr(after[cell])) == (cell.scheme != "µP")
    changed = {cell.name for cell in before if before[cell].word != after[cell].word}
    assert changed == {"µP:feature_variation", "µP:space_time"}
    change = Cell("µP", "feature_variation")
    assert before[change].word == STABLE
    assert after[change].exponent.high < before[change].exponent.low


def test_a_mapping_of_readings_shares_what_they_look_at() -> None:
    readings: Mapping[str, Reading] = read().readings
    assert len({reading.seen for reading in readings.values()}) == 4
