"""The figures of all statements, from the tables of a theory folder."""

from collections.abc import Iterator, Mapping
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
        tables: as from `infwidth.theory.judging.read`.
    """
    for name in DRAWN:
        draw = import_module(f"infwidth.theory.{name}.draw").draw
        yield name, draw(*(tables[table] for table in STATEMENTS[name].tables))


def save_all(folder: Path, config_sha256: str) -> None:
    """Draw every figure of a theory folder, into its `figures`.

    Args:
        folder: the theory folder, with its CSV files.
        config_sha256: digest of the configuration, as from
            `infwidth.jobs.provenance.figures_digest`.
    """
    for name, figure in figures(read(folder)):
        save(figure, folder / "figures" / name, config_sha256=config_sha256)
