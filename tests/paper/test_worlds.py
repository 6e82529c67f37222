"""The page and the report of many worlds say what the tables say."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import worlds
from browser import NEEDED, Browser, network, started
from bs4 import BeautifulSoup
from page_folder import data_of, parsed
from selenium.webdriver import Keys

from infwidth.measures.claims import CLAIMS
from infwidth.multiverse import figures
from infwidth.multiverse.robustness import factors, shares
from infwidth.paper.worlds import report, write

REPORT = Path(__file__).parents[2] / "workflow/report"
COUNT = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = worlds.folder_of(tmp_path_factory.mktemp("worlds"), COUNT)
    table = pd.read_csv(found / "worlds.csv", dtype=str, keep_default_na=False)
    table.loc[7, "error"] = "<b>no & end</b>"
    table.to_csv(found / "worlds.csv", index=False)
    shares.write(found)
    factors.write(found)
    figures.save_all(found, "0" * 64)
    write(found, REPORT / "worlds", "many")
    return found


@pytest.fixture(scope="module")
def soup(folder: Path) -> BeautifulSoup:
    return parsed((folder / "index.html").read_text(encoding="utf-8"))


def test_table_1_has_every_share_and_verdict(folder: Path, soup: BeautifulSoup) -> None:
    rows = pd.read_csv(folder / "robustness.csv", keep_default_na=False)
    rows = rows[(rows["rule"] == "headline") & ~rows["scheme"].str.startswith("all")]
    assert len(rows) == 12
    for row in rows.to_dict("records"):
        cell = soup.find(id=f"cell-{row['scheme']}-{row['column']}")
        assert cell is not None
        text = " ".join(cell.get_text(" ", strip=True).split())
        assert f"{100 * float(row['share']):.1f} % [" in text
        assert f"of {row['worlds']}" in text
        assert row["verdict"] in text
        assert CLAIMS[row["scheme"]][row["column"]].words in text
        if row["depends_on"]:
            assert f"on {row['depends_on'].replace('_', ' ')}" in text


def test_the_script_has_every_outcome_and_level(folder: Path, soup: BeautifulSoup) -> None:
    data = json.loads(json.dumps(data_of(soup)))
    readings = pd.read_csv(folder / "readings.csv")
    table = pd.read_csv(folder / "worlds.csv", dtype=str)
    assert data["worlds"] == list(range(COUNT))
    for reading in data["readings"]:
        own = readings[readings["reading"] == reading["name"]]
        for cell, letters in reading["outcomes"].items():
            assert [data["words"][int(letter, 36)] for letter in letters] == list(own[cell])
    assert [reading["name"] for reading in data["readings"]] == list(worlds.READINGS)
    for factor in data["factors"]:
        assert [factor["levels"][place] for place in factor["of"]] == list(table[factor["name"]])
    for cell in data["cells"]:
        agreeing = CLAIMS[cell["scheme"]][cell["name"].split(":")[1]].by_any_rule
        assert set(cell["agreeing"]) == agreeing
    assert data["errors"] == {"7": "<b>no & end</b>"}


@pytest.fixture(scope="module")
def browser(folder: Path) -> Iterator[Browser]:
    with started((folder / "index.html").as_uri(), plots=1) as found:
        yield found


def dots(browser: Browser) -> int:
    browser.settle()
    return len(browser.run("return [...document.querySelectorAll('#worlds .mark-symbol path')]"))


@NEEDED
def test_a_reader_sees_every_world_and_what_one_is_made_of(folder: Path, browser: Browser) -> None:
    browser.open()
    assert dots(browser) == COUNT
    table = pd.read_csv(folder / "worlds.csv", dtype=str).iloc[17]
    area = browser.find("#worlds .plot")
    area.send_keys(Keys.HOME)
    first = browser.find("#world h3").text
    area.send_keys(Keys.ARROW_RIGHT)
    assert browser.find("#world h3").text != first
    browser.run(
        "const box = document.querySelector('[name=world]'); box.value = 17;"
        "box.dispatchEvent(new Event('change', {bubbles: true}))"
    )
    told = browser.find("#world").text
    assert told.startswith("World 17: ")
    for name in worlds.FACTORS:
        assert f"{name.replace('_', ' ')}\n{table[name]}" in told
    assert "python -m infwidth.multiverse paper/many 17 > world.yaml" in told
    assert "snakemake --cores all --configfile world.yaml" in told
    assert network(browser.requested()) == [browser.address]
    assert browser.logged("browser") == []


@NEEDED
def test_a_cells_link_counts_its_worlds_by_level(folder: Path, browser: Browser) -> None:
    browser.open()
    browser.run(
        "document.querySelector('[name=factor]').value = 'hidden_layers';"
        "document.querySelector('[data-shown=\"IP:feature_variation\"]').click()"
    )
    assert dots(browser) == COUNT
    table = pd.read_csv(folder / "worlds.csv", dtype=str)
    expected = pd.crosstab(table["hidden_layers"], table["IP:feature_variation"])
    seen = browser.run(
        "return [...document.querySelectorAll('#worlds .values tr')]"
        ".map((row) => [...row.children].map((cell) => cell.textContent))"
    )
    shown = pd.DataFrame(seen[1:], columns=seen[0]).set_index("hidden layers").astype(int)
    assert list(shown) == ["increases with width", "decreases with width", "not yet moving"]
    assert np.array_equal(shown[[*expected]].loc[[*expected.index]], expected)


def test_the_report_is_typeset_and_tells_the_same(folder: Path) -> None:
    report.write(folder, REPORT / "multiverse.typ")
    made = (folder / "report.pdf").read_bytes()
    report.write(folder, REPORT / "multiverse.typ")
    assert (folder / "report.pdf").read_bytes() == made
    assert made.startswith(b"%PDF")
    told = report.told(folder)
    rows = shares.read(folder)
    said = {cell["name"]: cell["verdict"] for cells in told["table"].values() for cell in cells}
    headline = [row for row in rows if row.rule == "headline" and row.cell.name in said]
    assert said == {row.cell.name: row.verdict for row in headline}
    assert told["count"] == COUNT
    assert told["certain"] + len(told["trees"]) == 14
    assert {factor["name"] for factor in told["factors"]} == {
        name.replace("_", " ") for name in worlds.FACTORS
    }
