"""Fingerprints of tables: enough to name an altered cell, without a second copy of the table.

One digest per column and one per row: a cell that changed is where they cross.
"""

import base64
import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

# Hex digits of a column's digest.
COLUMN_DIGITS = 8
# Base64 letters of a row's digest, 6 bits each. They only say where an alteration is, which SHA-256
# has found: one altered row in 2^18 is not named.
ROW_LETTERS = 3
# As many alterations, or differences, are named; the others are counted.
MOST_NAMED = 5


@dataclass(frozen=True)
class Cells:
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
            ValueError: it is no text in UTF-8, it is empty, or its lines differ in length.
        """
        with path.open(encoding="utf-8", newline="") as file:
            lines = [tuple(line) for line in csv.reader(file) if line]
        if not lines:
            raise ValueError("has no header")
        for number, line in enumerate(lines, 1):
            if len(line) != len(lines[0]):
                raise ValueError(f"row {number - 1} has {len(line)} cells, not {len(lines[0])}")
        return cls(lines[0], tuple(lines[1:]))

    def column(self, name: str) -> list[str]:
        """The cells of a column."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def key_columns(self) -> tuple[str, ...]:
        """The columns that tell rows apart: as few of the first ones as do; none if none do."""
        for count in range(1, len(self.columns) + 1):
            places = list(range(count))
            if self._apart(places):
                break
        else:
            return ()
        for place in reversed(range(count)):
            fewer = [other for other in places if other != place]
            if fewer and self._apart(fewer):
                places = fewer
        return tuple(self.columns[place] for place in places)

    def name(self, row: int, keys: Sequence[str] | None = None) -> str:
        """A row in words: its number, from 1 as a table's first, and the cells that tell it apart.

        Args:
            row: place of the row, from 0.
            keys: the columns that tell rows apart; `key_columns` if not given.
        """
        keys = self.key_columns() if keys is None else keys
        places = [self.columns.index(key) for key in keys or self.columns[:6]]
        cells = ", ".join(f"{self.columns[place]} {self.rows[row][place]}" for place in places)
        return f"row {row + 1} ({cells})"

    def _apart(self, places: Sequence[int]) -> bool:
        return len({tuple(row[place] for place in places) for row in self.rows}) == len(self.rows)


@dataclass(frozen=True)
class Fingerprint:
    """What is kept of a table.

    Attributes:
        sha256: of the file's bytes.
        columns: name -> `COLUMN_DIGITS` hex digits, in the header's order.
        rows: `ROW_LETTERS` letters for each row, one after the other.
    """

    sha256: str
    columns: Mapping[str, str]
    rows: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """That of a file.

        Raises:
            OSError, ValueError: as `Cells.read`.
        """
        return cls._of(hashlib.sha256(path.read_bytes()).hexdigest(), Cells.read(path))

    @classmethod
    def _of(cls, sha256: str, cells: Cells) -> Self:
        return cls(
            sha256=sha256,
            columns={
                name: _digest(column).hex()[:COLUMN_DIGITS]
                for name, column in zip(
                    cells.columns,
                    zip(*cells.rows, strict=True) if cells.rows else [()] * len(cells.columns),
                    strict=True,
                )
            },
            rows="".join(_letters(row) for row in cells.rows),
        )

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """What `to_json` gave.

        Raises:
            ValueError: it is something else.
        """
        try:
            found = cls(content["sha256"], dict(content["columns"]), content["rows"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("is no fingerprint of a table") from error
        texts = (found.sha256, found.rows, *found.columns.values())
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("is no fingerprint of a table")
        return found

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        return {"sha256": self.sha256, "columns": dict(self.columns), "rows": self.rows}

    def alterations(self, path: Path) -> list[str]:
        """What is not as when this was taken, a sentence each; empty where nothing is.

        Raises:
            OSError: the file cannot be read.
        """
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        if sha256 == self.sha256:
            return []
        try:
            cells = Cells.read(path)
        except ValueError as error:
            return [f"is no table any more: {error}"]
        now = self._of(sha256, cells)
        if list(now.columns) != list(self.columns):
            return [f"has columns {', '.join(now.columns)}; recorded: {', '.join(self.columns)}"]
        before, after = _split(self.rows), _split(now.rows)
        if len(before) != len(after):
            return [_resized(before, after, cells)]
        columns = [name for name, digest in now.columns.items() if digest != self.columns[name]]
        rows = [place for place, letters in enumerate(after) if letters != before[place]]
        return list(_altered(cells, columns, rows))


def _digest(cells: Sequence[str]) -> bytes:
    return hashlib.sha256(json.dumps(cells, ensure_ascii=False).encode()).digest()


def _letters(row: Sequence[str]) -> str:
    return base64.urlsafe_b64encode(_digest(row)).decode()[:ROW_LETTERS]


def _split(rows: str) -> list[str]:
    return [rows[start : start + ROW_LETTERS] for start in range(0, len(rows), ROW_LETTERS)]


def _altered(cells: Cells, columns: Sequence[str], rows: Sequence[int]) -> Iterator[str]:
    """A sentence for each altered row, up to `MOST_NAMED`."""
    if not columns:
        yield "other bytes than recorded, though no cell is seen to differ"
        return
    if not rows:
        yield f"altered in {', '.join(columns)}, in a row that the digests do not tell"
    # An altered cell does not say which row it stands in.
    keys = [key for key in cells.key_columns() if key not in columns]
    places = [cells.columns.index(column) for column in columns]
    # Which of several columns is altered in which of several rows is not recorded.
    among = "one or more of " if len(columns) > 1 and len(rows) > 1 else ""
    for row in rows[:MOST_NAMED]:
        held = ", ".join(f"{cells.columns[place]} {cells.rows[row][place]!r}" for place in places)
        yield f"{cells.name(row, keys)}: not what was recorded: {among}{held}"
    if len(rows) > MOST_NAMED:
        yield f"{len(rows)} altered rows in all"


def _resized(before: Sequence[str], after: Sequence[str], cells: Cells) -> str:
    """Where rows went or came."""
    count = f"{len(after)} rows, {len(before)} recorded"
    pairs = zip(before, after, strict=False)
    same = next((place for place, (old, new) in enumerate(pairs) if old != new), None)
    same = min(len(before), len(after)) if same is None else same
    if len(after) > len(before):
        return f"{count}; the first that is not as recorded is {cells.name(same)}"
    place = f"after {cells.name(same - 1)}" if same else "from the first row on"
    return f"{count}; the first that is gone or altered stood {place}"
