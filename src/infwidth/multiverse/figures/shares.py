"""In how many worlds each cell agrees, level by level: a heat map with its numbers."""

from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from infwidth import numbers
from infwidth.drawing import style
from infwidth.drawing.style import GREY
from infwidth.multiverse.figures import rows
from infwidth.multiverse.outcomes import Cell, Outcomes, in_words
from infwidth.multiverse.robustness import factors
from infwidth.multiverse.robustness.factors import Level
from infwidth.multiverse.robustness.shares import Row, read

ALL = "all worlds"
# From dark, where no world agrees, to white, where all do; also in grey.
COLOURS = ListedColormap([*sns.color_palette("rocket", 256).as_hex()[40:], "white"])
# Under this share, letters are white.
DARK = 0.62


def draw(folder: Path) -> Figure:
    """The figure of a paper folder."""
    found = Outcomes.read(folder)
    groups = rows.grouped(found.cells)
    table = shares(folder, found)[[cell for own in groups.values() for cell in own]]
    with style.applied():
        height = rows.height(len(table), beside=0.5) * len(table)
        figure = Figure(figsize=(style.TEXT_WIDTH, 0.5 + height))
        ax = figure.subplots()
        ax.imshow(table, cmap=COLOURS, vmin=0, vmax=1, aspect="auto", interpolation="none")
        _numbers(ax, table)
        rows.label(ax, _labels(table))
        _columns(ax, groups)
    return figure


def shares(folder: Path, found: Outcomes) -> pd.DataFrame:
    """Share of the worlds in which training moved.

    Args:
        folder: the paper folder, with robustness.csv and factors.csv.
        found: its outcomes.

    Returns:
        a row for all worlds and then one for each level, by (factor, level); a column for each
        cell; NaN where training moved in no world.
    """
    told: list[tuple[tuple[str, str], Row | Level]] = [
        *((("", ALL), row) for row in read(folder) if row.rule == found.names[0]),
        *(((in_words(row.factor), row.level), row) for row in factors.read(folder)),
    ]
    table = pd.DataFrame(
        [(place, Cell(row.scheme, row.column), row.share) for place, row in told],
        columns=["place", "cell", "share"],
    )
    wide = table.set_index(["place", "cell"])["share"].unstack("cell")
    return wide.loc[[*dict.fromkeys(table["place"])], [*found.cells]]


def _labels(table: pd.DataFrame) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for factor, level in table.index:
        found.setdefault(factor, []).append(level)
    return found


def _numbers(ax: Axes, table: pd.DataFrame) -> None:
    for place, values in enumerate(table.to_numpy()):
        for column, share in enumerate(values):
            if share == share:
                text = numbers.percent(float(share)).removesuffix(" %")
                ink = "white" if share < DARK else "0.1"
                ax.text(column, place, text, ha="center", va="center_baseline",
                        fontsize=rows.LETTERS, color=ink)  # fmt: skip


def _columns(ax: Axes, groups: dict[str, list[Cell]]) -> None:
    """Above, the columns of Table 1 under their schemes."""
    titles = [rows.title(cell) for own in groups.values() for cell in own]
    ax.xaxis.tick_top()
    ax.set_xticks(range(len(titles)), titles, fontsize=rows.LETTERS)
    ax.tick_params(axis="x", length=0)
    first = 0
    for scheme, own in groups.items():
        if first:
            ax.axvline(first - 0.5, color=GREY, lw=0.5)
        ax.annotate(
            scheme, (first + (len(own) - 1) / 2, 1), (0, 13), ("data", "axes fraction"),
            "offset points", ha="center", annotation_clip=False,
        )  # fmt: skip
        first += len(own)
    ax.annotate(
        "% of worlds", (0, 1), (-rows.MARGIN, 13), "axes fraction", "offset points",
        annotation_clip=False,
    )  # fmt: skip
