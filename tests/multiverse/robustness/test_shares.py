"""Shares, verdicts and what they depend on: by plain loops, and with flips that were planted."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import worlds
from scipy.stats import norm

from infwidth.files.tables import read_csv, write_csv
from infwidth.measures.claims import FALLS, GROWS, claim_on
from infwidth.multiverse.outcomes import NO_OUTCOME, NOT_MOVING, Cell
from infwidth.multiverse.robustness import shares
from infwidth.multiverse.robustness.contrasts import DRAWS, contrasts, hangs_on, holm, p_value
from infwidth.multiverse.robustness.shares import BUT_IP, EVERY, Row, Share, verdict

WORLDS = 400
CHANGE = Cell("IP", "feature_variation")
SPACE_TIME = Cell("µP", "space_time")


def rows(folder: Path) -> dict[tuple[Cell, str], Row]:
    shares.write(folder)
    return {(row.cell, row.rule): row for row in shares.read(folder)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return worlds.folder_of(tmp_path_factory.mktemp("multiverse"), WORLDS)


@pytest.fixture(scope="module")
def made(folder: Path) -> dict[tuple[Cell, str], Row]:
    return rows(folder)


@pytest.mark.parametrize(("agree", "count"), [(0, 7), (1, 40), (38, 40), (500, 1000), (12, 12)])
def test_the_interval_is_wilson_s(agree: int, count: int) -> None:
    share = Share.of(pd.Series([1.0] * agree + [0.0] * (count - agree) + [math.nan] * 3))
    z, p = norm.ppf(0.975), agree / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(p * (1 - p) / count + z * z / (4 * count**2))
    assert share[:3] == (count, agree, p)
    assert share[3:] == pytest.approx((middle - half, middle + half), abs=1e-12)


def test_shares_are_those_of_a_plain_loop(folder: Path, made: dict[tuple[Cell, str], Row]) -> None:
    table = read_csv(folder / "readings.csv").to_dict("records")
    cells = [Cell(scheme, column) for column in worlds.CLAIMED for scheme in worlds.SCHEMES]
    for reading in worlds.READINGS:
        for several in [*cells, EVERY, BUT_IP]:
            own = [
                cell
                for cell in cells
                if several in (cell, EVERY) or (several == BUT_IP and cell.scheme != "IP")
            ]
            counted = agreed = left_out = 0
            for row in table:
                if row["reading"] != reading:
                    continue
                said = [(cell, row[cell.name]) for cell in own]
                if any(word in NO_OUTCOME for _, word in said):
                    left_out += 1
                    continue
                counted += 1
                agreed += all(word in claim_on(*cell).by_any_rule for cell, word in said)  # type: ignore[union-attr]
            found = made[several, reading]
            assert (found.worlds, found.agree) == (counted, agreed), (several, reading)
            assert found.not_moving + found.diverged + found.failed == left_out
            assert found.share == agreed / counted
    assert len(made) == len(worlds.READINGS) * (len(cells) + 2)


def test_the_first_columns_are_the_ones_that_others_read(folder: Path) -> None:
    shares.write(folder)
    head, _, _ = (folder / shares.TABLE).read_text(encoding="utf-8").partition("\n")
    assert head.startswith("scheme,column,worlds,agree,share,share_low,share_high,rule,")


def test_planted_flips_are_found(made: dict[tuple[Cell, str], Row]) -> None:
    change, space_time = made[CHANGE, "headline"], made[SPACE_TIME, "headline"]
    assert (change.verdict, change.depends_on) == ("depends", "hidden_layers")
    assert int(change.best_level) < 4 <= int(change.worst_level)
    assert (change.best_share, change.worst_share) == (1, 0)
    assert (space_time.verdict, space_time.depends_on) == ("depends", "activation")
    assert (space_time.worst_level, space_time.best_share) == ("relu", 1)
    assert 0 < space_time.undetermined < space_time.worlds - space_time.agree
    assert made[EVERY, "headline"].depends_on == "hidden_layers"
    assert made[BUT_IP, "headline"].depends_on == "activation"
    # What was not planted is as claimed.
    others = {cell for cell, reading in made if reading == "headline"}
    others -= {CHANGE, SPACE_TIME, EVERY, BUT_IP}
    assert {made[cell, "headline"].verdict for cell in others} == {"verified"}
    assert made[Cell("µP", "feature_variation"), worlds.READINGS[-1]].verdict == "refuted"
    unsaid = made[SPACE_TIME, worlds.READINGS[-1]]
    assert (unsaid.undetermined, unsaid.verdict) == (unsaid.worlds, "not decided")


@pytest.mark.parametrize(
    ("agree", "word"),
    [(97, "verified"), (95, "verified"), (94, "depends"), (6, "depends"), (3, "refuted")],
)
def test_a_planted_share_has_its_verdict(tmp_path: Path, agree: int, word: str) -> None:
    table, readings = worlds.outcomes(200)
    column = np.where(np.arange(200) % 100 < agree, GROWS, FALLS).astype(object)
    readings[CHANGE.name] = np.tile(column, len(worlds.READINGS))
    write_csv(table, tmp_path / "worlds.csv")
    write_csv(readings, tmp_path / "readings.csv")
    found = rows(tmp_path)[CHANGE, "headline"]
    assert (found.share, found.verdict) == (agree / 100, word)


def test_a_cell_that_never_moves_is_not_decided(tmp_path: Path) -> None:
    table, readings = worlds.outcomes(40)
    readings[CHANGE.name] = NOT_MOVING
    write_csv(table, tmp_path / "worlds.csv")
    write_csv(readings, tmp_path / "readings.csv")
    found = rows(tmp_path)
    assert found[CHANGE, "headline"].verdict == "not decided"
    assert (found[CHANGE, "headline"].worlds, found[CHANGE, "headline"].not_moving) == (0, 40)
    assert found[EVERY, "headline"].verdict == "not decided"
    assert verdict(Share.of(pd.Series([math.nan]))) == "not decided"


def test_chance_alone_is_blamed_on_no_factor() -> None:
    """Where nothing matters, a factor is named in at most about one set of worlds in twenty."""
    rng = np.random.default_rng(0)
    blamed = 0
    for _ in range(60):
        levels = pd.DataFrame(
            {name: rng.choice(given, 200) for name, given in worlds.FACTORS.items()}
        )
        agrees = pd.Series((rng.random(200) < 0.9).astype(float))
        blamed += hangs_on(contrasts(agrees, levels)) is not None
    assert blamed <= 8


def test_a_level_of_few_worlds_is_not_compared() -> None:
    levels = pd.DataFrame({"loss": ["mse"] * 50 + ["nll"] * 50 + ["odd"] * 4})
    agrees = pd.Series([1.0] * 50 + [1.0, 0.0] * 25 + [0.0] * 4)
    (found,) = contrasts(agrees, levels)
    assert (found.worst_level, found.worst_share) == ("nll", 0.5)


def test_small_counts_are_compared_with_tables_drawn_at_random() -> None:
    """All of four that disagree at one level of six: at odds of 1 in 6^3, or a little less."""
    counts = np.array([[6, 4]] + [[10, 0]] * 5)
    exact = 6 * math.comb(10, 4) / math.comb(60, 4)
    # Other tables are as far from equal shares as this one only if they are this one.
    assert p_value(counts) == pytest.approx(exact, abs=4 * math.sqrt(exact / DRAWS))
    assert p_value(np.array([[10, 0], [12, 0]])) == 1


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.02, 0.2, 0.9]) == pytest.approx([0.04, 0.06, 0.4, 0.9])
    assert holm([0.6, 0.6]) == [1, 1]
    assert holm([]) == []
