"""Shares by level, and trees: by plain loops, on planted flips, and where nothing is to be said."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import worlds
from sklearn.inspection import permutation_importance
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from infwidth.files.tables import read_csv
from infwidth.measures.claims import claim_on
from infwidth.multiverse.outcomes import NO_OUTCOME, Cell, Outcomes
from infwidth.multiverse.robustness import factors, trees
from infwidth.multiverse.robustness.factors import INSIDE, OUTSIDE, READING, THEOREM, Level
from infwidth.multiverse.robustness.shares import BUT_IP, EVERY
from infwidth.multiverse.robustness.trees import Tree

WORLDS = 400
CHANGE = Cell("IP", "feature_variation")
SPACE_TIME = Cell("µP", "space_time")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = worlds.folder_of(tmp_path_factory.mktemp("multiverse"), WORLDS)
    factors.write(made)
    return made


@pytest.fixture(scope="module")
def levels(folder: Path) -> list[Level]:
    return factors.read(folder)


@pytest.fixture(scope="module")
def models(folder: Path) -> dict[Cell, Tree]:
    return {Cell(each.scheme, each.column): each for each in factors.read_models(folder)}


def of(levels: list[Level], cell: Cell, factor: str) -> dict[str, Level]:
    return {
        each.level: each
        for each in levels
        if (each.scheme, each.column, each.factor) == (*cell, factor)
    }


def test_shares_are_those_of_a_plain_loop(folder: Path, levels: list[Level]) -> None:
    chosen = pd.read_csv(folder / "worlds.csv", dtype=str, keep_default_na=False)
    read = read_csv(folder / "readings.csv").to_dict("records")
    words = {row["world"]: row for row in read if row["reading"] == "headline"}
    for cell in (CHANGE, SPACE_TIME, Cell("SP", "feature_diversity")):
        claim = claim_on(*cell)
        assert claim is not None
        for factor, given in worlds.FACTORS.items():
            found = of(levels, cell, factor)
            assert list(found) == (sorted(given, key=float) if given[0][0] < "a" else sorted(given))
            for level, share in found.items():
                counted = agreed = 0
                for world, own in zip(chosen["world"], chosen[factor], strict=True):
                    word = words[int(world)][cell.name]
                    if own == level and word not in NO_OUTCOME:
                        counted += 1
                        agreed += word in claim.by_any_rule
                assert (share.worlds, share.agree) == (counted, agreed)


def test_readings_and_the_theorem_are_factors_too(levels: list[Level]) -> None:
    read = of(levels, Cell("µP", "feature_variation"), READING)
    assert [each.share for each in read.values()] == [1, 1, 0]
    assert tuple(read) == worlds.READINGS
    covered, activations = of(levels, SPACE_TIME, THEOREM), of(levels, SPACE_TIME, "activation")
    assert list(covered) == [INSIDE, OUTSIDE]
    outside = activations["relu"].worlds + activations["gelu"].worlds
    assert (covered[INSIDE].share, covered[OUTSIDE].worlds) == (1, outside)
    assert covered[OUTSIDE].p_value < 1e-6
    assert math.isnan(read["headline"].p_value)
    assert of(levels, EVERY, "hidden_layers")["6"].share == 0


def test_planted_flips_are_told_by_trees(levels: list[Level], models: dict[Cell, Tree]) -> None:
    change, space_time = models[CHANGE], models[SPACE_TIME]
    assert (change.accuracy, change.asks) == (1, "hidden_layers")
    shallow, deep = change.words.split("; ")
    assert shallow.startswith("hidden_layers ≤ 3: agrees in 100 % of ")
    assert deep.startswith("hidden_layers ≥ 4: agrees in 0 % of ")
    assert space_time.asks.startswith("activation")
    assert "activation not relu: agrees in 100 % of " in space_time.words
    for cell, factor in ((CHANGE, "hidden_layers"), (SPACE_TIME, "activation")):
        importance = {
            each.factor: each.importance
            for each in levels
            if Cell(each.scheme, each.column) == cell and math.isfinite(each.importance)
        }
        assert set(importance) == set(worlds.FACTORS)
        assert max(importance, key=lambda name: importance[name]) == factor
        others = [value for name, value in importance.items() if name != factor]
        assert max(others) < 0.02 < importance[factor]


def test_a_cell_that_does_not_vary_has_no_tree(models: dict[Cell, Tree]) -> None:
    still = models[Cell("NTP", "space_time")]
    assert (still.worlds, still.baseline, still.asks, still.words) == (WORLDS, 1, "", "")
    assert math.isnan(still.accuracy)


def test_nothing_to_tell_is_told_no_better_than_by_the_commoner_outcome() -> None:
    rng = np.random.default_rng(1)
    levels = pd.DataFrame({name: rng.choice(given, 600) for name, given in worlds.FACTORS.items()})
    found = trees.tree(CHANGE, pd.Series((rng.random(600) < 0.7).astype(float)), levels)
    assert found.accuracy == pytest.approx(found.baseline, abs=0.05)
    assert found.accuracy_low < found.baseline
    assert max(found.importance.values()) < 0.03


def test_importance_is_scikit_learn_s_where_factors_are_single_columns() -> None:
    rng = np.random.default_rng(2)
    levels = pd.DataFrame({name: rng.choice(["1", "2", "3"], 500) for name in ("a", "b", "c")})
    high = (levels["a"].astype(int) + levels["b"].astype(int)).to_numpy() >= 4
    truth = (high ^ (rng.random(500) < 0.1)).astype(int)
    found = trees.tree(CHANGE, pd.Series(truth, dtype=float), levels)
    coded = levels.astype(int).to_numpy()
    right, lost = 0.0, np.zeros(3)
    for seen, held in StratifiedKFold(5, shuffle=True, random_state=0).split(coded, truth):
        made = DecisionTreeClassifier(
            max_depth=3, min_samples_leaf=5, min_impurity_decrease=0.005, random_state=0
        ).fit(coded[seen], truth[seen])
        right += made.score(coded[held], truth[held]) * len(held) / 500
        shuffled = permutation_importance(
            made, coded[held], truth[held], n_repeats=50, random_state=0
        )
        lost += shuffled.importances_mean * len(held) / 500
    assert found.accuracy == pytest.approx(right)
    assert list(found.importance.values()) == pytest.approx(list(lost), abs=0.02)
    assert lost[2] < 0.01 < lost[0]


def test_the_same_tables_make_the_same_bytes(folder: Path) -> None:
    names = (factors.TABLE, factors.MODELS)
    first = [(folder / name).read_bytes() for name in names]
    factors.write(folder)
    assert [(folder / name).read_bytes() for name in names] == first


def test_without_activations_there_is_no_theorem(tmp_path: Path) -> None:
    worlds.folder_of(tmp_path, 60)
    table = read_csv(tmp_path / "worlds.csv", text=()).drop(columns="activation")
    table.to_csv(tmp_path / "worlds.csv", index=False)
    found = Outcomes.read(tmp_path)
    names = {each.factor for each in factors.factors(found, factors.trees(found))}
    assert names == {*worlds.FACTORS, READING} - {"activation"}
    assert BUT_IP in factors.trees(found)
