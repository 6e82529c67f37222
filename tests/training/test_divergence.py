"""Runs that diverge are told of and stop no others; a disagreement stops `verify` alone."""

import json
import re

import pytest
from workflow_run import Checkout, lines_of, table

# Rates that grow with the width: one diverges at once, the other where the network is wide.
OWN_SCHEMES = """
widths: [24, 32, 48]
schemes:
  SP: null
  wild: {init_variance: [0, -1, -1], learning_rate: [5, 5, 5]}
  edgy: {init_variance: [0, -1, -1], learning_rate: [0.2, 0.2, 0.2]}
"""


@pytest.fixture(scope="module")
def diverging(finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = finished.copy(tmp_path_factory.mktemp("diverging") / "copy")
    (checkout.root / "own.yaml").write_text(OWN_SCHEMES, encoding="utf-8")
    targets = ["table1", "figures", "paper/tiny/provenance.json"]
    run = checkout.snakemake(files=["tiny.yaml", "own.yaml"], targets=targets)
    assert run.code == 0, run.output
    assert "wild n=24: seed 0 diverged at step 1" in run.output
    return checkout


def test_diverged_runs_are_recorded(diverging: Checkout) -> None:
    rows = table(diverging.paper / "diverged.csv")
    wild = {(row["width"], row["seed"], row["step"]) for row in rows if row["scheme"] == "wild"}
    assert wild == {(width, seed, "1") for width in ("24", "32", "48") for seed in "01"}
    edgy = {(row["width"], row["seed"]) for row in rows if row["scheme"] == "edgy"}
    assert {("48", "0"), ("48", "1")} <= edgy
    assert not {("24", "0"), ("24", "1")} & edgy
    assert "SP" not in {row["scheme"] for row in rows}


def test_diverged_runs_are_not_measured_from_their_step_on(diverging: Checkout) -> None:
    end = {
        (row["scheme"], row["width"], row["seed"]): int(row["step"])
        for row in table(diverging.paper / "diverged.csv")
    }
    for name in ("runs.csv", "metrics.csv"):
        rows = table(diverging.paper / name)
        assert {"SP", "wild", "edgy"} == {row["scheme"] for row in rows}
        for row in rows:
            run = (row["scheme"], row["width"], row["seed"])
            assert int(row["step"]) < end.get(run, 6), (name, row)


def test_others_go_on(diverging: Checkout, finished: Checkout) -> None:
    for name in ("runs.csv", "metrics.csv"):
        before = [
            line for line in lines_of(finished.paper / name, "SP") if not line.startswith("SP,16,")
        ]
        assert lines_of(diverging.paper / name, "SP") == before
    edgy = [row for row in table(diverging.paper / "runs.csv") if row["scheme"] == "edgy"]
    assert {row["seed"] for row in edgy if (row["width"], row["step"]) == ("24", "5")} == {"0", "1"}


def test_diverged_runs_show_in_table1(diverging: Checkout) -> None:
    rows = table(diverging.paper / "table1.csv")
    text = (diverging.paper / "table1.md").read_text(encoding="utf-8")
    for scheme in ("wild", "edgy"):
        cells = [row for row in rows if row["scheme"] == scheme]
        assert [cell["column"] for cell in cells] == [
            "feature_variation",
            "feature_diversity",
            "space_time",
        ]
        assert {(cell["paper"], cell["agrees"]) for cell in cells} == {("", "")}
        assert all("diverged" in cell["reason"] for cell in cells)
        assert f"**{scheme}**" in text
    assert {row["measured"] for row in rows if row["scheme"] == "wild"} == {"undetermined"}
    assert "diverged" in text


def test_figures_are_drawn_beside_diverged_runs(diverging: Checkout, finished: Checkout) -> None:
    for figure in ("width_sweep", "evolution", "losses"):
        drawn = (diverging.paper / f"figures/{figure}.pdf").read_bytes()
        assert drawn != (finished.paper / f"figures/{figure}.pdf").read_bytes()


def test_provenance_tells_of_no_earlier_experiment(diverging: Checkout) -> None:
    content = json.loads((diverging.paper / "provenance.json").read_text(encoding="utf-8"))
    jobs = {job["job"] for job in content["rules"] if job["rule"] in ("train", "features")}
    assert jobs == {
        f"{scheme}_{width}" for scheme in ("SP", "wild", "edgy") for width in (24, 32, 48)
    }


def test_verify_follows_the_table(copy: Checkout) -> None:
    path = copy.paper / "table1.csv"
    agreeing = path.read_text(encoding="utf-8").replace(",false,", ",true,")
    path.write_text(agreeing, encoding="utf-8")
    assert "12 cells agree with the paper" in copy.make("verify")
    lines = agreeing.splitlines(keepends=True)
    lines[1] = lines[1].replace(",true,", ",false,")
    path.write_text("".join(lines), encoding="utf-8")
    run = copy.snakemake(targets=["verify"])
    assert run.code != 0
    assert re.search("SP, feature.variation: claimed is .small", run.output)
    assert run.output.count("claimed is") == 2  # on the terminal, and from the log


def test_verify_judges_by_the_thresholds_given(copy: Checkout) -> None:
    # Nothing is that small; what is measured stays what it was.
    run = copy.snakemake(config={"small_change": 1e-9}, targets=["verify"])
    assert run.code != 0
    for scheme in ("SP", "NTP"):
        assert re.search(f"{scheme}, feature.variation: claimed is .small", run.output)
    assert copy.plan(small_change=1e-9).trainings == set()
