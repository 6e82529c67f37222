"""How much of Table 1 survives: shares of worlds, a verdict on each cell, and what it hangs on.

A share is over the worlds in which training moved, with a 95 % Wilson interval. A cell is
*verified* where it agrees in at least `VERIFIED_FROM` of them, *refuted* in at most `REFUTED_TO`,
and else it *depends*: on the factor whose levels' shares are furthest apart, among those whose
shares differ beyond chance (chi-squared test, Holm's correction over the factors).
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from math import nan
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd
from scipy.stats import binomtest

from infwidth.files.tables import read_csv, write_csv
from infwidth.measures.trends import UNDETERMINED
from infwidth.multiverse.outcomes import DIVERGED, FAILED, NOT_MOVING, UNRESOLVED, Cell, Outcomes
from infwidth.multiverse.robustness.contrasts import contrasts, hangs_on

Verdict = Literal["verified", "depends", "refuted", "not decided"]
TABLE = "robustness.csv"
# Several cells at once. IP leaves a saddle: its cells are a matter of depth and time.
IP = "IP"
EVERY = Cell("all", "all")
BUT_IP = Cell(f"all but {IP}", "all")
# These are ours.
VERIFIED_FROM = 0.95
REFUTED_TO = 0.05
# Where all of so few worlds agree, chance alone leaves a smaller share possible (rule of three).
FEWEST_WORLDS = 60


class Share(NamedTuple):
    """In how many worlds something agrees, of those in which training moved."""

    worlds: int
    agree: int
    share: float
    share_low: float
    share_high: float

    @classmethod
    def of(cls, agrees: "pd.Series[float]") -> "Share":
        """Of worlds that are 1, 0, or NaN where training did not move."""
        worlds, agree = int(agrees.count()), int(agrees.sum())
        if not worlds:
            return cls(0, 0, nan, nan, nan)
        low, high = binomtest(agree, worlds).proportion_ci(method="wilson")
        return cls(worlds, agree, agree / worlds, float(low), float(high))


@dataclass(frozen=True)
class Row:
    """A row of robustness.csv: a cell, or several at once, by one reading.

    Attributes:
        rule: the reading's name.
        undetermined: of `worlds`, those in which no word could be given.
        depends_on: a factor; empty unless the verdict is "depends", and where none differs beyond
            chance. So are the next four.
    """

    scheme: str
    column: str
    worlds: int
    agree: int
    share: float
    share_low: float
    share_high: float
    rule: str
    not_moving: int
    diverged: int
    failed: int
    undetermined: int
    verdict: Verdict
    depends_on: str = ""
    best_level: str = ""
    best_share: float = nan
    worst_level: str = ""
    worst_share: float = nan

    @property
    def cell(self) -> Cell:
        """Whose row it is."""
        return Cell(self.scheme, self.column)


def write(folder: Path) -> None:
    """Write robustness.csv from the two tables of a paper folder."""
    rows = robustness(Outcomes.read(folder))
    names = [field.name for field in fields(Row)]
    write_csv(pd.DataFrame([asdict(row) for row in rows], columns=names), folder / TABLE)


def read(folder: Path) -> list[Row]:
    """The rows of robustness.csv."""
    text = [field.name for field in fields(Row) if field.type not in (int, float)]
    found = read_csv(folder / TABLE, text=text).to_dict("records")
    return [Row(**{str(key): value for key, value in row.items()}) for row in found]


def robustness(outcomes: Outcomes) -> list[Row]:
    """Every reading of every cell, and of several at once."""
    levels = levels_of(outcomes)
    return [
        _row(cell, reading, outcomes.words(reading)[names], agrees, levels)
        for reading in outcomes.names
        for cell, names, agrees in agreements(outcomes, reading)
    ]


def levels_of(outcomes: Outcomes) -> pd.DataFrame:
    """The levels of the worlds, a column for each factor, indexed by the world."""
    return outcomes.worlds.set_index("world")[list(outcomes.factors)]


def agreements(
    outcomes: Outcomes, reading: str
) -> Iterable[tuple[Cell, list[str], "pd.Series[float]"]]:
    """Cells, and several at once: the columns that make them up, and worlds as 1, 0 or NaN."""
    found = outcomes.agreement(reading)
    for cell in outcomes.cells:
        yield cell, [cell.name], found[cell.name]
    for several in (EVERY, BUT_IP):
        own = [cell.name for cell in outcomes.cells if several == EVERY or cell.scheme != IP]
        yield several, own, found[own].min(axis=1, skipna=False)


def verdict(share: Share, undetermined: int = 0) -> Verdict:
    """The word for a share.

    Nothing is decided by fewer than `FEWEST_WORLDS` unless their interval lies between the bounds,
    nor where no word could be given in so many worlds that with them it might be verified or
    refuted.

    >>> verdict(Share(100, 95, 0.95, 0.89, 0.98)), verdict(Share(100, 94, 0.94, 0.88, 0.97))
    ('verified', 'depends')
    >>> verdict(Share(100, 5, 0.05, 0.02, 0.11)), verdict(Share(100, 5, 0.05, 0.02, 0.11), 1)
    ('refuted', 'not decided')
    >>> verdict(Share(9, 9, 1.0, 0.70, 1.0)), verdict(Share(20, 10, 0.5, 0.30, 0.70))
    ('not decided', 'depends')
    """
    most = share.agree + undetermined
    if share.worlds < FEWEST_WORLDS:
        between = share.share_low > REFUTED_TO and share.share_high < VERIFIED_FROM
        return "depends" if between and most < VERIFIED_FROM * share.worlds else "not decided"
    if share.share >= VERIFIED_FROM:
        return "verified"
    if most >= VERIFIED_FROM * share.worlds:
        return "not decided"
    if most <= REFUTED_TO * share.worlds:
        return "refuted"
    return "not decided" if share.share <= REFUTED_TO else "depends"


def _row(
    cell: Cell,
    reading: str,
    words: pd.DataFrame,
    agrees: "pd.Series[float]",
    levels: pd.DataFrame,
) -> Row:
    share, beside = Share.of(agrees), _beside(words, agrees)
    word = verdict(share, beside[-1])
    hung = hangs_on(contrasts(agrees, levels)) if word == "depends" else None
    told = {} if hung is None else asdict(hung) | {"depends_on": hung.factor}
    kept: Mapping[str, object] = {
        key: value for key, value in told.items() if key not in ("factor", "p_value")
    }
    return Row(*cell, *share, reading, *beside, word, **kept)  # type: ignore[arg-type]


def _beside(words: pd.DataFrame, agrees: "pd.Series[float]") -> tuple[int, int, int, int]:
    """Worlds that do not move, diverged, failed, each counted once; those without a word."""
    failed, diverged, still = (
        (words == word).any(axis=1) for word in (FAILED, DIVERGED, NOT_MOVING)
    )
    unsaid = words.isin([UNDETERMINED, UNRESOLVED]).any(axis=1) & agrees.notna()
    kinds = (still & ~diverged & ~failed, diverged & ~failed, failed, unsaid)
    still_count, diverged_count, failed_count, unsaid_count = (int(kind.sum()) for kind in kinds)
    return still_count, diverged_count, failed_count, unsaid_count
