"""The whole workflow on a tiny experiment: what it leaves behind, and that it does so again."""

import json
import re
from pathlib import Path

import pytest
from workflow_run import IMAGES_NAME, SCHEMES, TINY, WIDTHS, Checkout, lines_of, table

from infwidth.datasets.identity import inputs_sha256
from infwidth.datasets.npz import load_npz

COLUMNS = {
    "metrics.csv": "scheme,width,seed,step,layer,kind,feature_change,gram_min_eig,gram_mean_eig,"
    "gram_max_eig,spacetime_min_eig,spacetime_max_eig,resolution",
    "runs.csv": "scheme,width,seed,step,train_loss,train_accuracy,test_loss,test_accuracy,"
    "weight_change",
    "diverged.csv": "scheme,width,seed,step",
    "spectra.csv": "scheme,width,step,layer,kind,matrix,index,eigenvalue",
    "scaling.csv": "metric,scheme,layer,kind,exponent,ci_low,ci_high",
    "table1.csv": "scheme,column,measured,paper,agrees",
    "table1_layers.csv": "scheme,column,measured,paper,agrees",
    "table1_rules.csv": "scheme,column,rule,measured,exponent,ci_low,ci_high,agrees",
}
CELLS = ("feature_variation", "feature_diversity", "space_time")
FIGURES = ("width_sweep", "table1_steps", "evolution", "spectra", "losses", "layers")
STEPS = ["0", "1", "5"]
NUMBERS = (
    *("judging", "judging_low", "judging_high"),
    *("judging_exponent", "judging_exponent_low", "judging_exponent_high", "raw_exponent"),
    *("retention", "retention_low", "retention_high", "value", "value_low", "value_high"),
)
SUPERSCRIPT = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


@pytest.mark.parametrize("name", COLUMNS)
def test_columns(finished: Checkout, name: str) -> None:
    header = (finished.paper / name).read_text(encoding="utf-8").partition("\n")[0]
    assert f"{header},".startswith(f"{COLUMNS[name]},")


def values_of(path: Path, *columns: str) -> list[tuple[str, ...]]:
    return [tuple(row[column] for column in columns) for row in table(path)]


def test_every_seed_and_snapshot_is_measured(finished: Checkout) -> None:
    runs = {
        (scheme, str(width), str(seed), step)
        for scheme in SCHEMES
        for width in WIDTHS
        for seed in range(2)
        for step in STEPS
    }
    keys = ("scheme", "width", "seed", "step")
    assert sorted(values_of(finished.paper / "runs.csv", *keys)) == sorted(runs)
    places = [(*run, layer, kind) for run in runs for layer in "123" for kind in "hx"]
    metrics = values_of(finished.paper / "metrics.csv", *keys, "layer", "kind")
    assert sorted(metrics) == sorted(places)
    assert table(finished.paper / "diverged.csv") == []


def test_table1_has_its_twelve_cells(finished: Checkout) -> None:
    rows = table(finished.paper / "table1.csv")
    cells = [(row["scheme"], row["column"]) for row in rows]
    assert cells == [(scheme, column) for scheme in SCHEMES for column in CELLS]
    assert {(row["layer"], row["kind"]) for row in rows} == {("3", "h")}
    assert {row["agrees"] for row in rows} <= {"true", "false"}
    assert all(row["value"] and row["exponent"] for row in rows)
    assert len(table(finished.paper / "table1_layers.csv")) == 6 * len(rows)


def shown_numbers(cell: str) -> list[tuple[float, float]]:
    """Numbers in a cell of table1.md, each with half a unit of its last digit."""
    found = []
    for line in cell.translate(SUPERSCRIPT).split("<br>"):
        power = re.search(r" × 10(-?\d+)", line)
        scale = 10.0 ** int(power[1]) if power else 1.0
        for number in re.findall(r"-?\d+\.?\d*", line.replace(power[0] if power else "", "")):
            decimals = len(number.partition(".")[2])
            found.append((scale * float(number), 0.501 * scale * 10.0**-decimals))
    return found


def test_every_word_and_number_of_the_written_table_is_in_the_csv(finished: Checkout) -> None:
    text = (finished.paper / "table1.md").read_text(encoding="utf-8")
    written = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    rows = iter(table(finished.paper / "table1.csv"))
    assert [line[0] for line in written[2:]] == [f"**{scheme}**" for scheme in SCHEMES]
    for line in written[2:]:
        *cells, loss = line[1:]
        for cell in cells:
            row = next(rows)
            assert f"**{row['measured']}**" in cell
            assert f"*claimed: {row['paper']}*" in cell
            assert ("**disagrees**" in cell) == (row["agrees"] == "false")
            shown = shown_numbers(cell.replace(row["reason"], ""))
            measured = [float(row[name]) for name in NUMBERS if row[name]]
            for number, tolerance in shown:
                assert any(abs(number - value) <= tolerance for value in measured), (number, row)
            for value in measured:
                assert any(abs(number - value) <= tolerance for number, tolerance in shown), value
        (number, tolerance), *_ = shown_numbers(loss)
        assert abs(number - float(row["loss"])) <= tolerance
    assert next(rows, None) is None


def test_documents_and_figures(finished: Checkout) -> None:
    for figure in FIGURES:
        file = finished.paper / f"figures/{figure}"
        assert file.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
        assert file.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert r"\begin{tabular}" in (finished.paper / "table1.tex").read_text(encoding="utf-8")
    assert (finished.paper / "report.pdf").read_bytes().startswith(b"%PDF")
    notebook = json.loads((finished.paper / "analysis.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code
    assert all(cell["execution_count"] for cell in code)


def test_provenance(finished: Checkout) -> None:
    content = json.loads((finished.paper / "provenance.json").read_text(encoding="utf-8"))
    assert content["experiment"] == "tiny"
    assert content["config"]["widths"] == list(WIDTHS)
    assert list(content["config"]["schemes"]) == list(SCHEMES)
    assert {"torch", "numpy", "snakemake"} <= content["packages"].keys()
    for digest in ("config_sha256", "code"):
        assert re.fullmatch("[0-9a-f]{64}", content[digest])
    assert content["data"]["name"] == IMAGES_NAME
    images = load_npz(dataset_path=str(finished.root / "images.npz"))
    counts = {key: TINY[key] for key in ("pool", "samples", "test_samples")}
    assert content["data"]["sha256"] == inputs_sha256(images, **counts)
    jobs = {(job["rule"], job["job"]) for job in content["rules"]}
    trainings = [f"{scheme}_{width}" for scheme in SCHEMES for width in WIDTHS]
    assert {job for rule, job in jobs if rule == "train"} == set(trainings)
    assert {"prepare_dataset", "features", "spectra", "scaling", "verdicts", "figures"} <= {
        rule for rule, _ in jobs
    }


def test_training_reports_its_progress(finished: Checkout) -> None:
    output = (finished.root / "output.txt").read_text(encoding="utf-8")
    for scheme in SCHEMES:
        for width in WIDTHS:
            assert re.search(rf"{scheme} n={width}: step 5/5, loss [\d.e+-]+, .* left", output)


def test_one_core_and_no_other_schemes_give_the_same_bytes(
    finished: Checkout, tmp_path: Path
) -> None:
    alone = Checkout.fresh(tmp_path / "alone")
    targets = ["paper/tiny/table1.csv"]
    alone.make(*targets, config={"schemes": "[mup]"}, cores=1)
    for name in COLUMNS:
        assert lines_of(alone.paper / name, "µP") == lines_of(finished.paper / name, "µP"), name


def test_one_more_seed_keeps_the_numbers_of_the_others(finished: Checkout, copy: Checkout) -> None:
    changes = {"schemes": "[NTP]", "widths": [24], "seeds": 3}
    copy.make("paper/tiny/metrics.csv", config=changes)
    for name, rows in (("runs.csv", 3), ("metrics.csv", 3 * 6)):
        before = lines_of(finished.paper / name, "NTP", width=24)
        assert len(before) == 2 * rows
        assert lines_of(copy.paper / name, "NTP", seeds=2) == before
        assert len(lines_of(copy.paper / name, "NTP")) == 3 * rows
