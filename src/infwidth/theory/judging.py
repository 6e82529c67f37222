"""All statements judged: from the tables of a theory folder to the findings."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import pandas as pd

from infwidth.files.tables import read_csv
from infwidth.theory.statements import STATEMENTS, tables


def read(folder: Path, statements: Iterable[str]) -> dict[str, pd.DataFrame]:
    """The tables in a theory folder that statements are judged by, by name."""
    return {name: read_csv(folder / f"{name}.csv") for name in tables(statements)}


def findings_table(found: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per finding: check, and the attributes of `Finding`.

    Args:
        found: as from `read`; what it has the tables of is judged.
    """
    return pd.DataFrame(
        [
            {"check": name, **asdict(finding)}
            for name, statement in STATEMENTS.items()
            if found.keys() >= set(statement.judged_by)
            for finding in import_module(f"infwidth.theory.{name}.judge").findings(
                *(found[table] for table in statement.judged_by)
            )
        ]
    )
