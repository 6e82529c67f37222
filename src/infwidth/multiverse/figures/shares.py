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
from infwidth.files.tables import read_csv
from infwidth.multiverse.figures import rows
from infwidth.multiverse.outcomes import Cell, Outcomes

ALL = "all worlds"
# From dark, where no world agrees, to white, where all do; also in grey.
COLOURS = ListedColormap(sns.color_palette("rocket", 256)[40:] + [(1.0, 1.0, 1.0)])
# Under this share, letters are white.
DARK = 0.62


def draw(folder: Path) -> Figure:
    """The figure of a paper folder."""
    found = Outcomes.read(folder)
    groups = rows.grouped(found.cells)
    table = shares(folder, found)[[cell for own in groups.values() for cell in own]]
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 0.5 + rows.HEIGHT * len(table)))
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
        a row for all worlds and then one for each level, by (factor, level), a column for each
        cell; NaN where training moved in no world.
    """
    whole = read_csv(folder / "robustness.csv")
    whole = whole[whole["rule"] == found.names[0]].assign(factor="", level=ALL)
    by_level = read_csv(folder / "factors.csv", text=("scheme", "column", "factor", "level"))
    by_level["factor"] = by_level["factor"].map(rows.in_words)
    table = pd.concat([whole, by_level])
    table["cell"] = [Cell(*pair) for pair in zip(table["scheme"], table["column"], strict=True)]
    table = table[table["cell"].isin(found.cells)]
    places = table[["factor", "level"]].drop_duplicates().itertuples(index=False, name=None)
    wide = table.set_index(["factor", "level", "cell"])["share"].unstack("cell")
    return wide.loc[[*places]].astype(float)


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
                ax.text(column, place, text, ha="center", va="center_baseline",
                        fontsize=rows.LETTERS, color="white" if share < DARK else "0.1")  # fmt: skip


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
