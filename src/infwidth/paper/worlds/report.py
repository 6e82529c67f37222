"""The report on many worlds: Typst source and a paper folder in, PDF out."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from infwidth.multiverse.figures.rows import title
from infwidth.multiverse.outcomes import Cell, Outcomes, in_words
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
from infwidth.multiverse.robustness.trees import Tree
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
    trees = factors.read_models(folder)
    asked = [tree for tree in trees if tree.asks]
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
            {"name": in_words(str(name)), "levels": ordered(levels)}
            for name, levels in levels_of(found).items()
        ],
        "readings": list(summary.readings),
        "trees": [_told(tree) for tree in asked],
        "certain": len(trees) - len(asked),
    }


def _told(tree: Tree) -> dict[str, str]:
    cell = Cell(tree.scheme, tree.column)
    low, high = 100 * tree.accuracy_low, 100 * tree.accuracy_high
    return {
        "cell": named(cell) if cell in SEVERAL else f"{cell.scheme}, {title(cell)}",
        "baseline": percent(tree.baseline),
        "accuracy": f"{percent(tree.accuracy)} [{low:.1f}, {high:.1f}]",
        "asks": in_words(tree.asks),
    }
