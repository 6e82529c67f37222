"""The page's structure and numbers; `test_page_browser.py` looks at it in a browser."""

import hashlib
import itertools
import json
import math
import re
import shutil
from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag
from jinja2 import UndefinedError
from page_folder import FINDINGS, PLAN, Folder, data_of, parsed
from synthetic import ON_MANY

from infwidth import numbers
from infwidth.drawing import style
from infwidth.measures import reading as measurements
from infwidth.measures.metrics import JUDGING, METRICS, SHOWN
from infwidth.paper import practice, tables
from infwidth.paper.figures import FIGURES
from infwidth.paper.page import Picture, content, page, plots, series

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "src/infwidth/paper/page"
# Of build/vega.min.js in the npm package vega 6.4.0.
VEGA_SHA256 = "8f6a3587cf8d4f42c7e08120e3eb05d067e746d554e39d2dcf52acc0bd5ba28f"
# All of it must be read before anything is seen, and three such pages are kept in the repository.
LARGEST_PAGE = 3 * 2**20
EVENTS_OR_STYLE = re.compile(r"^on|^style$")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder.written(tmp_path_factory.mktemp("page") / "invented")


@pytest.fixture(scope="module")
def html(folder: Folder) -> str:
    return folder.page()


@pytest.fixture(scope="module")
def soup(html: str) -> BeautifulSoup:
    return parsed(html)


@pytest.fixture(scope="module")
def data(soup: BeautifulSoup) -> Mapping[str, Any]:
    return data_of(soup)


@pytest.fixture
def changed(folder: Folder, tmp_path: Path) -> Folder:
    """A copy of the folder, to be changed."""
    copy = shutil.copytree(folder.path, tmp_path / "copy")

    def moved(pictures: list[Picture]) -> list[Picture]:
        return [
            Picture(copy / picture.path.relative_to(folder.path), picture.title, picture.caption)
            for picture in pictures
        ]

    findings = copy / folder.findings.relative_to(folder.path)
    return Folder(copy, moved(folder.pictures), findings, moved(folder.theory))


def loaded(soup: BeautifulSoup) -> list[str]:
    """Every address that a browser would load something from."""
    found = []
    for tag in soup.find_all(True):
        for name in ("src", "srcset", "poster", "data", "action"):
            found += [str(tag[name])] if tag.has_attr(name) else []
        if tag.name in ("link", "use", "image"):
            found.append(str(tag.get("href", tag.get("xlink:href", ""))))
    for style_sheet in soup.find_all("style"):
        found += re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')\s;]+)", style_sheet.get_text())
    return [address for address in found if not address.startswith("data:")]


def test_nothing_is_loaded_from_anywhere(soup: BeautifulSoup) -> None:
    assert loaded(soup) == []
    policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
    assert policy is not None
    assert str(policy["content"]).startswith("default-src 'none'; img-src data:;")
    assert "http" not in str(policy["content"])


@pytest.mark.parametrize(
    "planted",
    [
        '<script src="https://cdn.example/vega.js"></script>',
        '<link rel="stylesheet" href="style.css">',
        "<style>@import 'x.css'; p { background: url(http://a/b.png) }</style>",
        '<img src="figures/layers.png">',
    ],
)
def test_what_is_loaded_would_be_found(planted: str) -> None:
    assert loaded(parsed(planted))


def cell_of(soup: BeautifulSoup, scheme: str, column: str) -> Tag:
    place = 1 + list(SHOWN).index(column)
    found = soup.find(id=f"cell-{place}-{scheme}")
    assert isinstance(found, Tag)
    return found


def words(tag: Tag | None) -> str:
    assert tag is not None
    return re.sub(r"\s+", " ", tag.get_text(" ", strip=True))


def test_every_cell_of_table_1_is_in_the_page(folder: Folder, soup: BeautifulSoup) -> None:
    table = pd.read_csv(folder.path / "table1.csv", dtype={"agrees": str}, keep_default_na=False)
    assert len(table) == 3 * len(PLAN.schemes)
    for row in table.to_dict("records"):
        cell = cell_of(soup, str(row["scheme"]), str(row["column"]))
        text = words(cell)
        agreement = {"true": "✓ agrees", "false": "✗ disagrees", "": "no claim"}[row["agrees"]]
        assert agreement in text
        assert str(row["measured"]) in text
        assert str(row["paper"]) in text
        for name in ("value", "judging", "retention"):
            value = [float(row[f"{name}{end}"] or "nan") for end in ("", "_low", "_high")]
            told = numbers.with_interval(*value) in text
            assert told or (name == "retention" and row["column"] != "feature_diversity")
        if row["judging_exponent"]:
            ends = [float(row[f"judging_exponent{end}"]) for end in ("", "_low", "_high")]
            power, interval = numbers.exponent(*ends)
            assert f"∝ n {power} {interval}" in text
            raw = float(row["raw_exponent"] or "nan")
            assert (f", raw {numbers.exponent(raw, raw, raw)[0]}" in text) == (raw == raw)
    assert words(soup.select_one("td.loss")) == "Training loss 0.149 [0.118, 0.189]"


def test_the_page_counts_facts_and_the_papers_own_statements(
    folder: Folder, soup: BeautifulSoup
) -> None:
    facts = pd.read_csv(folder.path / "table1_facts.csv", keep_default_na=False)
    independent = (facts["follows_from"] == "").sum()
    assert independent < len(facts)
    header = words(soup.header)
    assert f"{independent} of the {len(facts)} are facts of their own" in header
    assert "1 of 2 statements of the paper verified, 1 undetermined." in header
    assert content.grades([{"origin": "here", "verdict": "verified"}]) == ""


def test_findings_say_who_states_them_and_can_be_chosen_by_that(soup: BeautifulSoup) -> None:
    rows = soup.select(".findings tbody tr")
    assert [row["data-origin"] for row in rows] == list(FINDINGS["origin"])
    options = [str(option["value"]) for option in soup.select("#origins input[name=origin]")]
    assert options == ["", "paper", "follows", "here"]


def test_every_layers_cell_is_in_the_page(folder: Folder, soup: BeautifulSoup) -> None:
    table = pd.read_csv(folder.path / "table1_layers.csv")
    shown = soup.select("table.layers tbody td .measured")
    assert [cell.get_text() for cell in shown] == [
        measured
        for _, rows in table.groupby(["scheme", "layer", "kind"], sort=False)
        for measured in rows.set_index("column")["measured"].reindex(list(SHOWN))
    ]


def test_a_disagreement_is_told_by_words_signs_and_reason(
    changed: Folder, soup: BeautifulSoup
) -> None:
    path = changed.path / "table1.csv"
    table = pd.read_csv(path, dtype={"agrees": str}, keep_default_na=False)
    chosen = (table["scheme"] == "µP") & (table["column"] == "space_time")
    table.loc[chosen, ["agrees", "measured", "reason"]] = ["false", "wobbles", "0.1 </script><b>"]
    table.to_csv(path, index=False)
    after = changed.soup()
    claimed = 3 * 4
    assert f"{claimed} of {claimed} cells agree" in words(soup.header)
    assert f"{claimed - 1} of {claimed} cells agree" in words(after.header)
    assert "measured is “wobbles”" in words(after.header)
    cell = cell_of(after, "µP", "space_time")
    assert "✗ disagrees" in words(cell)
    assert "0.1 </script><b>" in words(cell)
    assert cell["class"] == ["disagrees"]
    assert "wobbles" not in words(soup.header)


def test_links_within_the_page_lead_to_elements_and_ids_are_unique(soup: BeautifulSoup) -> None:
    ids = [str(tag["id"]) for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    targets = [str(link["href"]) for link in soup.find_all("a")]
    assert {"#table1", "#sweep", "#theory", "#provenance"} <= set(targets)
    assert {target.removeprefix("#") for target in targets} <= set(ids)
    for name in ("aria-labelledby", "for"):
        assert all(str(tag[name]) in ids for tag in soup.select(f"[{name}]"))


def test_a_cells_link_names_choices_that_there_are(soup: BeautifulSoup) -> None:
    options = {
        name: {str(option["value"]) for option in soup.select(f"input[name={name}]")}
        for name in ("metric", "layer", "kind")
    }
    links = soup.select("a.see")
    assert len(links) >= 3 * len(PLAN.schemes) * (1 + 2 * PLAN.layers)
    for link in links:
        assert all(str(link[f"data-{name}"]) in options[name] for name in options)


def test_cells_link_to_the_metrics_that_their_verdicts_were_read_from(folder: Folder) -> None:
    for row in content.rows(tables.read(folder.path / "table1.csv")):
        for column, cell in row.cells.items():
            assert cell.metric == SHOWN[column].name
            assert cell.judged_by == JUDGING[column].name
            assert (cell.metric != cell.judged_by) == (column == "feature_diversity")


def test_the_page_is_the_same_bytes_for_the_same_files(changed: Folder, html: str) -> None:
    again = changed.page()
    assert again.encode() == html.encode()
    assert str(changed.path.parent) not in again


def test_what_is_said_of_the_run_comes_from_its_provenance(
    changed: Folder, soup: BeautifulSoup
) -> None:
    path = changed.path / "provenance.json"
    told = json.loads(path.read_text())
    told["config"] |= {"learning_rate": 0.123, "steps": 987, "collapse_ratio": 3e-7}
    told["data"] = {"name": "<b>*Mine* & $x$</b>", "sha256": "5" * 64}
    told["rules"][0] |= {"seconds": 7000.04, "max_rss_mb": None}
    path.write_text(json.dumps(told))
    after = changed.soup()
    for text in (
        "0.123",
        "987",
        "<b>*Mine* & $x$</b>",
        "5" * 64,
        "3 × 10⁻⁷",
        "7123.4",
        "The last of 987 steps",
    ):
        assert text in words(after.body), text
        assert text not in words(soup.body), text


def test_a_run_on_many_images_says_so_and_has_accuracies(
    changed: Folder, soup: BeautifulSoup
) -> None:
    path = changed.path / "provenance.json"
    told = json.loads(path.read_text())
    told["config"] |= ON_MANY
    path.write_text(json.dumps(told))
    after = changed.soup()
    for text in (
        "by SGD, 64 images a batch (the first 5000 training images for training and the first 8 "
        "test images, held out, as probes)",
        "after 196 steps.",
        "196 (2.5 epochs)",
        "over the first 1000 training images and the first 1000 test images",
        "The last of 196 steps",
    ):
        assert text in words(after.body), text
        assert text not in words(soup.body), text
    table = after.select_one("table.practice")
    assert table is not None
    rows = practice.rows(measurements.read_table(changed.path / "runs.csv"))
    assert [words(row) for row in table.select("tbody tr")] == [
        " ".join([row.scheme, *row.cells.values()]) for row in rows
    ]
    assert soup.select_one("#practice") is None


def test_findings_have_their_verdicts_and_evidence(folder: Folder, soup: BeautifulSoup) -> None:
    rows = [
        [words(cell) for cell in row.find_all(["th", "td"])]
        for row in soup.select("table.findings tbody tr")
    ]
    marks = {"verified": "✓ verified", "refuted": "✗ refuted", "undetermined": "? undetermined"}
    marks["depends"] = "~ depends on the activation"
    assert rows == [
        [
            content.ORIGINS[finding["origin"]],
            "–" if finding["source"] == "here" else finding["source"],
            finding["statement"],
            marks[finding["verdict"]],
            finding["evidence"],
        ]
        for finding in FINDINGS.to_dict("records")
    ]
    without = folder.soup(theory=False)
    assert without.find(id="theory") is None
    assert not without.select('a[href="#theory"]')


def test_pictures_are_inside_with_their_size_and_words(soup: BeautifulSoup) -> None:
    pictures = soup.select(".gallery img")
    assert len(pictures) == 3
    for picture in pictures:
        assert str(picture["src"]).startswith("data:image/png;base64,")
        assert (picture["width"], picture["height"]) == ("300", "110")
        assert str(picture["alt"]).endswith(': "a < b" & so on.')


def test_a_caption_that_names_an_unknown_key_is_an_error(folder: Folder) -> None:
    wrong = Picture(folder.pictures[0].path, "title", "{{ snakemake.config.nothing }}")
    with pytest.raises(UndefinedError):
        page(folder.path, [wrong])


def test_a_reader_without_eyes_or_mouse_finds_everything(soup: BeautifulSoup) -> None:
    assert soup.html is not None
    assert soup.html["lang"] == "en-GB"
    assert len(soup.find_all("h1")) == 1
    levels = [int(tag.name[1]) for tag in soup.find_all(re.compile(r"^h[1-6]$"))]
    assert all(next_ <= level + 1 for level, next_ in itertools.pairwise(levels))
    assert all(tag.has_attr("scope") for tag in soup.find_all("th"))
    for control in soup.find_all(["input", "select"]):
        label = control.find_parent("label") or soup.select_one(f'label[for="{control.get("id")}"]')
        assert words(label)
        fields = control.find_parent("fieldset")
        assert fields is not None
        assert words(fields.find("legend"))
    for button in soup.find_all("button"):
        assert words(button) or button.get("aria-label")
    # What scrolls is reached by keyboard and has a name.
    for box in soup.select(".scroll"):
        assert (box["tabindex"], bool(box["aria-label"])) == ("0", True)
    assert not [
        tag for tag in soup.find_all(True) for name in tag.attrs if EVENTS_OR_STYLE.match(name)
    ]


def test_vega_is_the_published_file() -> None:
    file = PAGE / "vega/vega.min.js"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == VEGA_SHA256
    assert "Vega 6.4.0" in (PAGE / "vega/LICENSE").read_text(encoding="utf-8")
    assert 'version="6.4.0"' in file.read_text(encoding="utf-8")


def test_the_largest_committed_run_makes_a_page_of_moderate_size() -> None:
    folder = ROOT / "paper/wide"
    pictures = [Picture(folder / f"figures/{name}.png", name, "") for name in FIGURES]
    # As many figures again for the checks of the theory, and more.
    html = page(folder, pictures)
    figures = sum(map(len, re.findall(r'src="data:image/png[^"]+"', html)))
    assert figures > 100_000
    assert len(html.encode()) + 2 * figures < LARGEST_PAGE


# ---------------------------------------------------------------------------- what the plots draw


def slow_point(
    rows: list[dict[Any, Any]], metric: str, starts: Mapping[tuple[Any, ...], float]
) -> tuple[float, float, float, bool, str] | None:
    """Mean, range, whether it is a limit, and the resolution, one row after the other."""
    names = {"spacetime_min_eig": "spacetime_resolution", "feature_change": None}
    name = names.get(metric, "resolution")
    values, floors, limit = [], [], False
    for row in rows:
        quotient = metric in ("gram_ratio", "retention")
        over = row["gram_mean_eig"] if quotient else 1.0
        if metric == "retention":
            over *= starts.get(tuple(row[key] for key in TRAINING), math.nan)
        value = row["gram_min_eig" if quotient else metric] / over
        floor = row[name] / over if name else math.nan
        if not math.isnan(floor):
            floors.append(floor)
        if math.isnan(value) and not math.isnan(floor):
            value, limit = floor, True
        if value > 0:
            values.append(value)
    if not values:
        return None
    mean = math.exp(math.fsum(map(math.log, values)) / len(values))
    return mean, min(values), max(values), limit, numbers.number(max(floors, default=math.nan), 2)


TRAINING = ("scheme", "width", "seed", "layer", "kind")


def slow_text(mean: float, low: float, high: float, limit: bool) -> str:
    if limit:
        return f"< {numbers.number(mean, 2)}"
    return numbers.with_interval(mean, low, high)


def test_curves_are_geometric_means_ranges_and_limits(
    folder: Folder, data: Mapping[str, Any]
) -> None:
    metrics = pd.read_csv(folder.path / "metrics.csv")
    drawn: dict[tuple[Any, ...], tuple[Any, ...]] = {
        (curve["metric"], curve["layer"], curve["kind"], curve["scheme"], curve["n"], t): (
            curve["mean"][place],
            curve["low"][place],
            curve["high"][place],
            t in curve.get("limits", []),
            curve["floor"][place] if "floor" in curve else numbers.NOTHING,
            curve["text"][place],
        )
        for curve in data["series"]
        for place, t in enumerate(curve["t"])
    }
    limits, expected = 0, 0
    starts = {
        tuple(row[key] for key in TRAINING): row["gram_min_eig"] / row["gram_mean_eig"]
        for row in metrics.to_dict("records")
        if row["step"] == 0
    }
    for key, rows in metrics.groupby(["layer", "kind", "scheme", "width", "step"]):
        place, records = cast(tuple[Any, ...], key), rows.to_dict("records")
        for metric in METRICS:
            found = drawn.get((metric, *place))
            slow = slow_point(records, metric, starts)
            if slow is None or (
                place[-1] == 0 and metric in ("feature_change", "spacetime_min_eig")
            ):
                assert found is None
                continue
            expected += 1
            assert found is not None
            assert found[:3] == pytest.approx(slow[:3], rel=6e-4)
            assert found[3:5] == slow[3:5]
            assert found[5] == slow_text(*slow[:4])
            limits += slow[3]
    assert len(drawn) == expected
    assert limits > 10


def test_fitted_powers_run_through_the_largest_width(
    folder: Folder, data: Mapping[str, Any]
) -> None:
    measured = measurements.read(folder.path)
    assert len(data["fits"]) == int(measured.scaling["exponent"].notna().sum()) > 20
    for fit in data["fits"]:
        row = measured.fit(fit["metric"], fit["scheme"], fit["layer"], fit["kind"])
        assert row is not None
        widths = [width for width in measured.widths if width <= row["largest_width"]]
        widths = widths[-int(row["widths"]) :]
        assert fit["n"] == [widths[0], widths[-1]]
        ratio = (widths[0] / widths[-1]) ** row["exponent"]
        np.testing.assert_allclose(fit["values"], [row["value"] * ratio, row["value"]], rtol=2e-3)


def test_where_a_power_is_refused_that_of_the_largest_widths_is_told(folder: Folder) -> None:
    measured = measurements.read(folder.path)
    told: dict[str, Any] = {
        "law": "crossover",
        "local_exponent": 2.0,
        "local_low": 1.5,
        "local_high": 2.5,
    }
    measured = replace(measured, scaling=measured.scaling.assign(**told))
    for fit in series.fits(measured):
        assert fit["n"][0] >= fit["n"][1] / 16
        assert (fit["power"], fit["interval"]) == ("2.00", "[1.50, 2.50] locally")
        (start, end), (low, high) = fit["n"], fit["values"]
        assert high / low == pytest.approx((end / start) ** 2, rel=2e-3)


def test_diverged_replicas_are_marked(data: Mapping[str, Any]) -> None:
    assert data["lost"] == [
        {"scheme": "IP", "n": 4096, "steps": [5, 20]},
        {"scheme": "mine", "n": 4096, "steps": [20]},
    ]


def test_schemes_look_as_in_the_figures(data: Mapping[str, Any]) -> None:
    looked = style.looks(PLAN.schemes)
    assert [scheme["name"] for scheme in data["schemes"]] == list(looked)
    for scheme, look in zip(data["schemes"], looked.values(), strict=True):
        assert scheme["color"] == look.color
        assert bool(scheme["dashes"]) == (look.dashes != "-")
        assert scheme["line"] == pytest.approx(look.line * series.PIXELS, abs=0.01)
    told_apart = {(look["shape"], str(look["dashes"])) for look in data["schemes"]}
    assert len(told_apart) == len(looked)


def test_the_value_of_a_single_seed_has_no_range() -> None:
    point: dict[Hashable, Any] = {"mean": 0.0381, "low": 0.0381, "high": 0.0381, "upper": False}
    assert series.written(point, alone=True) == "0.0381"
    assert series.written(point, alone=False) == "0.0381 [0.0381, 0.0381]"


def test_what_is_measured_is_named_after_layer_kind_and_step() -> None:
    assert series.unit(METRICS["feature_change"], "x", "t") == (
        "‖x<sup>t</sup> − x<sup>0</sup>‖ / ‖x<sup>0</sup>‖"
    )
    assert series.unit(METRICS["gram_min_eig"], "x", "t") == "λ<sub>min</sub>(K) / n"
    assert (
        series.unit(METRICS["spacetime_min_eig"], "h", "T")
        == "λ<sub>min</sub>(K<sub>0,T</sub>) / n"
    )


@pytest.mark.parametrize("marker", [look.marker for look in (*style.KNOWN.values(), *style.SPARE)])
def test_markers_are_closed_outlines_around_the_centre(marker: str) -> None:
    outline = series.outline(marker)
    assert re.fullmatch(r"M(?:[-0-9. ]+[LQC])+[-0-9. ]+Z", outline)
    places = np.array(re.findall(r"-?[0-9.]+", outline), dtype=float)
    assert len(places) % 2 == 0
    assert 0.9 <= np.abs(places).max() <= 1.42


@pytest.mark.parametrize("axis", ["width", "step"])
def test_specifications_need_no_data_from_elsewhere(axis: plots.Axis) -> None:
    text = json.dumps(plots.plot(axis))
    assert '"url"' not in text
    assert '"href"' not in text
