"""The report on many worlds: Typst source and a paper folder in, PDF out."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from infwidth.files.tables import read_csv
from infwidth.multiverse.figures.rows import title
from infwidth.multiverse.outcomes import Cell, Outcomes
from infwidth.multiverse.robustness import factors
from infwidth.multiverse.robustness.contrasts import ordered
from infwidth.multiverse.robustness.shares import levels_of
from infwidth.multiverse.robustness.summary import (
    LEGEND,
    SEVERAL,
    Summary,
    named,
    percent,
    quotable,
)
from infwidth.paper.report import typeset
from infwidth.paper.worlds import words


def write(folder: Path, source: Path) -> None:
    """Write report.pdf into a paper folder of worlds, from the other files there.

    Args:
        folder: the paper folder, with its tables and figures.
        source: the Typst document.

    Raises:
        FileNotFoundError: a table is missing.
        typst.TypstError: a figure is missing; the message has its place in the source.
    """
    (folder / "report.pdf").write_bytes(typeset(source, inputs_of(folder)))


def inputs_of(folder: Path) -> dict[str, str]:
    """What the document finds in `sys.inputs`: `folder`, and as JSON, `worlds`."""
    return {"folder": str(folder.resolve()), "worlds": json.dumps(told(folder))}


def told(folder: Path) -> dict[str, Any]:
    """All that the document says of a paper folder's tables."""
    found, summary = Outcomes.read(folder), Summary.read(folder)
    trees = read_csv(folder / factors.MODELS, text=("scheme", "column", "asks", "words"))
    asked = trees["asks"] != ""
    return {
        "count": len(found.worlds),
        "status": found.worlds["status"].value_counts().to_dict(),
        "sentence": quotable(summary),
        "legend": LEGEND.replace("*", ""),
        "columns": words.columns(summary),
        "table": {
            scheme: [asdict(cell) for cell in cells]
            for scheme, cells in words.table(summary).items()
        },
        "factors": [
            {"name": str(name).replace("_", " "), "levels": ordered(levels)}
            for name, levels in levels_of(found).items()
        ],
        "readings": list(summary.readings),
        "trees": list(_trees(trees[asked])),
        "certain": int((~asked).sum()),
    }


def _trees(trees: pd.DataFrame) -> Iterator[dict[str, str]]:
    for _, row in trees.iterrows():
        cell = Cell(row["scheme"], row["column"])
        low, high = 100 * row["accuracy_low"], 100 * row["accuracy_high"]
        yield {
            "cell": named(cell) if cell in SEVERAL else f"{cell.scheme}, {title(cell)}",
            "baseline": percent(row["baseline"]),
            "accuracy": f"{percent(row['accuracy'])} [{low:.1f}, {high:.1f}]",
            "asks": row["asks"].replace("_", " "),
        }
