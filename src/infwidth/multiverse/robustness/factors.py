"""Which choice flips which cell: shares level by level, and a small tree for each cell.

The shares need no model. A tree, which may ask of several factors one after the other, says how
much of a cell's outcome the factors tell together: its accuracy is that on worlds that it was not
fitted on, beside the accuracy of always saying the commoner outcome. A factor's importance is what
that accuracy loses when the factor's levels change places among those worlds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from math import nan
from pathlib import Path

import pandas as pd

from infwidth.files.tables import read_csv, write_csv
from infwidth.multiverse.outcomes import Cell, Outcomes
from infwidth.multiverse.robustness.contrasts import contrasts, ordered
from infwidth.multiverse.robustness.shares import Share, agreements, levels_of
from infwidth.multiverse.robustness.trees import Tree, tree
from infwidth.theory.activations.names import PAPER

TABLE = "factors.csv"
MODELS = "models.csv"
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
    """Write factors.csv and models.csv from the two tables of a paper folder."""
    outcomes = Outcomes.read(folder)
    models = trees(outcomes)
    made = {
        TABLE: pd.DataFrame(map(asdict, factors(outcomes, models))),
        MODELS: pd.DataFrame([model.row for model in models.values()]),
    }
    for name, table in made.items():
        write_csv(table, folder / name)


def read(folder: Path) -> list[Level]:
    """The rows of factors.csv."""
    text = [field.name for field in fields(Level) if field.type is str]
    found = read_csv(folder / TABLE, text=text).to_dict("records")
    return [Level(**{str(key): value for key, value in row.items()}) for row in found]


def read_models(folder: Path) -> list[Tree]:
    """The rows of models.csv."""
    found = read_csv(folder / MODELS, text=("scheme", "column", "asks", "words")).to_dict("records")
    return [Tree(**{str(key): value for key, value in row.items()}) for row in found]


def trees(outcomes: Outcomes) -> dict[Cell, Tree]:
    """The tree of every cell, and of several at once, by the first reading."""
    levels = levels_of(outcomes)
    found = agreements(outcomes, outcomes.names[0])
    return {cell: tree(cell, agrees, levels) for cell, _, agrees in found}


def factors(outcomes: Outcomes, models: Mapping[Cell, Tree]) -> list[Level]:
    """Every cell, and several at once, by the first reading, at every level of every factor.

    Args:
        outcomes: the worlds.
        models: as `trees` makes them.
    """
    levels = levels_of(outcomes)
    theorem = _theorem(levels)
    every = pd.concat([levels, theorem], axis=1)
    rows: list[Level] = []
    for cell, _, agrees in agreements(outcomes, outcomes.names[0]):
        found = contrasts(agrees, levels) + contrasts(agrees, theorem)
        p_values = {each.factor: each.p_value for each in found}
        for factor in every:
            name = str(factor)
            beside = (p_values.get(name, nan), models[cell].importance.get(name, nan))
            rows += [
                Level(*cell, name, level, *share, *beside)  # type: ignore[arg-type]
                for level, share in _shares(agrees, every[name])
            ]
    for reading in outcomes.names:
        rows += [
            Level(*cell, READING, reading, *Share.of(agrees))  # type: ignore[arg-type]
            for cell, _, agrees in agreements(outcomes, reading)
        ]
    return rows


def _theorem(levels: pd.DataFrame) -> pd.DataFrame:
    """Whether the theorem covers each world's activation; no column where that is no factor."""
    if ACTIVATION not in levels:
        return levels[[]]
    covered = levels[ACTIVATION].map(lambda name: INSIDE if PAPER.get(name) else OUTSIDE)
    return covered.to_frame(THEOREM)


def _shares(agrees: "pd.Series[float]", levels: "pd.Series[str]") -> Iterator[tuple[str, Share]]:
    own = levels.reindex(agrees.index)
    for level in ordered(own):
        yield level, Share.of(agrees[own == level])
