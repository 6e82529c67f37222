import math
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from synthetic import Plan, write

from infwidth import numbers
from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.paper import tables
from infwidth.paper.tables import Agreement, Cell

NAN = math.nan
PLAN = Plan(widths=(64, 256, 1024, 4096), seeds=2, layers=2, steps=(0, 10))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("tables"), PLAN)


@pytest.fixture(scope="module")
def table(folder: Path) -> pd.DataFrame:
    return tables.read(folder / "table1.csv")


def rows_of(text: str) -> dict[str, list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| **")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0].strip("* "): row[1:] for row in cells}


def changed(table: pd.DataFrame, scheme: str, column: str, **values: object) -> pd.DataFrame:
    edited = table.copy()
    row = (edited["scheme"] == scheme) & (edited["column"] == column)
    assert row.sum() == 1
    for name, value in values.items():
        edited[name] = edited[name].where(~row, value)
    return edited


def test_markdown_has_a_row_a_scheme_with_the_numbers_of_the_csv(table: pd.DataFrame) -> None:
    edited = changed(
        table,
        "SP",
        "space_time",
        judging=2.251e-6,
        judging_low=2.1e-6,
        judging_high=2.43e-6,
        judging_exponent=-1.021,
        judging_exponent_low=-1.06,
        judging_exponent_high=-0.98,
        raw_exponent=-0.554,
    )
    rows = rows_of(tables.markdown(edited))
    assert list(rows) == ["SP", "NTP", "IP", "µP"]
    assert rows["SP"][2] == (
        "**decreases with width** ✓ agrees<br>2.25 [2.10, 2.43] × 10⁻⁶<br>"
        "∝ n<sup>−1.02</sup> [−1.06, −0.98], raw −0.55<br>*claimed: decreases with width*"
    )
    assert rows["SP"][3] == "0.149 [0.118, 0.189]"


NUMBERS = {
    "judging": 0.1228,
    "judging_low": 0.1209,
    "judging_high": 0.1247,
    "judging_exponent": 0.009,
    "judging_exponent_low": 0.0,
    "judging_exponent_high": 0.02,
    "raw_exponent": 0.5616,
    "retention": 0.3466,
    "retention_low": 0.3433,
    "retention_high": 0.35,
    "value": 0.0291,
    "value_low": 0.0286,
    "value_high": 0.0296,
}


def test_a_cell_of_diversity_prints_what_decides_it(table: pd.DataFrame) -> None:
    """The ratio and its power, the raw one beside it, retention, and the least eigenvalue."""
    edited = changed(table, "µP", "feature_diversity", **NUMBERS)
    assert rows_of(tables.markdown(edited))["µP"][1] == (
        "**rich** ✓ agrees<br>ratio 0.123 [0.121, 0.125]<br>"
        "∝ n<sup>0.01</sup> [0.00, 0.02], raw 0.56<br>retention 0.347 [0.343, 0.350]<br>"
        "λ<sub>min</sub>(K) / n: 0.0291 [0.0286, 0.0296]<br>*claimed: rich*"
    )
    assert (
        r"ratio $0.123\,[0.121, 0.125]$ \\ $\propto n^{0.01}\ [0.00, 0.02]$, raw $0.56$ \\ "
        r"retention $0.347\,[0.343, 0.350]$ \\ $\lambda_{\min}(K)/n$: $0.0291\,[0.0286, 0.0296]$"
    ) in tables.latex(edited)
    unknown = dict.fromkeys(("retention", "retention_low", "retention_high", "raw_exponent"), NAN)
    (cell,) = rows_of(tables.markdown(changed(edited, "µP", "feature_diversity", **unknown)))["µP"][
        1:2
    ]
    assert "retention" not in cell
    assert "raw" not in cell


def test_a_refused_power_stands_beside_the_local_one(table: pd.DataFrame) -> None:
    bent = {"law": "crossover", "local_exponent": 0.9, "local_low": 0.88, "local_high": 0.91}
    edited = changed(table, "IP", "feature_variation", **bent)
    assert "no single power: locally n<sup>0.90</sup> [0.88, 0.91]" in tables.markdown(edited)
    assert r"no single power: locally $n^{0.90}\ [0.88, 0.91]$" in tables.latex(edited)
    assert tables.markdown(table).count("locally") == 0


@pytest.mark.parametrize("render", [tables.markdown, tables.latex])
def test_a_disagreement_is_said_in_words(render, table: pd.DataFrame) -> None:  # type: ignore[no-untyped-def]
    assert "disagrees" not in render(table)
    edited = changed(table, "µP", "feature_diversity", agrees="disagrees", measured="collapsed")
    assert render(edited).count("disagrees") == 1
    assert tables.disagreements(table) == []
    (sentence,) = tables.disagreements(edited)
    assert sentence.startswith("µP, feature diversity: claimed is “rich”, measured is “collapsed”")


@pytest.mark.parametrize("render", [tables.markdown, tables.latex])
def test_a_cell_without_claim_or_numbers_stays_readable(render, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    plan = Plan(("mine_1", "IP"), widths=(64,), seeds=1, layers=1, steps=(0, 5), floor=1e9)
    text = render(tables.read(write(tmp_path, plan) / "table1.csv"))
    assert "nan" not in text
    assert "undetermined" in text
    own = next(line for line in text.splitlines() if "mine" in line)
    assert "agrees" not in own
    assert "claimed:" not in own


def test_the_table_of_layers_tells_layer_and_kind(folder: Path) -> None:
    text = tables.markdown(tables.read(folder / "table1_layers.csv"))
    lines = [line for line in text.splitlines() if line.startswith("| **")]
    assert len(lines) == 4 * PLAN.layers * 2
    assert lines[0].startswith("| **SP** | 1 | h |")


def test_agrees_is_true_false_or_empty(folder: Path, tmp_path: Path) -> None:
    broken = pd.read_csv(folder / "table1.csv")
    broken["agrees"] = "perhaps"
    broken.to_csv(tmp_path / "table1.csv", index=False)
    with pytest.raises(ValueError, match="perhaps"):
        tables.read(tmp_path / "table1.csv")


def test_latex_escapes_names_and_balances_braces(table: pd.DataFrame) -> None:
    text = tables.latex(table.replace({"scheme": {"SP": "my_scheme & 50%"}}))
    assert r"my\_scheme \& 50\%" in text
    assert "µ" not in text
    assert r"$\mu$P" in text
    assert text.count("{") == text.count("}")
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 13


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX on this machine")
def test_latex_compiles_with_booktabs_and_amssymb(table: pd.DataFrame, tmp_path: Path) -> None:
    document = (
        r"\documentclass{article}\usepackage{booktabs}\usepackage{amssymb}\begin{document}"
        + tables.latex(table)
        + r"\end{document}"
    )
    (tmp_path / "main.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.parametrize("agreement", ["agrees", "no claim"])
def test_reasons_stand_only_where_the_cell_disagrees(agreement: Agreement) -> None:
    cell = Cell(
        column="space_time",
        measured="rich",
        paper="rich",
        agreement=agreement,
        judging=Estimate(1.0, 0.9, 1.1),
        exponent=Estimate(0.0, NAN, NAN),
        raw_exponent=NAN,
        local=None,
        value=None,
        retention=NOT_MEASURED,
        reason="because",
    )
    assert "because" not in tables._markdown_cell(cell)


@pytest.mark.parametrize(
    ("value", "low", "high", "text", "tex"),
    [
        (634.2, 600.0, 671.0, "634 [600, 671]", r"634\,[600, 671]"),
        (1.5, 1.449, 1.6, "1.50 [1.45, 1.60]", r"1.50\,[1.45, 1.60]"),
        (9.999e-8, 9e-8, 1.1e-7, "1.00 [0.90, 1.10] × 10⁻⁷", r"1.00\,[0.90, 1.10]\times 10^{-7}"),
        (NAN, NAN, 1.23e-14, "< 1.2 × 10⁻¹⁴", r"<\,1.2\times 10^{-14}"),
        (0.25, NAN, NAN, "0.250", "0.250"),
        (NAN, NAN, NAN, numbers.NOTHING, numbers.NOTHING),
        (2.5e7, 2e7, 3e7, "2.50 [2.00, 3.00] × 10⁷", r"2.50\,[2.00, 3.00]\times 10^{7}"),
    ],
)
def test_numbers_with_intervals(value: float, low: float, high: float, text: str, tex: str) -> None:
    assert numbers.with_interval(value, low, high) == text
    assert numbers.with_interval(value, low, high, tex=True) == tex


def test_exponents_have_two_decimals_and_no_negative_zero() -> None:
    assert numbers.exponent(-0.001, -0.02, 0.018) == ("0.00", "[−0.02, 0.02]")
    assert numbers.exponent(0.5, NAN, NAN) == ("0.50", "")
    assert numbers.plus_minus(0.0123, 0.0111, 0.0131) == "0.012 ± 0.001"
    assert numbers.plus_minus(0.5, NAN, NAN) == "0.50"
