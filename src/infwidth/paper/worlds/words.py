"""Table 1 in many worlds, its numbers written out, for the page and the report."""

from collections.abc import Mapping
from dataclasses import dataclass

from infwidth.measures.claims import claim_on
from infwidth.measures.metrics import SHOWN
from infwidth.multiverse.shares import Row
from infwidth.multiverse.summary import Summary, factor_of, interval, left_out, percent

# Of the figures.
TITLES: Mapping[str, str] = {
    "specifications": "Every world, sorted",
    "shares": "Shares level by level",
}


@dataclass(frozen=True)
class CellInWords:
    """A cell of Table 1 in many worlds.

    Attributes:
        name: of its outcome in the tables.
        share: with its interval, of how many worlds.
        factor: that it depends on; empty where it does not.
        depends: on what, in words, and the shares at its best and worst level.
        beside: which worlds were left out, and how many are undetermined; empty if none.
        claim: as summarised.
    """

    name: str
    title: str
    verdict: str
    share: str
    factor: str
    depends: str
    beside: str
    claim: str


def columns(summary: Summary) -> list[str]:
    """The titles of the table's columns."""
    return [SHOWN[column].title for column in dict.fromkeys(row.column for row in summary.cells)]


def table(summary: Summary) -> dict[str, list[CellInWords]]:
    """Scheme -> its cells, by the first reading."""
    found: dict[str, list[CellInWords]] = {}
    for row in summary.cells:
        found.setdefault(row.scheme, []).append(_cell(row))
    return found


def _cell(row: Row) -> CellInWords:
    claim = claim_on(*row.cell)
    ends = ""
    if row.depends_on:
        ends = f": {percent(row.best_share)} at {row.best_level}, "
        ends += f"{percent(row.worst_share)} at {row.worst_level}"
    return CellInWords(
        row.cell.name,
        SHOWN[row.column].title,
        row.verdict,
        f"{interval(row)} of {row.worlds}",
        row.depends_on,
        f"on {factor_of(row)}{ends}" if row.verdict == "depends" else "",
        left_out(row),
        claim.words if claim else "",
    )
