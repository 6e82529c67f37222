"""What the checks of the theory come to, as Markdown."""

from pathlib import Path

import pandas as pd

from infwidth.files.tables import write_csv
from infwidth.numbers import number
from infwidth.paper.tables import plain
from infwidth.theory.judging import findings_table, read

MARKS = {"holds": "✓ holds", "fails": "✗ **fails**", "undetermined": "undetermined"}


def findings_markdown(findings: pd.DataFrame) -> str:
    """One row per statement: where it comes from, the verdict, the numbers that decided."""
    return (
        plain(
            pd.DataFrame(
                {
                    "Source": findings["source"],
                    "Statement": findings["statement"],
                    "Verdict": findings["verdict"].map(MARKS),
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


def write(folder: Path) -> None:
    """Write findings.csv and findings.md from the other tables of a theory folder."""
    found = findings_table(read(folder))
    write_csv(found, folder / "findings.csv")
    (folder / "findings.md").write_text(findings_markdown(found), encoding="utf-8")
