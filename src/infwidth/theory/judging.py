"""All statements judged: from the tables of a theory folder to the findings."""

from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import pandas as pd

from infwidth.files.tables import read_csv
from infwidth.theory.statements import STATEMENTS, TABLES


def read(folder: Path) -> dict[str, pd.DataFrame]:
    """Every table in a theory folder that a statement is judged by, by name."""
    return {name: read_csv(folder / f"{name}.csv") for name in TABLES}


def findings_table(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per finding: check, source, statement, verdict, evidence.

    Args:
        tables: as from `read`.
    """
    return pd.DataFrame(
        [
            {"check": name, **asdict(finding)}
            for name, statement in STATEMENTS.items()
            for finding in import_module(f"infwidth.theory.{name}.judge").findings(
                *(tables[table] for table in statement.tables)
            )
        ]
    )
