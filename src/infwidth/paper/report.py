"""The report: Typst source and a paper folder in, PDF out."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typst

from infwidth.measures.losses import ENDS
from infwidth.measures.metrics import JUDGING, SHOWN
from infwidth.measures.reading import read_table
from infwidth.paper import practice
from infwidth.paper.trained import trained
from infwidth.theory.statements import DRAWN, STATEMENTS, caption, chosen


def write(folder: Path, source: Path) -> None:
    """Write report.pdf into a paper folder, from the other files there.

    Args:
        folder: the paper folder.
        source: the Typst document.

    Raises:
        typst.TypstError: as `compile_pdf`.
    """
    (folder / "report.pdf").write_bytes(compile_pdf(source, folder))


def compile_pdf(source: Path, folder: Path) -> bytes:
    """The PDF, the same bytes for the same files on every machine.

    Args:
        source: the Typst document.
        folder: the paper folder.

    Raises:
        FileNotFoundError: provenance.json is missing.
        typst.TypstError: a file or column is missing; the message has its place in the source.
    """
    return typeset(source, inputs_of(folder))


def typeset(source: Path, inputs: Mapping[str, str]) -> bytes:
    """The PDF of any document, with what it finds in `sys.inputs`.

    Raises:
        typst.TypstError: a file or column is missing; the message has its place in the source.
    """
    pdf = typst.compile(
        source.resolve(),
        root=Path("/"),
        font_paths=[_fonts()],
        ignore_system_fonts=True,
        sys_inputs=dict(inputs),
    )
    assert isinstance(pdf, bytes)
    return pdf


def inputs_of(folder: Path) -> dict[str, str]:
    """What the document finds in `sys.inputs`.

    Returns:
        `folder`, the paper folder; `metrics`, as JSON: what the columns of Table 1 show;
        `statements`, as JSON: name of a statement of the theory -> its title and, where it has a
        figure, its caption; `training` and `practice`, as JSON: how the run was trained, and, where
        that is on more than the probes, what a practitioner reads off it.
    """
    config = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["config"]
    statements = {
        name: {"title": STATEMENTS[name].title}
        | ({"caption": caption(name)} if name in DRAWN else {})
        for name in chosen(config)
    }
    how = trained(config)
    return {
        "folder": str(folder.resolve()),
        "metrics": json.dumps(_metrics()),
        "statements": json.dumps(statements),
        "training": json.dumps(asdict(how)),
        "practice": json.dumps(_practice(folder) if how.apart else None),
    }


def _practice(folder: Path) -> dict[str, Any]:
    runs, steps = (read_table(folder / f"{name}.csv") for name in ("runs", "table1_steps"))
    return {
        "heads": list(ENDS.values()),
        "rows": [[row.scheme, *row.cells.values()] for row in practice.rows(runs)],
        "sentences": practice.sentences(runs, steps),
    }


def _metrics() -> list[dict[str, str | bool]]:
    return [
        {
            "column": column,
            "name": metric.name,
            "title": metric.title,
            "noun": metric.noun,
            "symbol": metric.symbol.typst,
            "eigenvalue": metric.matrix is not None,
            "judging": JUDGING[column].noun,
            "judging_symbol": JUDGING[column].symbol.typst,
        }
        for column, metric in SHOWN.items()
    ]


def _fonts() -> Path:
    """Matplotlib's own copy of the STIX fonts, so that text and figures match.

    System fonts would make the PDF depend on the machine.
    """
    matplotlib = find_spec("matplotlib")
    assert matplotlib is not None
    assert matplotlib.origin is not None
    return Path(matplotlib.origin).parent / "mpl-data/fonts/ttf"
