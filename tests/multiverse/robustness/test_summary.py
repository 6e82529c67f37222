"""Table 1 in many worlds, and the sentence: what they say is what the tables hold."""

import re
from pathlib import Path

import pytest
import worlds

from infwidth.multiverse.outcomes import Cell
from infwidth.multiverse.robustness import factors, shares, summary
from infwidth.multiverse.robustness.shares import BUT_IP, EVERY
from infwidth.multiverse.robustness.summary import Summary, percent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = worlds.folder_of(tmp_path_factory.mktemp("multiverse"), 400)
    for module in (shares, factors, summary):
        module.write(made)
    return made


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / summary.TABLE).read_text(encoding="utf-8")


def test_the_sentence_counts_what_is_there(folder: Path, text: str) -> None:
    told = Summary.read(folder)
    said = summary.quotable(told)
    every, but_ip = told.headline[EVERY], told.headline[BUT_IP]
    assert said in text
    assert f"Of {every.worlds} worlds" in said
    assert f"all 12 cells agree in {percent(every.share)} [" in said
    assert f"of {but_ip.worlds} in which" in said
    assert f"the 9 that are not IP's agree in {percent(but_ip.share)} [" in said
    assert "10 are verified (agreeing in at least 95 %" in said
    assert "2 depend on a choice (IP's feature variation on hidden layers; µP's space-time" in said
    assert said.endswith("on activation), and none is refuted.")


def test_a_refuted_cell_is_named(folder: Path) -> None:
    told = Summary.read(folder)
    last = [row for row in told.rows if row.rule == worlds.READINGS[-1]]
    said = summary.quotable(Summary(last, told.levels))
    assert "1 is refuted (µP's feature variation)" in said
    assert "1 is not decided (µP's space-time" in said


def test_each_cell_has_verdict_share_and_claim(folder: Path, text: str) -> None:
    lines = text.split("\n\n")[1].splitlines()
    assert len(lines) == 2 + len(worlds.SCHEMES)
    cells = {
        line.split("|")[1].strip(" *"): [part.strip() for part in line.split("|")[2:5]]
        for line in lines[2:]
    }
    row = Summary.read(folder).headline[Cell("IP", "feature_variation")]
    parts = cells["IP"][0].split("<br>")
    assert parts[0] == f"**depends** on hidden layers: 100.0 % at 1, 0.0 % at {row.worst_level}"
    assert parts[1].startswith(f"{percent(row.share)} [")
    assert parts[1].endswith(f"] of {row.worlds}")
    assert parts[2:] == [f"left out: {row.not_moving} not moving", "*claimed: large*"]
    assert "undetermined" in cells["µP"][2]
    assert cells["NTP"][0].startswith("**verified**<br>100.0 % [")


def test_small_tables_are_of_readings_depth_and_theorem(folder: Path, text: str) -> None:
    for reading in worlds.READINGS:
        assert f"\n| {reading} | " in text
    assert re.findall(r"^\| (\d) \|", text, re.MULTILINE) == list("123456")
    deep = Summary.read(folder).at("hidden_layers")["6"][EVERY]
    assert f"| 6 | {percent(deep.share)} [" in text
    assert "(tanh, sigmoid, silu)" in text
    assert "\n| inside | " in text
    assert "\n| outside | " in text


def test_where_too_few_worlds_tell_no_factor_none_is_named(tmp_path: Path) -> None:
    worlds.folder_of(tmp_path, 12)
    shares.write(tmp_path)
    factors.write(tmp_path)
    told = Summary.read(tmp_path)
    depend = [row for row in told.cells if row.verdict == "depends"]
    assert depend
    assert not any(row.depends_on for row in depend)
    assert ", on which is not resolved" in summary.quotable(told)
    assert "**depends**, on which is not resolved<br>" in summary.markdown(told)
