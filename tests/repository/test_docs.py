"""The documentation: built without a network, nothing in it loaded from one, its words checked."""

import csv
import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import numpy as np
import pandas as pd
import pytest
import worlds
import yaml

from infwidth.config import read_experiment
from infwidth.config.reading import load_schema
from infwidth.config.reference import documented, reference
from infwidth.config.values import every_key
from infwidth.multiverse.robustness import factors, shares
from infwidth.theory.statements import NAMES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
CONFIG = (ROOT / "config.yaml").read_text(encoding="utf-8")
KEYS = list(every_key(load_schema(SCHEMA)))
EXPERIMENTS = sorted(
    path.name for path in (ROOT / "paper").iterdir() if path.is_dir() and path.name != "multiverse"
)

# MkDocs in a process that cannot reach anything.
OFFLINE_MKDOCS = """
import socket
def refused(*address):
    raise OSError(f"the documentation reached for a network: {address}")
socket.socket.connect = socket.getaddrinfo = refused
from mkdocs.__main__ import cli
cli()
"""


def mkdocs(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """A strict build."""
    return subprocess.run(
        [
            *(sys.executable, "-c", OFFLINE_MKDOCS),
            *("build", "--strict", "--config-file", str(config), "--site-dir", str(site)),
        ],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


@dataclass
class Page(HTMLParser):
    """What the tests look at in a page of HTML."""

    ids: set[str] = field(default_factory=set)
    loaded: list[str] = field(default_factory=list)  # by the browser, without being asked
    linked: list[str] = field(default_factory=list)  # followed by the reader
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.add(values["id"])
        if tag == "a" and "href" in values:
            self.linked.append(values["href"])
        elif tag == "link" and values.get("rel") not in ("canonical", "prev", "next"):
            self.loaded.append(values["href"])
        self.loaded += [
            values[name] for name in ("src", "srcset", "data", "poster") if values.get(name)
        ]
        self.loaded += re.findall(r"url\(([^)]+)\)", values.get("style", ""))

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> Page:
    page = Page()
    page.feed(html)
    return page


def pages_of(site: Path) -> dict[Path, Page]:
    # 404.html is for servers, who know where the site's root is.
    files = [path for path in sorted(site.rglob("*.html")) if path.name != "404.html"]
    return {path: parsed(path.read_text(encoding="utf-8")) for path in files}


def broken_links(pages: Mapping[Path, Page]) -> list[str]:
    """References within the site that lead nowhere."""
    broken = []
    for path, page in pages.items():
        for reference_ in page.linked + page.loaded:
            address, fragment = urldefrag(reference_)
            if re.match(r"[a-z]+:", address):
                continue
            target = (path.parent / unquote(address)).resolve() if address else path
            missing = not target.is_file()
            if not missing and fragment and target in pages:
                missing = unquote(fragment) not in pages[target].ids | {"__skip"}
            if missing:
                broken.append(f"{path.name}: {reference_}")
    return broken


def foreign(pages: Mapping[Path, Page]) -> list[str]:
    """What pages would load from elsewhere."""
    return [
        f"{path.name}: {address}"
        for path, page in pages.items()
        for address in page.loaded
        if re.match(r"\s*['\"]?([a-z]+:)?//", address)
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    built = mkdocs(ROOT / "mkdocs.yml", folder)
    assert built.returncode == 0, built.stdout
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return pages_of(site)


def test_every_page_is_built_and_reached(site: Path, pages: dict[Path, Page]) -> None:
    for name in PAGES:
        html = f"{Path(name).stem}.html"
        assert site / html in pages
        assert html == "index.html" or html in pages[site / "index.html"].linked
    assert not (site / "hooks").exists()


def test_internal_links_resolve(pages: dict[Path, Page]) -> None:
    assert sum(len(page.linked) for page in pages.values()) > 1000
    assert broken_links(pages) == []


def test_nothing_is_loaded_from_a_network(site: Path, pages: dict[Path, Page]) -> None:
    assert foreign(pages) == []
    for path in site.rglob("*.css"):
        styles = path.read_text(encoding="utf-8")
        assert not re.search(r"url\(\s*['\"]?(https?:)?//|@import", styles), path
    # Diagrams and a repository's counts are what the theme's script would fetch.
    for path in pages:
        html = path.read_text(encoding="utf-8")
        assert not re.search(r'class="mermaid|data-md-component="source"', html), path


@pytest.mark.parametrize(
    ("html", "check"),
    [
        ('<a href="missing.html">', broken_links),
        ('<a href="#nowhere">', broken_links),
        ('<img src="missing.png">', broken_links),
        ('<script src="https://example.org/x.js">', foreign),
        ('<link rel="stylesheet" href="//example.org/x.css">', foreign),
        ('<p style="background: url(http://example.org/x.png)">', foreign),
    ],
)
def test_a_defect_is_found(html: str, check: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<p id="here"><a href="#here">' + html, encoding="utf-8")
    assert len(check(pages_of(tmp_path))) == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[a file](../missing.yaml)", "missing.yaml"),
        ("[a page](missing.md)", "missing.md"),
        ("[a heading](#missing)", "missing"),
        ("<!-- generated: nonsense -->", "nonsense"),
    ],
)
def test_a_defect_stops_the_build(text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text(f"# Page\n\n{text}\n", encoding="utf-8")
    config = {
        "site_name": "defect",
        "theme": {"name": None, "custom_dir": str(tmp_path / "theme")},
        "hooks": [str(DOCS / "hooks/hooks.py")],
        "plugins": [],
        "validation": yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))[
            "validation"
        ],
    }
    (tmp_path / "theme").mkdir()
    (tmp_path / "theme/main.html").write_text("{{ page.content }}", encoding="utf-8")
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    built = mkdocs(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert built.returncode != 0
    assert complaint in built.stdout


# ------------------------------------------------------------------------------ config reference


def test_the_reference_lists_every_key(site: Path, pages: dict[Path, Page]) -> None:
    page = pages[site / "config.html"]
    assert set(KEYS) <= page.ids
    for key, value in yaml.safe_load(CONFIG).items():
        assert key in page.text
        if not isinstance(value, list | dict | bool | float) and value is not None:
            assert str(value) in page.text
    # Comments, their code and their angle brackets come through.
    text = " ".join(page.text.split())
    assert "results go to paper/<experiment>/" in text
    assert "mine: {init_variance: [0, -1, -1.5], learning_rate: [0.5, -1, -1]}" in text


def test_the_reference_shows_what_lies_over_config_yaml() -> None:
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    own = "steps: 7\nwidths: [1, 2]\ntheory: {seeds: 9}\n"
    markdown = reference(CONFIG, schema, {"config/own.yaml": own})
    assert markdown.count("in `config/own.yaml`") == 4
    seeds = markdown.partition("### `theory.seeds`")[2].partition("###")[0]
    assert "- in `config.yaml`: `3`\n- in `config/own.yaml`: `9`" in seeds
    assert "- in `config/own.yaml`: `7`" in markdown
    assert "- in `config/own.yaml`: `[1, 2]`" in markdown


def test_the_reference_wants_the_same_keys_in_config_and_schema() -> None:
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match="and its schema: extra"):
        reference(CONFIG + "# An extra key.\nextra: 1\n", schema, {})
    fewer = schema | {"properties": dict(list(schema["properties"].items())[1:])}
    with pytest.raises(ValueError, match=f"schema: {KEYS[0]}"):
        reference(CONFIG, fewer, {})


def test_config_yaml_is_taken_apart() -> None:
    found = documented(
        "# Head.\n#\n\n# ------ data\n# One.\n#   code\none: 1\n"
        "# ----- rest\n# Two\n# lines.\ntwo:\n  # Three.\n  three: 3\n"
    )
    assert found.preamble == ("Head.", "")
    assert [(entry.key, entry.section, entry.comment) for entry in found.entries] == [
        ("one", "data", ("One.", "  code")),
        ("two", "rest", ("Two", "lines.")),
        ("two.three", "rest", ("Three.",)),
    ]
    for bare in ("# ----- data\none: 1\n", "# One.\none: 1\n"):
        with pytest.raises(ValueError, match="one: no comment"):
            documented(bare)


# ------------------------------------------------------------------------------ what pages say


def blocks(name: str, *languages: str) -> list[str]:
    """The contents of a page's blocks of code in these languages."""
    text = (DOCS / name).read_text(encoding="utf-8")
    found = re.findall(r"^ *```(\w+)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    return [content for language, content in found if language in languages]


def commands(name: str) -> Iterator[list[str]]:
    """The words of each command that a page shows, in blocks and in the text."""
    text = (DOCS / name).read_text(encoding="utf-8")
    lines = [
        line
        for content in blocks(name, "sh")
        for line in content.replace("\\\n", " ").splitlines()
        if line.strip()
    ]
    lines += re.findall(r"(?<!`)`((?:make|snakemake) [^`]+)`", text)
    for line in lines:
        for command in line.split("&&"):
            yield shlex.split(command)


def rules() -> set[str]:
    files = [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return set(re.findall(r"^ *rule (\w+):", text, re.MULTILINE))


def make_targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def problem(words: list[str], files: set[str]) -> str | None:
    """What is wrong with a command, if anything; `files` are those that its page has one write."""
    match words:
        case ["make", *targets]:
            unknown = set(targets) - make_targets()
            return f"no such make target: {unknown}" if unknown else None
        case ["snakemake", *options]:
            return _snakemake_problem(options, files)
        case ["git", "clone", *_] | ["cd", "infwidth"] | [".", ".venv/bin/activate"]:
            return None
        case [".venv/bin/uv", "pip", "install", *_] | ["python", "-m", "infwidth.multiverse", *_]:
            return None
    return f"unknown command: {words}"


def _snakemake_problem(options: list[str], files: set[str]) -> str | None:
    option = ""
    for word in options:
        known = word in files
        match option:
            case _ if word.startswith("-"):
                option, known = word, True
            case "--configfile":
                known |= (ROOT / word).is_file()
            case "--profile" | "--workflow-profile":
                known |= (ROOT / word).is_dir()
            case "--config":
                known = word.partition("=")[0] in KEYS
            case "--" | "--set-resources":
                known |= word.partition(":")[0] in rules()
            case _:
                known = True
        if not known:
            return f"{option} {word}: no such thing"
    return None


# Files that pages have their reader write.
WRITTEN = {
    "extending.md": {"scheme.yaml"},
    "multiverse.md": {"world.yaml", "results/multiverse/worlds/17.npz"},
}


@pytest.mark.parametrize("name", PAGES)
def test_commands_can_be_run(name: str) -> None:
    found = list(commands(name))
    assert [problem(words, WRITTEN.get(name, set())) for words in found] == [None] * len(found)


def test_commands_are_found_and_judged() -> None:
    found = [words for name in PAGES for words in commands(name)]
    assert ["make", "quick"] in found
    assert len([words for words in found if words[0] == "snakemake"]) > 10
    for wrong in (
        "make quik",
        "snakemake --configfile config/digit.yaml",
        "snakemake --config widhts=3",
        "snakemake --cores all -- tabel1",
        "snakemake --profile profiles/slurn",
        "snakemake --workflow-profile profiles/slurn",
        "snakemake --set-resources tran:gpu=1",
        "snakemaker",
    ):
        assert problem(shlex.split(wrong), set()), wrong


def test_the_schemes_config_is_valid() -> None:
    (first, *_) = blocks("extending.md", "yaml")
    experiment = read_experiment(
        yaml.safe_load(CONFIG) | yaml.safe_load(first), SCHEMA, cuda_available=lambda: False
    )
    assert list(experiment.schemes) == ["µP", "halfway"]


def test_the_sample_program_does_what_is_said_of_it() -> None:
    (program,) = [content for content in blocks("faq.md", "python") if "assert" in content]
    names: dict[str, Any] = {}
    exec(program, names)
    assert abs(names["from_gram"]) > 1e-8
    np.testing.assert_allclose(names["from_features"], 1e-10, rtol=1e-6)


def test_table_1_is_the_committed_one(site: Path, pages: dict[Path, Page]) -> None:
    text = pages[site / "index.html"].text
    with (ROOT / "paper/cifar10/table1.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    for row in rows:
        assert f"claimed: {row['paper']}" in text
        assert row["measured"] in text


def test_every_make_target_is_listed(site: Path, pages: dict[Path, Page]) -> None:
    shown = re.findall(r"make ([a-z][a-z-]*)", pages[site / "index.html"].text)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE)) <= set(shown)


def test_equations_are_mathml(site: Path, pages: dict[Path, Page]) -> None:
    for path in pages:
        html = path.read_text(encoding="utf-8")
        assert "arithmatex" not in html, path
        assert "generated:" not in html, path
    definitions = (site / "definitions.html").read_text(encoding="utf-8")
    assert definitions.count('display="block"') > 8
    # What the converter does not know it leaves as it is.
    left = re.findall(r"<m[a-z]+[^>]*>\\[A-Za-z]+", definitions)
    assert left == []


# ------------------------------------------------------------------------------ files and columns


# A column for each hidden layer, of which as many as there are are not described one by one.
LAYER_OF = re.compile(r"^feature_change_\d+$")


def documented_columns() -> dict[str, set[str]]:
    """CSV file -> the columns that files.md describes."""
    text = (DOCS / "files.md").read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        body = re.split(r"^## ", body, flags=re.MULTILINE)[0]
        cells = re.findall(r"^\| (`.+?) \|", body, re.MULTILINE)
        columns = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
        columns = {name for name in columns if not LAYER_OF.search(name)}
        found |= {name: columns for name in heading.split(", ") if name.endswith(".csv")}
    return found


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_column_is_described(experiment: str) -> None:
    described = documented_columns()
    folder = ROOT / "paper" / experiment
    tables = [*folder.glob("*.csv"), *folder.glob("theory/*.csv")]
    names = [path.relative_to(folder).as_posix() for path in tables]
    # Which tables of the theory there are is the config's choice.
    assert {name for name in described if "/" not in name} <= set(names)
    for name, path in zip(names, tables, strict=True):
        with path.open(encoding="utf-8", newline="") as file:
            columns = set(next(csv.reader(file)))
        assert {column for column in columns if not LAYER_OF.search(column)} == described[name]


def test_every_column_of_many_worlds_is_described(tmp_path: Path) -> None:
    described = documented_columns()
    worlds.folder_of(tmp_path, 60)
    shares.write(tmp_path)
    factors.write(tmp_path)
    for table in (shares.TABLE, factors.TABLE, factors.MODELS):
        columns = set(pd.read_csv(tmp_path / table, nrows=0))
        assert columns == described[f"multiverse/{table}"]
    assert {"world", "status", "error"} <= described["multiverse/worlds.csv"]
    assert {"world", "reading"} <= described["multiverse/readings.csv"]


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_file_is_described(experiment: str) -> None:
    text = (DOCS / "files.md").read_text(encoding="utf-8")
    folder = ROOT / "paper" / experiment
    names = {path.name for path in folder.iterdir() if path.is_file() and path.suffix != ".csv"}
    names |= {f"figures/{path.stem}" for path in (folder / "figures").iterdir()}
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


# ------------------------------------------------------------------------------ generated tables


@pytest.fixture(scope="module")
def hooks() -> Iterator[Any]:
    """The module that makes what pages say of files."""
    sys.path.insert(0, str(DOCS / "hooks"))
    yield importlib.import_module("generated")
    sys.path.remove(str(DOCS / "hooks"))


def test_sizes_are_geometric_means_at_the_last_step(hooks: Any) -> None:
    metrics = pd.read_csv(ROOT / "paper/cifar10/metrics.csv")
    shown = [
        re.split(r" \| ", row.strip("| "))
        for row in hooks.sizes(ROOT, "cifar10", "3", "feature_change").splitlines()
    ]
    heads, _, *rows = shown
    assert heads == ["n", *dict.fromkeys(metrics["scheme"])]
    last = metrics[
        (metrics["step"] == metrics["step"].max())
        & (metrics["layer"] == 3)
        & (metrics["kind"] == "h")
    ]
    for width, *values in rows:
        for scheme, value in zip(heads[1:], values, strict=True):
            own = last[(last["scheme"] == scheme) & (last["width"] == int(width))]
            expected = np.exp(np.log(own["feature_change"]).mean())
            assert float(value) == pytest.approx(expected, rel=6e-3)


def test_exponents_are_those_of_the_scaling_table(hooks: Any) -> None:
    scaling = pd.read_csv(ROOT / "paper/cifar10/scaling.csv")
    rows = hooks.exponents(ROOT, "cifar10", "gram_min_eig", "1", "3").splitlines()[2:]
    chosen = scaling[
        (scaling["metric"] == "gram_min_eig")
        & (scaling["kind"] == "h")
        & scaling["layer"].isin([1, 3])
    ]
    assert len(rows) == len(chosen) == 8
    for row, (_, expected) in zip(rows, chosen.iterrows(), strict=True):
        scheme, layer, _, fitted, raw, _ = row.strip("| ").split(" | ")
        assert (scheme, int(layer)) == (expected["scheme"], expected["layer"])
        for shown, column in ((fitted.split()[0], "exponent"), (raw, "raw_exponent")):
            assert float(shown.replace("−", "-")) == pytest.approx(expected[column], abs=0.006)


def test_the_overview_counts_grades(hooks: Any) -> None:
    rows = [
        re.split(r" \| ", row.strip("| ")) for row in hooks.theory_overview(ROOT).splitlines()[2:]
    ]
    assert [re.findall(r"\(#(\w+)\)", row[0])[0] for row in rows] == list(NAMES)
    for place, experiment in enumerate(("cifar10", "wide"), start=3):
        findings = pd.read_csv(ROOT / f"paper/{experiment}/theory/findings.csv")
        for name, row in zip(NAMES, rows, strict=True):
            own = findings[findings["check"] == name]
            whose = own[(own["origin"] == "here") == (row[1] == "ours")]
            counted = {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", row[place])}
            assert counted == whose["verdict"].value_counts().to_dict(), (experiment, name)


def test_each_statement_of_the_theory_has_its_section() -> None:
    sections = re.split(r"^## ", (DOCS / "theory.md").read_text(encoding="utf-8"), flags=re.M)
    named = [found for text in sections if (found := re.match(r".+ \{ #(\w+) \}", text))]
    assert [found[1] for found in named] == ["overview", *NAMES]
    for found in named[1:]:
        for part in ("What the paper states.", "What is done.", "What could have failed."):
            assert f"*{part}*" in found.string, (found[1], part)
        assert re.search(r"\*(Where it stands|What remains undetermined)\.\*", found.string)


def test_pages_say_that_tables_are_put_in() -> None:
    for name in PAGES:
        text = (DOCS / name).read_text(encoding="utf-8")
        assert "<!-- generated" not in text or "`make docs`" in text.partition("\n## ")[0], name


def test_figures_are_shown_once_they_are_there(hooks: Any, tmp_path: Path) -> None:
    assert hooks.theory_figure(tmp_path, "rest") == ""
    folder = tmp_path / "paper/digits/theory/figures"
    folder.mkdir(parents=True)
    (folder / "rest.png").touch()
    assert "../paper/digits/theory/figures/rest.png" in hooks.theory_figure(tmp_path, "rest")
