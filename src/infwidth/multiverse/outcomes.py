"""What came out in each world: the words, and the two tables that hold them.

worlds.csv has a row for each world: its number, the level of every factor, `status`, `error`, then
of every cell of Table 1 its outcome by the first reading and the numbers behind it. readings.csv
has a row for each world and reading, with every cell's outcome alone. A cell's column is
`scheme:column`, with `:value` and so on behind it for its numbers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from infwidth.files.tables import read_csv
from infwidth.measures.claims import claim_on
from infwidth.measures.trends import RULES

NOT_MOVING = "not yet moving"
UNRESOLVED = "unresolved"
DIVERGED = "diverged"
FAILED = "failed"
# Where training did not move, or came to no end, there is nothing to agree or disagree with.
NO_OUTCOME = frozenset({NOT_MOVING, DIVERGED, FAILED})
# Of a cell in worlds.csv, beside its outcome: what its verdict was read from.
NUMBERS = ("value", "low", "high", "exponent", "exponent_low", "exponent_high")
# Of a scheme: the training loss at the largest width, and how many of its replicas diverged.
BESIDE = ("start", "end", "diverged")


class Cell(NamedTuple):
    """A cell of Table 1."""

    scheme: str
    column: str

    @property
    def name(self) -> str:
        """Of its outcome in both tables."""
        return f"{self.scheme}:{self.column}"


@dataclass(frozen=True)
class Outcomes:
    """The two tables.

    Attributes:
        worlds: worlds.csv; levels are text.
        readings: readings.csv.
    """

    worlds: pd.DataFrame
    readings: pd.DataFrame

    @classmethod
    def read(cls, folder: Path) -> "Outcomes":
        """From a paper folder.

        Raises:
            FileNotFoundError: one of the files is missing.
        """
        path = folder / "worlds.csv"
        columns = pd.read_csv(path, nrows=0).columns
        worlds = read_csv(path, text=(*_between(columns), "status", "error"))
        return cls(worlds, read_csv(folder / "readings.csv"))

    @property
    def factors(self) -> tuple[str, ...]:
        """What worlds differ in, in the order of the config."""
        return _between(self.worlds.columns)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of Table 1 of which something is claimed."""
        named = (Cell(*str(name).split(":")) for name in self.readings if ":" in str(name))
        return tuple(cell for cell in named if claim_on(*cell))

    @property
    def names(self) -> tuple[str, ...]:
        """The readings, the first being the one that worlds.csv tells."""
        return tuple(dict.fromkeys(self.readings["reading"]))

    def words(self, reading: str) -> pd.DataFrame:
        """The outcomes by a reading: a column for each cell, by its name, indexed by the world."""
        rows = self.readings[self.readings["reading"] == reading].set_index("world")
        return rows[[cell.name for cell in self.cells]]

    def agreement(self, reading: str) -> pd.DataFrame:
        """Like `words`: 1 where the claim holds, 0 where not, NaN where training did not move."""
        words = self.words(reading)
        found = {}
        for cell in self.cells:
            claim = claim_on(*cell)
            assert claim is not None
            agrees = words[cell.name].isin(claim.by_any_rule).astype(float)
            found[cell.name] = agrees.where(~words[cell.name].isin(NO_OUTCOME), np.nan)
        return pd.DataFrame(found, index=words.index)


def in_words(name: str) -> str:
    """A factor, or another name of the code.

    >>> in_words("hidden_layers")
    'hidden layers'
    """
    return name.replace("_", " ")


def _between(columns: Iterable[str]) -> tuple[str, ...]:
    """The columns of the factors."""
    columns = list(columns)
    return tuple(columns[columns.index("world") + 1 : columns.index("status")])


def cells_of(schemes: tuple[str, ...]) -> tuple[Cell, ...]:
    """Every cell of Table 1 with these schemes, claimed or not."""
    return tuple(Cell(scheme, column) for scheme in schemes for column in RULES)
