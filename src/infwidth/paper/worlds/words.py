"""Table 1 in many worlds, its numbers written out, for the page and the report."""

from collections.abc import Mapping
from dataclasses import dataclass

from infwidth.measures.claims import claim_on
from infwidth.measures.metrics import SHOWN
from infwidth.multiverse.robustness.shares import Row
from infwidth.multiverse.robustness.summary import Summary, agreeing, depends, left_out

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
        factor: that it depends on, as the tables call it; empty where it does not.
        depends: what follows the verdict: on what, and the shares at its best and worst level.
        beside: which worlds were left out; empty if none.
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
    return CellInWords(
        name=row.cell.name,
        title=SHOWN[row.column].title,
        verdict=row.verdict,
        share=agreeing(row),
        factor=row.depends_on,
        depends=depends(row),
        beside=left_out(row),
        claim=claim.words if claim else "",
    )
