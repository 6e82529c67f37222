"""CSV files in and out: UTF-8, empty for what was not measured, same bytes for same tables."""

import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from infwidth.files.whole import damaged, written

# Text even where every value looks like something else ("true", or nothing at all).
TEXT = ("scheme", "paper", "agrees", "reason", "law", "follows_from")


def write_csv(table: pd.DataFrame, path: Path | str) -> None:
    """Write a table; floats in the fewest digits that give them back exactly.

    Raises:
        infwidth.files.whole.FileError: it cannot be written.
    """
    with written(Path(path)) as file:
        table.to_csv(file, index=False, lineterminator="\n", encoding="utf-8")


def read_csv(path: Path | str, text: Iterable[str] = TEXT) -> pd.DataFrame:
    """Read what `write_csv` wrote; empty is NaN in numbers and "" in text.

    Args:
        path: its name.
        text: columns that are text whatever their values look like.

    Raises:
        infwidth.files.whole.FileError: it ends within a line.
    """
    with Path(path).open("rb") as file:
        file.seek(0, os.SEEK_END)
        if file.tell():
            file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            raise damaged(Path(path), "it ends within a line")
    # Only an empty cell is a missing one: a scheme may well be called "NA".
    table = pd.read_csv(path, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values=[""])
    text = [column for column in text if column in table]
    table[text] = table[text].fillna("")
    return table
