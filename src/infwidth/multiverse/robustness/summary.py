"""Table 1 in many worlds as Markdown, and the sentence that a reader may quote.

All of it is told from robustness.csv and factors.csv.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infwidth.files.whole import written
from infwidth.measures.claims import claim_on
from infwidth.measures.metrics import SHOWN
from infwidth.multiverse.outcomes import Cell, in_words
from infwidth.multiverse.robustness import factors, shares
from infwidth.multiverse.robustness.factors import THEOREM, Level
from infwidth.multiverse.robustness.shares import (
    BUT_IP,
    EVERY,
    FEWEST_WORLDS,
    IP,
    REFUTED_TO,
    VERIFIED_FROM,
    Row,
)
from infwidth.numbers import NOTHING
from infwidth.theory.activations.names import PAPER

TABLE = "table1.md"
# Several cells at once, as they are called.
SEVERAL = {EVERY: "all cells", BUT_IP: "all but IP's"}
# Factors with a table of their own, where worlds differ in them.
SHOWN_FACTORS = {
    "hidden_layers": "By depth:",
    THEOREM: "By whether the theorem covers the activation "
    f"({', '.join(name for name, covered in PAPER.items() if covered)}):",
}
LEGEND = (
    "Each cell: the verdict; the share of worlds in which it comes out as claimed, of those in "
    "which training moved, with a 95 % Wilson interval; the claim. *Verified* is at least "
    f"{100 * VERIFIED_FROM:.0f} % of them, *refuted* at most {100 * REFUTED_TO:.0f} %; all "
    "else *depends*, and the factor is the one with the largest difference between its levels' "
    "shares that is beyond chance (chi-squared test, Holm's correction). Both bounds are ours. "
    "Undetermined worlds count as not agreeing; where they are so many that with them a cell could "
    "be verified or refuted, it is *not decided*, as with fewer than "
    f"{FEWEST_WORLDS} worlds if their interval reaches over a bound."
)


@dataclass(frozen=True)
class Summary:
    """What the worlds come to.

    Attributes:
        rows: of robustness.csv.
        levels: of factors.csv.
    """

    rows: list[Row]
    levels: list[Level]

    @classmethod
    def read(cls, folder: Path) -> "Summary":
        """From a paper folder.

        Raises:
            FileNotFoundError: one of the two files is missing.
        """
        return cls(shares.read(folder), factors.read(folder))

    @property
    def readings(self) -> tuple[str, ...]:
        """Their names, the headline first."""
        return tuple(dict.fromkeys(row.rule for row in self.rows))

    def by(self, reading: str) -> dict[Cell, Row]:
        """Every cell, and several at once, by a reading."""
        return {row.cell: row for row in self.rows if row.rule == reading}

    @cached_property
    def headline(self) -> dict[Cell, Row]:
        """By the first reading."""
        return self.by(self.readings[0])

    @property
    def cells(self) -> tuple[Row, ...]:
        """Those of Table 1 by the first reading."""
        return tuple(row for cell, row in self.headline.items() if cell not in SEVERAL)

    def at(self, factor: str) -> dict[str, dict[Cell, Level]]:
        """Level -> cell -> share; empty for what is no factor."""
        found: dict[str, dict[Cell, Level]] = {}
        for each in self.levels:
            if each.factor == factor:
                found.setdefault(each.level, {})[Cell(each.scheme, each.column)] = each
        return found


def write(folder: Path) -> None:
    """Write table1.md from robustness.csv and factors.csv of the same folder."""
    with written(folder / TABLE) as file:
        file.write(markdown(Summary.read(folder)).encode())


def quotable(summary: Summary) -> str:
    """How many worlds agree at once, and which cells are verified, depend, are refuted."""
    cells, every, but_ip = summary.cells, summary.headline[EVERY], summary.headline[BUT_IP]
    of = {
        word: [row for row in cells if row.verdict == word]
        for word in ("verified", "depends", "refuted", "not decided")
    }
    mixed = "; ".join(f"{named(row.cell)}{_on(row)}" for row in of["depends"])
    verdicts = [
        f"{_are(of['verified'])} verified (agreeing in at least {100 * VERIFIED_FROM:.0f} % of the "
        "worlds in which training moved)",
        f"{len(of['depends'])} {'depends' if len(of['depends']) == 1 else 'depend'} on a choice"
        + (f" ({mixed})" if mixed else ""),
        *(
            f"{_are(rows)} {word}" + (f" ({'; '.join(named(row.cell) for row in rows)})")
            for word in ("refuted", "not decided")
            if (rows := of[word])
        ),
    ]
    if not of["refuted"]:
        verdicts.append("none is refuted")
    return (
        f"Of {every.worlds} worlds in which training moved in every scheme, all {len(cells)} cells "
        f"agree in {interval(every)}; of {but_ip.worlds} in which it moved in all but IP, the "
        f"{sum(row.scheme != IP for row in cells)} that are not IP's agree in {interval(but_ip)}. "
        f"Of the {len(cells)} cells, {', '.join(verdicts[:-1])}, and {verdicts[-1]}."
    )


def markdown(summary: Summary) -> str:
    """table1.md."""
    mixed = [row.cell for row in summary.cells if row.verdict == "depends"]
    parts = ["# Table 1 in many worlds", _table1(summary), quotable(summary), LEGEND]
    parts += ["By how the same trainings are read, the table above by the first:"]
    parts += [_by_reading(summary)]
    for factor, title in SHOWN_FACTORS.items():
        if levels := summary.at(factor):
            parts += [title, _by_level(factor, levels, [*SEVERAL, *mixed])]
    return "\n\n".join(parts) + "\n"


def named(cell: Cell) -> str:
    """A cell, or several at once, in words.

    >>> named(Cell("IP", "space_time")), named(EVERY)
    ("IP's space-time joint non-degeneracy", 'all cells')
    """
    if cell in SEVERAL:
        return SEVERAL[cell]
    return f"{cell.scheme}'s {SHOWN[cell.column].title.lower()}"


def percent(share: float) -> str:
    """A share as readers see it.

    >>> percent(0.97314), percent(math.nan)
    ('97.3 %', '–')
    """
    return f"{100 * share:.1f} %" if math.isfinite(share) else NOTHING


def interval(row: Row | Level) -> str:
    """A share with its interval, in percent."""
    if not row.worlds:
        return NOTHING
    return f"{percent(row.share)} [{100 * row.share_low:.1f}, {100 * row.share_high:.1f}]"


def _are(rows: list[Row]) -> str:
    return f"{len(rows)} {'is' if len(rows) == 1 else 'are'}"


def _on(row: Row) -> str:
    """What a cell depends on; so few worlds may not tell."""
    if not row.depends_on:
        return ", on which is not resolved"
    return f" on {in_words(row.depends_on)}"


def _table1(summary: Summary) -> str:
    cells = {row.cell: row for row in summary.cells}
    schemes, columns = (list(dict.fromkeys(parts)) for parts in zip(*cells, strict=True))
    heads = ["Scheme", *(SHOWN[column].title for column in columns)]
    lines = [
        [f"**{scheme}**", *(_cell(cells.get(Cell(scheme, column))) for column in columns)]
        for scheme in schemes
    ]
    return _table(heads, lines)


def _cell(row: Row | None) -> str:
    """The verdict and what it depends on, the share, what was left out, the claim."""
    if row is None:
        return NOTHING
    claim = claim_on(*row.cell)
    lines = [
        f"**{row.verdict}**{depends(row)}",
        agreeing(row),
        *([told] if (told := left_out(row)) else []),
        *([f"*claimed: {claim.words}*"] if claim else []),
    ]
    return "<br>".join(lines)


def depends(row: Row) -> str:
    """On what a cell depends, and the shares at the ends; empty where it does not."""
    if row.verdict != "depends":
        return ""
    ends = ""
    if row.depends_on:
        ends = f": {percent(row.best_share)} at {row.best_level}, "
        ends += f"{percent(row.worst_share)} at {row.worst_level}"
    return f"{_on(row)}{ends}"


def agreeing(row: Row) -> str:
    """A share with its interval, and of how many worlds."""
    undetermined = f", {row.undetermined} undetermined" if row.undetermined else ""
    return f"{interval(row)} of {row.worlds}{undetermined}"


def left_out(row: Row) -> str:
    """The worlds that the share is not over; empty if there are none."""
    counts = {"not moving": row.not_moving, "diverged": row.diverged, "failed": row.failed}
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"left out: {told}" if told else ""


def _by_reading(summary: Summary) -> str:
    words = ("verified", "depends", "refuted", "not decided")
    lines = []
    for reading in summary.readings:
        rows = summary.by(reading)
        said: list[str] = [row.verdict for cell, row in rows.items() if cell not in SEVERAL]
        counts = (str(said.count(word)) for word in words)
        lines.append([reading, *counts, *(interval(rows[cell]) for cell in SEVERAL)])
    return _table(["reading", *words, *SEVERAL.values()], lines)


def _by_level(factor: str, levels: Mapping[str, Mapping[Cell, Level]], cells: list[Cell]) -> str:
    lines = [
        [level, *(f"{interval(at[cell])} of {at[cell].worlds}" for cell in cells)]
        for level, at in levels.items()
    ]
    return _table([in_words(factor), *map(named, cells)], lines)


def _table(heads: list[str], lines: Iterable[list[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
