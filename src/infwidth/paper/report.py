"""The report: Typst source and a paper folder in, PDF out."""

import json
from importlib.util import find_spec
from pathlib import Path

import typst

from infwidth.theory.statements import DRAWN, STATEMENTS, caption


def compile_pdf(source: Path, folder: Path) -> bytes:
    """The PDF, the same bytes for the same files on every machine.

    Args:
        source: the Typst document, which gets the folder as `sys.inputs.folder`, and as
            `sys.inputs.statements` the titles and captions of the theory's statements.
        folder: the paper folder.

    Raises:
        typst.TypstError: a file or column is missing; the message has its place in the source.
    """
    pdf = typst.compile(
        source.resolve(),
        root=Path("/"),
        font_paths=[_fonts()],
        ignore_system_fonts=True,
        sys_inputs={"folder": str(folder.resolve()), "statements": json.dumps(_statements())},
    )
    assert isinstance(pdf, bytes)
    return pdf


def _statements() -> dict[str, dict[str, str]]:
    return {
        name: {"title": statement.title} | ({"caption": caption(name)} if name in DRAWN else {})
        for name, statement in STATEMENTS.items()
    }


def _fonts() -> Path:
    """Matplotlib's own copy of the STIX fonts, so that text and figures match.

    System fonts would make the PDF depend on the machine.
    """
    matplotlib = find_spec("matplotlib")
    assert matplotlib is not None
    assert matplotlib.origin is not None
    return Path(matplotlib.origin).parent / "mpl-data/fonts/ttf"
