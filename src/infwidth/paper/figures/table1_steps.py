"""Table 1 at every step: a row a cell, a column a step, what came out as a symbol."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from infwidth.drawing import panels, style
from infwidth.measures.metrics import SHOWN
from infwidth.measures.reading import Measurements

# A darker ground agrees, in print as on a screen; the symbol says what came out.
AGREES, OTHERWISE, NO_CLAIM = "#9fcfb9", "white", "0.93"
INK, WARNING = "0.1", "#b83a00"
SYMBOLS: Mapping[str, dict[str, Any]] = {
    "small": {"marker": "o", "markersize": 2.2},
    "large": {"marker": "o", "markersize": 6, "markerfacecolor": "none"},
    "large and stable": {"marker": "o", "markersize": 6},
    "rich": {"marker": "s", "markersize": 5},
    "collapsed": {"marker": "_", "markersize": 6},
    "decreases with width": {"marker": "v", "markersize": 5},
    "stable across widths": {"marker": "D", "markersize": 4.4},
    "increases with width": {"marker": "^", "markersize": 5},
    "crossover": {"marker": r"$\sim$", "markersize": 6.5},
    "undetermined": {"marker": "$?$", "markersize": 6},
}


def draw(measured: Measurements) -> Figure:
    """Groups of rows by column of the table; over each step, how many cells agree."""
    table = measured.table1_steps
    steps = sorted(set(table["step"]))
    columns = [column for column in SHOWN if column in set(table["column"])]
    rows = [(column, scheme) for column in columns for scheme in measured.schemes]
    with style.applied():
        size = (style.TEXT_WIDTH, 0.75 + 0.19 * max(len(rows), 3))
        figure = Figure(figsize=size)
        ax = figure.subplots()
        for place, key in enumerate(rows):
            _row(ax, table, key, place, steps)
        _labels(ax, rows, steps, columns)
        _counts(ax, table, steps)
        panels.say_if_empty(ax)
        panels.legend_above(figure, _legend(table))
    return figure


def _row(ax: Axes, table: pd.DataFrame, key: tuple[str, str], place: int, steps: list[int]) -> None:
    rows = table[(table["column"] == key[0]) & (table["scheme"] == key[1])].set_index("step")
    for x, step in enumerate(steps):
        if step not in rows.index:
            continue
        agrees = str(rows.loc[step, "agrees"]).lower()
        ground = {"true": AGREES, "false": OTHERWISE}.get(agrees, NO_CLAIM)
        ax.add_patch(
            Rectangle((x - 0.5, place - 0.5), 1, 1, facecolor=ground, edgecolor="0.75", lw=0.4)
        )
        ink = WARNING if agrees == "false" else INK
        ax.plot(x, place, **_symbol(str(rows.loc[step, "measured"]), ink))


def _symbol(measured: str, ink: str) -> dict[str, Any]:
    look = SYMBOLS.get(measured, SYMBOLS["undetermined"])
    return {"color": ink, "linestyle": "none", "markeredgewidth": 0.9, "zorder": 3, **look}


def _labels(ax: Axes, rows: list[tuple[str, str]], steps: list[int], columns: list[str]) -> None:
    ax.grid(visible=False)
    ax.set_xlim(-0.5, max(len(steps), 1) - 0.5)
    ax.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    ax.set_xticks(range(len(steps)), [str(step) for step in steps])
    ax.set_yticks(range(len(rows)), [scheme for _, scheme in rows])
    ax.tick_params(length=0)
    ax.set_xlabel("training step $t$")
    for place, column in enumerate(columns):
        size = len(rows) // len(columns)
        middle = place * size + (size - 1) / 2
        title = SHOWN[column].title.lower().replace("space-time joint ", "space-time\n")
        ax.annotate(
            title.replace("feature ", "feature\n"),
            (0, middle),
            xycoords=("axes fraction", "data"),
            xytext=(-30, 0),
            textcoords="offset points",
            ha="right",
            va="center",
        )
        if place:
            ax.axhline(place * size - 0.5, color=INK, lw=0.8, zorder=4)


def _counts(ax: Axes, table: pd.DataFrame, steps: list[int]) -> None:
    """How many cells agree, of those that the paper has a claim on."""
    claimed = table[table["agrees"].isin(("true", "false"))]
    for x, step in enumerate(steps):
        there = claimed[claimed["step"] == step]
        if len(there):
            text = f"{(there['agrees'] == 'true').sum()} / {len(there)}"
            ax.text(x, -0.62, text, ha="center", va="bottom", fontsize=7.5)


def _legend(table: pd.DataFrame) -> list[Artist]:
    handles: list[Artist] = [
        Patch(facecolor=AGREES, edgecolor="0.75", lw=0.4, label="agrees with the claim"),
        Patch(facecolor=OTHERWISE, edgecolor="0.75", lw=0.4, label="does not"),
    ]
    if not set(table["agrees"]) <= {"true", "false"}:
        handles.append(Patch(facecolor=NO_CLAIM, edgecolor="0.75", lw=0.4, label="no claim"))
    return handles + [
        Line2D([], [], **_symbol(word, INK), label=word)
        for word in SYMBOLS
        if word in set(table["measured"])
    ]
