"""The checks of the theory as a stage of the workflow, and what tells of the whole."""

import json
import re
import zipfile

import pytest
from bs4 import BeautifulSoup
from workflow_run import ROOT, SCHEMES, THEORY, Checkout, table

from infwidth.review import review
from infwidth.theory import statements

TABLES = {
    "separation", "violations", "activations", "kernels", "independence", "stress",
    "sharpness", "linearised", "covariance", "decomposition", "rest", "limits", "findings",
}  # fmt: skip
SHOWN = {"report_pdf", "page"}
JUDGED = {"notebook", *SHOWN}


@pytest.fixture(scope="module")
def checked(finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The finished checkout, with the checks made."""
    checkout = finished.copy(tmp_path_factory.mktemp("theory") / "checked")
    plan = checkout.plan(**THEORY)
    assert plan.trainings == set(), "the checks read the trainings that are there"
    assert {"theory_rest", "theory_findings", "notebook", "report_pdf"} <= plan.rules
    assert not {"spectra", "scaling", "verdicts", "figures"} & plan.rules
    checkout.make(config=THEORY)
    return checkout


def test_every_table_and_figure_is_made(checked: Checkout) -> None:
    folder = checked.paper / "theory"
    made = {path.stem for path in folder.glob("*.csv")}
    chosen = statements.chosen(THEORY)
    assert made == {*statements.tables(chosen), "findings"}
    assert made >= TABLES, "what others read keeps its name"
    figures = {path.stem for path in (folder / "figures").glob("*.png")}
    assert figures == {path.stem for path in (folder / "figures").glob("*.pdf")}
    assert figures == {*statements.DRAWN} & {*chosen} >= {"inputs", "kernels", "covariance", "rest"}
    assert {row["scheme"] for row in table(folder / "covariance.csv")} == set(SCHEMES)


def test_every_statement_has_its_verdict(checked: Checkout) -> None:
    rows = table(checked.paper / "theory/findings.csv")
    sources = {row["source"] for row in rows}
    assert {"Assumption 4.1", "Assumption 4.3", "Theorem 4.5", "Corollary 4.6"} <= sources
    assert {row["verdict"] for row in rows} <= {"verified", "depends", "undetermined", "refuted"}
    assert {row["origin"] for row in rows} == {"paper", "follows", "here"}
    assert all(row["statement"] and row["evidence"] for row in rows)
    markdown = (checked.paper / "theory/findings.md").read_text(encoding="utf-8")
    assert all(row["evidence"].replace("|", "\\|") in markdown for row in rows)


def test_statements_can_be_chosen(checked: Checkout) -> None:
    chosen = {"theory": THEORY["theory"] | {"statements": ["decomposition", "limits"]}}
    plan = checked.plan(**chosen)
    assert {rule for rule in plan.rules if rule.startswith("theory_")} <= {
        "theory_findings", "theory_figures"
    }, "nothing is measured again"  # fmt: skip
    assert "theory_findings" in plan.rules


def test_notebook_and_report_show_them_only_where_they_were_made(
    checked: Checkout, finished: Checkout
) -> None:
    for checkout, shown in ((checked, True), (finished, False)):
        notebook = (checkout.paper / "analysis.ipynb").read_text(encoding="utf-8")
        assert ("The theory itself" in notebook) == shown
    pages = [
        (checkout.paper / "report.pdf").read_bytes().count(b"/Type /Page\n")
        for checkout in (checked, finished)
    ]
    assert pages[0] >= pages[1]


def test_their_cost_is_told(checked: Checkout) -> None:
    provenance = json.loads((checked.paper / "provenance.json").read_text(encoding="utf-8"))
    jobs = [job for job in provenance["rules"] if job["rule"] == "theory_covariance_part"]
    assert {job["job"] for job in jobs} == set(SCHEMES)
    assert provenance["config"]["theory"] == THEORY["theory"] | {"statements": None}


def test_all_that_is_told_follows_from_the_measurements(checked: Checkout) -> None:
    outcomes = review(checked.paper)
    assert [outcome for outcome in outcomes if not outcome.passes] == []
    reviewed = {outcome.output for outcome in outcomes}
    assert {"theory/findings.csv", "theory/figures/rest.pdf", "report.pdf"} <= reviewed


@pytest.mark.parametrize(
    ("path", "old", "new", "rules"),
    [
        ("rest/__init__.py", 'title="', 'title="Again: ', {"notebook", *SHOWN}),
        ("rest/caption.md", "Corollary", "The corollary", SHOWN),
        ("activations/judge.py", "\n\n\n", "\n\nLARGEST = 7\n\n\n", {"theory_findings", *JUDGED}),
        ("rest/draw.py", "\n\n\n", "\n\nLARGEST = 7\n\n\n", {"theory_figures", *JUDGED}),
    ],
)
def test_what_is_worded_judged_or_drawn_anew_measures_nothing(
    checked: Checkout, path: str, old: str, new: str, rules: set[str]
) -> None:
    with checked.changed(f"src/infwidth/theory/{path}") as file:
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        assert checked.plan(**THEORY).rules == {*rules, "all"}


def test_snakemakes_own_report_shows_it_without_a_network(checked: Checkout) -> None:
    run = checked.snakemake("--report", "report.zip", config=THEORY)
    assert run.code == 0, run.output
    with zipfile.ZipFile(checked.root / "report.zip") as archive:
        names = archive.namelist()
        (page,) = (archive.read(name).decode() for name in names if name.endswith("report.html"))
    for figure in ("width_sweep", "rest"):
        assert any(name.endswith(f"/{figure}.png") for name in names)
    captions = [
        *(ROOT / "workflow/report").glob("*.rst"),
        *(
            ROOT / "src/infwidth/theory" / name / "caption.md"
            for name in statements.chosen(THEORY)
            if name in statements.DRAWN
        ),
    ]
    for caption in captions:
        first = re.split(r"[{`\n]", caption.read_text(encoding="utf-8"))[0].strip()
        assert json.dumps(first)[1:-1] in page, caption
    soup = BeautifulSoup(page, "html.parser")
    fetched = [
        tag.get("src") or tag.get("href") for tag in soup.find_all(["script", "link", "img"])
    ]
    assert [address for address in fetched if address and str(address).startswith("http")] == []
