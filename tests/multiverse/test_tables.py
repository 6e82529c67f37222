"""A world's record has the numbers of an ordinary experiment, and its rows say what it says."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from multiverse import COMMITTED, inputs_of, read, small

from infwidth.files.tables import write_csv
from infwidth.files.whole import FileError
from infwidth.measures.features import Features
from infwidth.measures.metrics import JUDGING, RETAINING
from infwidth.measures.scaling import scaling_table
from infwidth.measures.tables import Collected, collect
from infwidth.measures.trends import Thresholds
from infwidth.measures.verdicts import table1
from infwidth.multiverse.outcomes import FAILED, NOT_MOVING, UNRESOLVED, Outcomes, cells_of
from infwidth.multiverse.readings import Reading
from infwidth.multiverse.record import TABLES, Record, remove_damaged
from infwidth.multiverse.run import run
from infwidth.multiverse.tables import join, row_text, rows, table
from infwidth.network.costs import recipe_settings
from infwidth.recipe import Recipe
from infwidth.training.train import train

WORLD = small(widths=[32, 64, 128, 256], seeds=3, steps=20, learning_rate=0.5)
READINGS = read().readings
Told = tuple[dict[str, Any], list[dict[str, Any]]]
THRESHOLDS = Thresholds(stable_exponent=0.25, small_change=0.5, collapse_ratio=1e-4)


@pytest.fixture(scope="module")
def record() -> Record:
    return run(inputs_of(WORLD), **WORLD.training)


@pytest.fixture(scope="module")
def told(record: Record) -> Told:
    """Its row of worlds.csv, and its rows of readings.csv."""
    return rows(**WORLD.identity, record=record, readings=READINGS)


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    """The tables of an experiment, through the files that its jobs leave."""
    folder, data = tmp_path_factory.mktemp("ordinary"), inputs_of(WORLD)
    trainings = []
    for scheme, powers in WORLD.experiment.schemes.items():
        for width in WORLD.experiment.widths:
            snapshots, curves, features = (
                folder / f"{scheme}-{width}-{name}.npz" for name in ("snapshots", "curves", "r")
            )
            recipe = Recipe(**recipe_settings(WORLD.experiment, width))
            train(data, powers, width, range(3), recipe).save(snapshots, curves)
            Features.of_snapshots(snapshots).save(features)
            trainings.append((scheme, width, features, curves))
    return collect(trainings)


@pytest.fixture(scope="module")
def scaling(ordinary: Collected) -> pd.DataFrame:
    experiment = WORLD.experiment
    settings = experiment.settings("samples", "steps", "fit_width_ratio")
    return scaling_table(ordinary.metrics, ordinary.spectra, **settings)


def test_a_world_has_the_tables_of_an_experiment_to_the_last_bit(
    record: Record, ordinary: Collected
) -> None:
    spectra = ordinary.spectra
    widest = spectra[spectra["width"] == 256].reset_index(drop=True)
    for name in TABLES:
        expected = widest if name == "spectra" else getattr(ordinary, name)
        found = getattr(record, name).reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_a_record_is_the_same_from_its_file(record: Record, told: Told, tmp_path: Path) -> None:
    record.save(tmp_path / "world.npz")
    again = Record.load(tmp_path / "world.npz")
    for field in dataclasses.fields(Record):
        before, after = getattr(record, field.name), getattr(again, field.name)
        if field.name in TABLES:
            expected = before.reset_index(drop=True)
            pd.testing.assert_frame_equal(after, expected, check_exact=True, check_dtype=False)
        else:
            assert before == after
    again.save(tmp_path / "again.npz")
    same = (tmp_path / "world.npz").read_bytes()
    assert (tmp_path / "again.npz").read_bytes() == same
    row, words = rows(**WORLD.identity, record=again, readings=READINGS)
    assert row_text(row) == row_text(told[0])
    assert words == told[1]


def test_rules_of_table1_say_the_words_of_table1(
    record: Record, told: Told, ordinary: Collected, scaling: pd.DataFrame
) -> None:
    expected, layers = table1(scaling, ordinary.diverged, THRESHOLDS)
    words = {row["reading"]: row for row in told[1]}["rules of Table 1, whole intervals"]
    assert len(expected) == 12
    for _, cell in expected.iterrows():
        assert words[f"{cell['scheme']}:{cell['column']}"] == cell["measured"]
    assert expected["measured"].nunique() > 3
    for layer in ("first", "last"):
        for kind in ("h", "x"):
            changes: dict[str, Any] = {"rules": "table1", "judged_by": "interval"}
            reading = Reading(
                **COMMITTED["readings"]["ours"] | changes | {"layer": layer, "kind": kind}
            )
            _, (found,) = rows(**WORLD.identity, record=record, readings={"it": reading})
            number = {"first": 1, "last": 2}[layer]
            its = layers[(layers["layer"] == number) & (layers["kind"] == kind)]
            assert len(its) == 12
            for _, cell in its.iterrows():
                assert found[f"{cell['scheme']}:{cell['column']}"] == cell["measured"]


def test_numbers_are_those_of_the_scaling_table(told: Told, scaling: pd.DataFrame) -> None:
    row, _ = told
    table_of_h = scaling[(scaling["layer"] == 2) & (scaling["kind"] == "h")]
    names = ("value", "value_low", "value_high", "exponent", "ci_low", "ci_high")
    for cell in cells_of(tuple(WORLD.experiment.schemes)):
        metric = RETAINING.get(cell.column, JUDGING[cell.column]).name
        both = (table_of_h["scheme"] == cell.scheme) & (table_of_h["metric"] == metric)
        (expected,) = table_of_h[both][list(names)].to_numpy(dtype=float)
        ends = ("value", "low", "high", "exponent", "exponent_low", "exponent_high")
        found = [row[f"{cell.name}:{end}"] for end in ends]
        np.testing.assert_array_equal(found, expected)


def test_progress_is_that_of_the_largest_width(told: Told, ordinary: Collected) -> None:
    row, _ = told
    for scheme in WORLD.experiment.schemes:
        for name, step in (("start", 0), ("end", 20)):
            losses = [
                each["train_loss"]
                for _, each in ordinary.runs.iterrows()
                if (each["scheme"], each["width"], each["step"]) == (scheme, 256, step)
            ]
            assert len(losses) == 3
            assert row[f"{scheme}:{name}"] == pytest.approx(math.fsum(losses) / 3, rel=1e-12)
        assert row[f"{scheme}:diverged"] == 0


def test_a_failed_world_is_told_with_its_error(told: Told, tmp_path: Path) -> None:
    Record.of_failure('ValueError: with "quotes", a comma').save(tmp_path / "failed.npz")
    failed = Record.load(tmp_path / "failed.npz")
    both = told, rows(**WORLD.identity, record=failed, readings=READINGS)
    (done, _), (row, words) = both
    assert list(row) == list(done)
    assert row["status"] == FAILED
    assert row["error"] == 'ValueError: with "quotes", a comma'
    for reading in words:
        assert {value for name, value in reading.items() if ":" in name} == {FAILED}
    # As chunks are put together and read again.
    for place, (its, outcomes) in enumerate(both):
        write_csv(table([its]), tmp_path / f"{place}-worlds.csv")
        write_csv(table(outcomes), tmp_path / f"{place}-readings.csv")
    for name in ("worlds", "readings"):
        join([tmp_path / f"{place}-{name}.csv" for place in (0, 1)], tmp_path / f"{name}.csv")
    outcomes_of_both = Outcomes.read(tmp_path)
    assert outcomes_of_both.names == tuple(READINGS)
    assert outcomes_of_both.factors == tuple(WORLD.levels)
    assert list(outcomes_of_both.worlds["error"]) == ["", row["error"]]
    agreement = outcomes_of_both.agreement("ours")
    assert agreement.iloc[1].isna().all()
    assert agreement.iloc[0].notna().all()


def test_a_damaged_file_is_removed_and_told_of(record: Record, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.npz" for name in ("whole", "short", "flipped", "empty", "failed")]
    for path in paths[:-1]:
        record.save(path)
    Record.of_failure("it failed").save(paths[-1])
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[: len(content) // 2])
    middle = len(content) // 2
    paths[2].write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    paths[3].write_bytes(b"")
    with pytest.raises(FileError):
        Record.load(paths[1])
    assert remove_damaged(paths) == paths[1:4]
    assert [path.exists() for path in paths] == [True, False, False, False, True]


def test_every_reading_has_its_row(told: Told) -> None:
    _, words = told
    assert [row["reading"] for row in words] == list(READINGS)
    for row in words:
        assert row["world"] == WORLD.number
        assert not {NOT_MOVING, UNRESOLVED, FAILED} & set(map(str, row.values()))
