import re
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs/hooks"))

from readings import readings
from robustness import multiverse

# The theorem's setting, and the practitioner's.
READ = ("wide", "cifar10-sgd", "cifar10-sgd-heldout")
REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def shown(name: str) -> str:
    """What stands between a pair of comments of this name."""
    found = re.search(rf"<!-- {name}: .*? -->\n(.*?)<!-- /{name} -->", README, re.DOTALL)
    assert found is not None, name
    return found.group(1).strip()


def committed(path: str) -> str:
    return (REPOSITORY / path).read_text(encoding="utf-8")


def test_the_table_is_the_committed_one() -> None:
    assert shown("table1") == committed("paper/wide/table1.md").strip()


def test_both_readings_are_those_of_the_committed_tables() -> None:
    assert shown("readings") == readings(REPOSITORY, *READ)


def test_the_worlds_are_the_committed_ones() -> None:
    made = multiverse(REPOSITORY)
    assert (shown("multiverse") if made else "") == made


def test_the_worlds_are_shown_without_their_title(tmp_path: Path) -> None:
    assert multiverse(tmp_path) == ""
    path = tmp_path / "paper/multiverse/table1.md"
    path.parent.mkdir(parents=True)
    path.write_text("# Title\n\n| a |\n| --- |\n\nSaid.\n", encoding="utf-8")
    assert multiverse(tmp_path) == "| a |\n| --- |\n\nSaid."


def test_the_speeds_are_the_committed_ones() -> None:
    """The first table of the benchmark's page."""
    page = committed("benchmarks/results/speed.md").splitlines()
    start = next(number for number, line in enumerate(page) if line.startswith("|"))
    end = next(number for number in range(start, len(page)) if not page[number].startswith("|"))
    assert shown("speed").splitlines() == page[start:end]


@pytest.mark.parametrize(
    ("experiment", "agreeing", "claim"),
    [
        ("wide", 12, "All twelve cells agree with what is claimed."),
        ("digits", 11, "eleven of its twelve cells agree; one, µP's space-time, is undetermined"),
    ],
)
def test_it_counts_the_agreeing_cells(experiment: str, agreeing: int, claim: str) -> None:
    table = committed(f"paper/{experiment}/table1.csv")
    assert claim in " ".join(README.split())
    assert (table.count(",true,"), table.count(",false,")) == (agreeing, 12 - agreeing)


def test_the_badges_count_what_is_committed() -> None:
    """Table 1's cells once, and of the theory the paper's own statements alone."""
    cells = committed("paper/wide/table1.csv")
    agreeing, differing = cells.count(",true,"), cells.count(",false,")
    assert f"Table_1-{agreeing}_of_{agreeing + differing}_cells_agree-" in README
    findings = pd.read_csv(REPOSITORY / "paper/cifar10/theory/findings.csv")
    own = findings.loc[findings["origin"] == "paper", "verdict"]
    verified = (own == "verified").sum()
    assert f"theory-{verified}_of_{len(own)}_statements_of_the_paper_verified-" in README


def test_it_counts_the_facts_and_the_layers_that_differ() -> None:
    words = {7: "seven", 8: "eight", 9: "nine"}
    facts = pd.read_csv(REPOSITORY / "paper/wide/table1_facts.csv", keep_default_na=False)
    independent = int((facts["follows_from"] == "").sum())
    assert f"[{words[independent]} of the twelve](" in README
    differing = [
        committed(f"paper/{name}/table1_layers.csv").count(",false,")
        for name in ("wide", "cifar10", "digits")
    ]
    assert f"[{differing[0]} of 72 cells](" in README
    assert f"[{differing[1]}](paper/cifar10/table1_layers.md)" in README
    assert f"[{differing[2]}](paper/digits/table1_layers.md)" in README


def test_every_linked_file_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    files = [link for link in links if not link.startswith("http")]
    assert files
    assert [link for link in files if not (REPOSITORY / link).exists()] == []


def test_every_make_target_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make ([a-z][a-z-]*)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
