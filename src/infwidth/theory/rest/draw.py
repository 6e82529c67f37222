"""Corollary 4.6: the error against the size of a step, along trainings that come to rest."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infwidth.drawing import panels, style
from infwidth.drawing.style import GREY, KNOWN, Look
from infwidth.theory.rest.names import DUPLICATE, RATE_DECIMALS, REGULAR, STATIONARY

# The columns that tell the runs of one case apart.
RUN = ["width", "learning_rate", "batch_size", "seed"]

STEP = r"step $\|W_{t+1}-W_t\|_F\,/\,\|W_0\|_F$"
ERROR = r"largest error $\mathrm{max}_i\|\chi_i\|$"
RATIO = r"movement per error $r_t$"
GUIDE: Mapping[str, Any] = {"color": "black", "linestyle": (0, (1, 2)), "linewidth": 0.7}
CONFLICT = Look("black", "X", "-", line=1.2, size=5)
STILL = Look(KNOWN["IP"].color, "d", (0, (1, 1)), line=1.4, size=4.6)
PALE = 0.4


def draw(table: pd.DataFrame) -> Figure:
    """Error against step for µP and for the other schemes; movement per error for them all.

    Args:
        table: as from `infwidth.theory.rest.measure.rest_table`.
    """
    table = table.round(RATE_DECIMALS)
    regular, mup = table["case"] == REGULAR, table["scheme"] == "µP"
    own, others = table[regular & mup], table[regular & ~mup]
    conflict, still = table[table["case"] == DUPLICATE], table[table["case"] == STATIONARY]
    activations = style.looks(dict.fromkeys(own["activation"]))
    schemes = style.looks(dict.fromkeys(others["scheme"]))
    families = {
        "µP": [*_parts(own, "activation", activations), (conflict, CONFLICT)],
        "Other schemes": [*_parts(others, "scheme", schemes), (still, STILL)],
    }
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 2.9))
        left, middle, right = figure.subplots(1, 3)
        middle.sharey(left)
        for ax, (title, parts) in zip((left, middle), families.items(), strict=True):
            ax.set(xscale="log", yscale="log", title=title, xlabel=STEP)
            for part, look in parts:
                _paths(ax, part, look)
                _ratios(right, part, look)
            _guide(ax, pd.concat([part for part, _ in parts]))
        left.set_ylabel(ERROR)
        _name_widths(middle, still)
        right.set(yscale="log", title="Both", ylabel=RATIO)
        style.step_axis(right, table["step"])
        for ax in (left, middle, right):
            panels.say_if_empty(ax)
        handles = _handles(activations, schemes, conflict, still)
        panels.legend_above(figure, [*handles, *_mark_handles(table)])
    return figure


def _parts(
    table: pd.DataFrame, by: str, looked: Mapping[str, Look]
) -> Iterator[tuple[pd.DataFrame, Look]]:
    for name, look in looked.items():
        yield table[table[by] == name], look


def _runs(table: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, float]]:
    """Each run, its steps ascending, and its opacity."""
    for _, run in table.groupby(RUN, sort=False):
        full = run["batch_size"].iloc[0] == run["samples"].iloc[0]
        yield run.sort_values("step"), 0.85 if full else PALE


def _paths(ax: Axes, table: pd.DataFrame, look: Look) -> None:
    """Error against step, a line a run, hollow where it starts and filled where it ends."""
    for run, alpha in _runs(table):
        x, y = run["weight_change"].to_numpy(), run["error_signal"].to_numpy()
        ax.plot(x, y, color=look.color, ls=look.dashes, lw=0.7 * look.line, alpha=alpha, zorder=3)
        for place, face, order in ((0, "white", 4), (-1, look.color, 5)):
            ax.plot(
                x[place],
                y[place],
                color=look.color,
                marker=look.marker,
                markersize=0.9 * look.size,
                markerfacecolor=face,
                markeredgecolor=look.color,
                markeredgewidth=0.6,
                alpha=alpha,
                zorder=order,
            )


def _ratios(ax: Axes, table: pd.DataFrame, look: Look) -> None:
    """r_t by step, a line a run."""
    for run, alpha in _runs(table):
        ax.plot(
            run["step"],
            run["movement_per_error"],
            color=look.color,
            ls=look.dashes,
            lw=0.7 * look.line,
            alpha=alpha,
            zorder=3,
        )


def _guide(ax: Axes, table: pd.DataFrame) -> None:
    """Error in proportion to the step, through the middle of where the fitting runs end."""
    ends = table.loc[table["error_signal"] < 0.1]
    if ends.empty:
        return
    factor = float((ends["error_signal"] / ends["weight_change"]).median())
    step = np.array([ends["weight_change"].min(), ends["weight_change"].max()])
    ax.plot(step, factor * step, **GUIDE, zorder=2)


def _name_widths(ax: Axes, still: pd.DataFrame) -> None:
    """The smallest and the largest width of the stationary starts, beside their marks."""
    if still.empty:
        return
    # The step shrinks with the width: the smallest stands on the right.
    for width, side, align in (
        (still["width"].min(), 0, "center"),
        (still["width"].max(), 2, "right"),
    ):
        start = still[still["width"] == width]
        ax.annotate(
            style.width_label(int(width)),
            (start["weight_change"].median(), start["error_signal"].median()),
            xytext=(side, 5),
            textcoords="offset points",
            ha=align,
            fontsize=6.5,
            color=STILL.color,
        )


def _handles(
    activations: Mapping[str, Look],
    schemes: Mapping[str, Look],
    conflict: pd.DataFrame,
    still: pd.DataFrame,
) -> list[Artist]:
    looked = {f"µP, {name}": look for name, look in activations.items()} | dict(schemes)
    if len(conflict):
        looked["µP, one input twice, labels in conflict"] = CONFLICT
    if len(still):
        looked[f"IP, {int(still['hidden_layers'].iloc[0])} hidden layers"] = STILL
    return panels.scheme_handles(looked)


def _mark_handles(table: pd.DataFrame) -> list[Artist]:
    point: dict[str, Any] = {"color": GREY, "ls": "none", "marker": "o", "mew": 0.6}
    handles: list[Artist] = [
        Line2D([], [], label="start", **point, mfc="white"),
        Line2D([], [], label="end", **point),
    ]
    if (table["batch_size"] < table["samples"]).any():
        handles.append(Line2D([], [], label="mini-batches (paler)", color=GREY, alpha=PALE))
    handles.append(Line2D([], [], label="error in proportion to step", **GUIDE))
    return handles
