"""The list of statements, in the order of the argument, and what is done with them all.

What is assumed comes first, then where training starts, what it does, where it ends.
"""

from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from infwidth.drawing.style import save
from infwidth.files.tables import read_csv
from infwidth.theory.statement import Statement

NAMES = (
    "inputs",
    "activations",
    "kernels",
    "independence",
    "linearised",
    "covariance",
    "decomposition",
    "rest",
    "limits",
)


def part_of(name: str, part: str) -> Any:
    """A module of a statement's folder."""
    return import_module(f"infwidth.theory.{name}.{part}")


def _statement(name: str) -> Statement:
    statement: Statement = import_module(f"infwidth.theory.{name}").STATEMENT
    return statement


STATEMENTS: Mapping[str, Statement] = {name: _statement(name) for name in NAMES}
# Those that have a figure.
DRAWN = tuple(name for name in NAMES if find_spec(f"infwidth.theory.{name}.draw"))
# The tables of all, in `theory/`.
TABLES = tuple(table for statement in STATEMENTS.values() for table in statement.tables)


def caption(name: str) -> str:
    """What a reader is told of a statement's figure, as Markdown."""
    path = Path(__file__).parent / name / "caption.md"
    return path.read_text(encoding="utf-8")


def findings_table(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per finding: check, source, statement, verdict, evidence.

    Args:
        tables: the theory's CSV files, by name.
    """
    return pd.DataFrame(
        [
            {"check": name, **asdict(finding)}
            for name, statement in STATEMENTS.items()
            for finding in part_of(name, "judge").findings(*_own(statement, tables))
        ]
    )


def read(folder: Path) -> dict[str, pd.DataFrame]:
    """Every table in a theory folder that a statement is judged by, by name."""
    return {name: read_csv(folder / f"{name}.csv") for name in TABLES}


def save_all(folder: Path, config_sha256: str) -> None:
    """Draw every figure of a theory folder, into its `figures`.

    Args:
        folder: the theory folder, with its CSV files.
        config_sha256: digest of the configuration, as from
            `infwidth.jobs.provenance.figures_digest`.
    """
    tables = read(folder)
    for name in DRAWN:
        save(figure(name, tables), folder / "figures" / name, config_sha256=config_sha256)


def figure(name: str, tables: Mapping[str, pd.DataFrame]) -> Figure:
    """The figure of a statement, from the theory's CSV files, by name."""
    drawn: Figure = part_of(name, "draw").draw(*_own(STATEMENTS[name], tables))
    return drawn


def _own(statement: Statement, tables: Mapping[str, pd.DataFrame]) -> list[pd.DataFrame]:
    return [tables[name] for name in statement.tables]
