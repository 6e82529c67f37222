"""The report: Typst source and a paper folder in, PDF out."""

import json
from importlib.util import find_spec
from pathlib import Path

import typst

from infwidth.measures.metrics import SHOWN


def compile_pdf(source: Path, folder: Path) -> bytes:
    """The PDF, the same bytes for the same files on every machine.

    Args:
        source: the Typst document, which gets the folder as `sys.inputs.folder`, and what the
            columns of Table 1 show, as JSON, as `sys.inputs.metrics`.
        folder: the paper folder.

    Raises:
        typst.TypstError: a file or column is missing; the message has its place in the source.
    """
    pdf = typst.compile(
        source.resolve(),
        root=Path("/"),
        font_paths=[_fonts()],
        ignore_system_fonts=True,
        sys_inputs={"folder": str(folder.resolve()), "metrics": json.dumps(_metrics())},
    )
    assert isinstance(pdf, bytes)
    return pdf


def _metrics() -> list[dict[str, str | bool]]:
    return [
        {
            "column": column,
            "name": metric.name,
            "title": metric.title,
            "noun": metric.noun,
            "symbol": metric.symbol.typst,
            "eigenvalue": metric.matrix is not None,
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
