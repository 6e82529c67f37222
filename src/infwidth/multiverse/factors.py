"""Which choice flips which cell: shares level by level, and a small tree for each cell.

The shares need no model. A tree, which may ask of several factors one after the other, says how
much of a cell's outcome the factors tell together: its accuracy is that on worlds that it was not
fitted on, beside the accuracy of always saying the commoner outcome. A factor's importance is what
that accuracy loses when the factor's levels change places among those worlds.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from math import nan
from pathlib import Path

import pandas as pd

from infwidth.files.tables import read_csv, write_csv
from infwidth.multiverse.outcomes import Outcomes
from infwidth.multiverse.shares import Contrast, Share, agreements, contrasts, levels_of, ordered
from infwidth.theory.activations.names import PAPER

TABLE = "factors.csv"
# Factors that no world was made by: the choice of the analysis, and what the theorem covers.
READING = "reading"
THEOREM = "theorem"
ACTIVATION = "activation"
INSIDE, OUTSIDE = "inside", "outside"


@dataclass(frozen=True)
class Level:
    """A row of factors.csv: a cell at a level of a factor.

    Attributes:
        p_value: the factor's, of no difference between its levels; of `reading`, whose levels are
            of the same worlds, there is none.
        importance: the factor's; NaN where the cell has no tree, and of `reading` and `theorem`.
    """

    scheme: str
    column: str
    factor: str
    level: str
    worlds: int
    agree: int
    share: float
    share_low: float
    share_high: float
    p_value: float = nan
    importance: float = nan


def write(folder: Path) -> None:
    """Write factors.csv from the two tables of a paper folder."""
    rows = factors(Outcomes.read(folder))
    names = [field.name for field in fields(Level)]
    write_csv(pd.DataFrame([asdict(row) for row in rows], columns=names), folder / TABLE)


def read(folder: Path) -> list[Level]:
    """The rows of factors.csv."""
    text = [field.name for field in fields(Level) if field.type is str]
    found = read_csv(folder / TABLE, text=text).to_dict("records")
    return [Level(**{str(key): value for key, value in row.items()}) for row in found]


def factors(outcomes: Outcomes) -> list[Level]:
    """Every cell, and several at once, by the first reading, at every level of every factor."""
    levels = levels_of(outcomes)
    theorem = _theorem(levels)
    rows: list[Level] = []
    for cell, _, agrees in agreements(outcomes, outcomes.names[0]):
        p_values = _p_values(contrasts(agrees, levels)) | _p_values(contrasts(agrees, theorem))
        for factor, of_factor in pd.concat([levels, theorem], axis=1).items():
            name = str(factor)
            rows += [
                Level(
                    cell.scheme, cell.column, name, level, *share, p_value=p_values.get(name, nan)
                )
                for level, share in _shares(agrees, of_factor)
            ]
    for reading in outcomes.names:
        rows += [
            Level(cell.scheme, cell.column, READING, reading, *Share.of(agrees))
            for cell, _, agrees in agreements(outcomes, reading)
        ]
    return rows


def _theorem(levels: pd.DataFrame) -> pd.DataFrame:
    """Whether the theorem covers each world's activation; no column where that is no factor."""
    if ACTIVATION not in levels:
        return levels[[]]
    covered = levels[ACTIVATION].map(lambda name: INSIDE if PAPER.get(name) else OUTSIDE)
    return covered.to_frame(THEOREM)


def _p_values(found: list[Contrast]) -> dict[str, float]:
    return {each.factor: each.p_value for each in found}


def _shares(agrees: "pd.Series[float]", levels: "pd.Series[str]") -> Iterator[tuple[str, Share]]:
    own = levels.reindex(agrees.index)
    for level in ordered(own):
        yield level, Share.of(agrees[own == level])
