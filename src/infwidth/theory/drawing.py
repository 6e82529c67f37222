"""The figures of all statements, from the tables of a theory folder."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from infwidth.drawing.style import save
from infwidth.theory.judging import read
from infwidth.theory.statements import DRAWN, STATEMENTS


def figures(tables: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, Figure]]:
    """Each statement that has a figure, and the figure.

    Args:
        tables: as from `infwidth.theory.judging.read`; what it has the tables of is drawn.
    """
    for name in DRAWN:
        statement = STATEMENTS[name]
        if not tables.keys() >= set(statement.judged_by):
            continue
        draw = import_module(f"infwidth.theory.{name}.draw").draw
        yield name, draw(*(tables[table] for table in statement.judged_by))


def save_all(folder: Path, statements: Iterable[str], config_sha256: str) -> None:
    """Draw the figures of a theory folder, into its `figures`.

    Args:
        folder: the theory folder, with its CSV files.
        statements: those that are drawn, if they have a figure.
        config_sha256: digest of the configuration, as from
            `infwidth.jobs.provenance.figures_digest`.
    """
    for name, figure in figures(read(folder, statements)):
        save(figure, folder / "figures" / name, config_sha256=config_sha256)
