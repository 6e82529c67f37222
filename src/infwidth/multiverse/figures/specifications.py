"""The specification curve: every world a column, its outcomes above, its choices below."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from infwidth import numbers
from infwidth.drawing import panels, style
from infwidth.drawing.style import GREY
from infwidth.measures.misfit import CROSSOVER
from infwidth.measures.trends import UNDETERMINED
from infwidth.multiverse.figures import rows
from infwidth.multiverse.outcomes import NO_OUTCOME, UNRESOLVED, Outcomes, in_words
from infwidth.multiverse.robustness.contrasts import ordered
from infwidth.multiverse.robustness.shares import levels_of

# What a mark says -> its colour; the less it agrees, the darker.
MARKS: Mapping[str, str] = {
    "agrees with the claim": "#b7ddca",
    "undecided": "#c87a24",
    "says something else": "#8c1d04",
    "training did not move, or came to no end": "white",
}
AGREES, UNDECIDED, ELSE, NOTHING = range(len(MARKS))
UNDECIDED_WORDS = frozenset({UNDETERMINED, UNRESOLVED, CROSSOVER})
# Up to so many worlds, white lines tell neighbours apart.
FEW = 128
# Of a picture of marks: viewers of PDF files smooth what has fewer pixels.
PIXELS = (2400, 12)
# Inches: the count of cells; legend and axes.
BESIDE = (0.75, 0.65)


def draw(folder: Path) -> Figure:
    """The figure of a paper folder, by the reading that comes first."""
    found = Outcomes.read(folder)
    agreement = found.agreement(found.names[0])
    levels = levels_of(found)
    order, factors = sorted_worlds(levels, agreement)
    levels = levels.loc[order]
    groups = {factor: ordered(levels[factor]) for factor in factors}
    cells = rows.grouped(found.cells)
    counts = (len(found.cells), sum(map(len, groups.values())))
    row = rows.height(sum(counts), beside=sum(BESIDE))
    heights = (BESIDE[0], *(row * count for count in counts))
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, BESIDE[1] + sum(heights)))
        above, middle, below = figure.subplots(3, sharex=True, height_ratios=heights)
        _count(above, agreement.loc[order])
        shown = marks(found.words(found.names[0]).loc[order], agreement.loc[order])
        _picture(middle, shown.to_numpy().T, [*MARKS.values()])
        rows.label(
            middle, {name: [rows.title(cell) for cell in own] for name, own in cells.items()}
        )
        _shares(middle, agreement[[cell.name for own in cells.values() for cell in own]])
        _picture(below, chosen(levels, groups), ["white", "0.3"])
        rows.label(below, {in_words(name): own for name, own in groups.items()})
        below.set_xlabel(f"{len(order)} worlds, by how many cells agree, then by their choices")
        panels.legend_above(figure, _legend(shown))
    return figure


def sorted_worlds(levels: pd.DataFrame, agreement: pd.DataFrame) -> tuple[list[int], list[str]]:
    """Worlds by how many cells agree, most first, then by their choices.

    Args:
        levels: a row for each world, by its number; a column for each factor.
        agreement: as from `Outcomes.agreement`.

    Returns:
        numbers of worlds; factors, first the one by whose levels the count varies most, which is
        also the first by which worlds with the same count are sorted.
    """
    counts = agreement.sum(axis=1)
    spread = {name: counts.groupby(levels[name]).transform("mean").var() for name in levels}
    factors = sorted(map(str, levels), key=lambda name: -spread[name])
    keys = pd.DataFrame({"count": -counts})
    for name in factors:
        keys[name] = levels[name].map(ordered(levels[name]).index)
    return [int(world) for world in keys.sort_values([*keys], kind="stable").index], factors


def marks(words: pd.DataFrame, agreement: pd.DataFrame) -> pd.DataFrame:
    """Which of `MARKS` an outcome has, by its place there."""
    found = pd.DataFrame(ELSE, index=words.index, columns=words.columns)
    found = found.mask(words.isin(UNDECIDED_WORDS), UNDECIDED)
    return found.mask(agreement == 1, AGREES).mask(words.isin(NO_OUTCOME), NOTHING)


def chosen(levels: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> NDArray[np.int64]:
    """1 where a world (column) has a level (row), else 0."""
    return np.array(
        [levels[factor] == level for factor, own in groups.items() for level in own], dtype=np.int64
    )


def _picture(ax: Axes, values: NDArray[np.int64], colours: Sequence[str]) -> None:
    """A row of marks for each row of values, which are places in `colours`."""
    count, worlds = values.shape
    wide, high = -(-PIXELS[0] // worlds), PIXELS[1]
    ax.imshow(
        values.repeat(high, axis=0).repeat(wide, axis=1),
        cmap=ListedColormap(colours), vmin=0, vmax=len(colours) - 1, aspect="auto",
        interpolation="none", extent=(-0.5, worlds - 0.5, count - 0.5, -0.5),
    )  # fmt: skip
    if worlds <= FEW:
        ax.vlines(np.arange(1, worlds) - 0.5, 0, 1, "white", lw=0.5,
                  transform=ax.get_xaxis_transform())  # fmt: skip


def _count(ax: Axes, agreement: pd.DataFrame) -> None:
    """How many cells agree; where a step is wide enough, its number."""
    counts = agreement.sum(axis=1).to_numpy()
    most, worlds = agreement.shape[1], len(counts)
    ax.fill_between(np.arange(worlds + 1) - 0.5, [*counts, counts[-1]], step="post",
                    color="0.85", lw=0)  # fmt: skip
    ax.stairs(counts, np.arange(worlds + 1) - 0.5, color="black", lw=1, baseline=None)
    for count in sorted(set(counts)):
        places = np.flatnonzero(counts == count)
        if len(places) > 0.03 * worlds:
            text = f"{count:.0f}"
            ax.annotate(text, (places.mean(), count), (0, 1.5), textcoords="offset points",
                        ha="center", fontsize=rows.LETTERS)  # fmt: skip
    ax.set_ylim(0, 1.18 * most)
    ax.set_xlim(-0.5, worlds - 0.5)
    ax.set_yticks([0, most // 2, most])
    ax.set_ylabel("cells that agree")
    ax.grid(visible=False, axis="x")


def _shares(ax: Axes, agreement: pd.DataFrame) -> None:
    """Beside each row, the share of its cell, over the worlds in which training moved."""
    for place, name in enumerate(agreement):
        ax.annotate(
            numbers.percent(float(agreement[name].mean())), (1, place), (3, 0),
            ("axes fraction", "data"), "offset points", va="center", fontsize=rows.LETTERS,
        )  # fmt: skip


def _legend(shown: pd.DataFrame) -> list[Artist]:
    there = {int(value) for value in np.unique(shown)}
    return [
        Patch(facecolor=colour, edgecolor=GREY, lw=0.4, label=text)
        for place, (text, colour) in enumerate(MARKS.items())
        if place in there
    ]
