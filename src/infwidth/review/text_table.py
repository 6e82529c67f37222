"""A CSV file as text, and its rows in words."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class TextTable:
    """A CSV file as text.

    Attributes:
        columns: its header.
        rows: the cells of each line after it.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file.

        Raises:
            OSError: it cannot be read.
            ValueError: as `of`.
        """
        return cls.of(path.read_bytes())

    @classmethod
    def of(cls, content: bytes) -> Self:
        """The cells of a file's bytes.

        Raises:
            ValueError: they are no text in UTF-8, they are empty, or lines differ in length.
        """
        text = content.decode("utf-8")
        lines = [tuple(line) for line in csv.reader(text.splitlines(keepends=True)) if line]
        if not lines:
            raise ValueError("has no header")
        for number, line in enumerate(lines, 1):
            if len(line) != len(lines[0]):
                raise ValueError(f"row {number - 1} has {len(line)} cells, not {len(lines[0])}")
        return cls(lines[0], tuple(lines[1:]))

    def key_columns(self) -> tuple[str, ...]:
        """The columns that tell rows apart: as few of the first ones as do; none if none do."""
        for count in range(1, len(self.columns) + 1):
            keys = self.columns[:count]
            if self._apart(keys):
                break
        else:
            return ()
        for column in reversed(keys):
            fewer = tuple(key for key in keys if key != column)
            if fewer and self._apart(fewer):
                keys = fewer
        return keys

    def keys(self, columns: Sequence[str]) -> list[tuple[str, ...]]:
        """The cells of each row in these columns."""
        indices = [self.columns.index(column) for column in columns]
        return [tuple(row[index] for index in indices) for row in self.rows]

    def name(self, row: int, keys: Sequence[str] | None = None) -> str:
        """A row in words: its number, from 1 as a table's first, and the cells that tell it apart.

        Args:
            row: index of the row, from 0.
            keys: the columns that tell rows apart; `key_columns` if not given.
        """
        keys = (self.key_columns() if keys is None else keys) or self.columns[:6]
        cells = zip(keys, self.keys(keys)[row], strict=True)
        return f"row {row + 1} ({', '.join(f'{key} {cell}' for key, cell in cells)})"

    def _apart(self, columns: Sequence[str]) -> bool:
        return len(set(self.keys(columns))) == len(self.rows)
