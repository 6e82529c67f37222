"""What the checks of the theory come to, as Markdown."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from infwidth.files.tables import write_csv
from infwidth.numbers import number
from infwidth.paper.tables import plain
from infwidth.theory.judging import findings_table, read

MARKS = {
    "verified": "✓ verified",
    "depends": "depends",
    "undetermined": "undetermined",
    "refuted": "✗ **refuted**",
}
ORIGINS = {"paper": "the paper", "follows": "follows from it", "here": "here"}


def findings_markdown(findings: pd.DataFrame) -> str:
    """One row per statement: where it comes from, the verdict, the numbers that decided."""
    return (
        plain(
            pd.DataFrame(
                {
                    "Said by": findings["origin"].map(ORIGINS),
                    "Source": findings["source"].where(findings["source"] != "here", ""),
                    "Statement": findings["statement"],
                    "Verdict": findings["verdict"].map(MARKS)
                    + (": " + findings["depends_on"].fillna("")).where(
                        findings["verdict"] == "depends", ""
                    ),
                    "Numbers": findings["evidence"],
                }
            )
        )
        + "\n"
    )


def activations_markdown(table: pd.DataFrame) -> str:
    """One row per activation: its formula, the conditions of GOOD, why it is not."""
    shown = pd.DataFrame(
        {
            "Activation": table["activation"],
            "φ(x)": "`" + table["formula"] + "`",
            "φ″ exists": table["twice_differentiable"],
            "sup |φ′|": table["sup_derivative"].map(number),
            "sup |φ″|": table["sup_second_derivative"].map(number),
            "no constant sum": table["sums_independent"],
            "no constant product": table["product_nonconstant"],
            "GOOD": table["good"],
            "the paper": table["paper"].fillna(""),
        }
    )
    return plain(shown) + "\n"


def write(folder: Path, statements: Iterable[str]) -> None:
    """Write findings.csv and findings.md from the tables of statements in a theory folder."""
    found = findings_table(read(folder, statements))
    write_csv(found, folder / "findings.csv")
    (folder / "findings.md").write_text(findings_markdown(found), encoding="utf-8")
