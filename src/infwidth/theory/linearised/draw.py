"""NTP and µP beside the linear equation of their tangent kernel: losses, deviation, movement."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infwidth.drawing import panels, style
from infwidth.measures.reading import curve
from infwidth.theory.linearised.judge import largest_deviation, last_change
from infwidth.theory.powers import SAMPLING

DOTTED = (0, (1, 1.2))
GUIDE = (0, (1, 2))
# A loss this far under the first is of no interest, and would press all else together.
LOWEST_LOSS = 1e-4


def draw(table: pd.DataFrame) -> Figure:
    """Above, the losses of both schemes; below, deviation and feature change against the width.

    Args:
        table: linearised.csv.
    """
    looked = style.looks(dict.fromkeys(table["scheme"]))
    widths = sorted({int(width) for width in table["width"]})
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 4.6))
        axes = figure.subplots(2, 2)
        axes[0, 1].sharey(axes[0, 0])
        for ax, scheme in zip(axes[0], ("NTP", "µP"), strict=True):
            _losses(ax, table[table["scheme"] == scheme], widths, looked.get(scheme))
            ax.set_title(scheme)
        _loss_axes(axes[0], table)
        _deviations(axes[1, 0], table, looked)
        _changes(axes[1, 1], table, looked)
        for ax in axes[1]:
            style.width_axis(ax, widths)
            style.value_axis(ax)
            panels.say_if_empty(ax)
        panels.legend_above(figure, _handles(looked, widths, table["seed"].nunique()))
    return figure


def _losses(ax: Axes, table: pd.DataFrame, widths: Sequence[int], look: style.Look | None) -> None:
    """The networks' losses, darker with the width, and those of the linear equation, dotted."""
    shades = sns.light_palette(look.color if look else style.GREY, len(widths) + 1)[1:]
    for shade, width in zip(shades, widths, strict=True):
        rows = table[table["width"] == width]
        points, linear = (curve(rows, loss, "step") for loss in ("train_loss", "linear_loss"))
        ax.plot(points.index, points["mean"], color=shade)
        ax.fill_between(points.index, points["low"], points["high"], color=shade, alpha=0.2, lw=0)
        if width == widths[-1]:
            ax.plot(linear.index, linear["mean"], color="black", ls=DOTTED, lw=1.1, zorder=4)
    style.step_axis(ax, table["step"])
    panels.say_if_empty(ax)


def _loss_axes(axes: Sequence[Axes], table: pd.DataFrame) -> None:
    axes[0].set_ylabel("training loss")
    style.value_axis(axes[0])
    first = table.loc[table["step"] == 0, "train_loss"]
    low, high = axes[0].get_ylim()
    if len(first) and low < LOWEST_LOSS * first.min():
        axes[0].set_ylim(LOWEST_LOSS * first.min(), high)
    axes[1].tick_params(labelleft=False)


def _deviations(ax: Axes, table: pd.DataFrame, looked: Mapping[str, style.Look]) -> None:
    for scheme, look in looked.items():
        for own in (True, False):
            points = curve(largest_deviation(table, scheme, own=own), "value", "width")
            panels.draw_curve(ax, points, look, second=not own)
    _guide(ax, curve(largest_deviation(table, "NTP"), "value", "width"))
    ax.set_title("Deviation from the linear equation")
    ax.set_ylabel(r"$\max_t\ \|f_t-f_t^{\rm lin}\|_F\,/\,\|f_t^{\rm lin}-f_0\|_F$")


def _changes(ax: Axes, table: pd.DataFrame, looked: Mapping[str, style.Look]) -> None:
    for scheme, look in looked.items():
        points = curve(last_change(table, scheme), "value", "width")
        panels.draw_curve(ax, points, look)
    _guide(ax, curve(last_change(table, "NTP"), "value", "width"))
    ax.set_title("Feature variation (last hidden layer)")
    ax.set_ylabel(r"change $\|h_T-h_0\|\,/\,\|h_0\|$")


def _guide(ax: Axes, points: pd.DataFrame) -> None:
    """The power of n that is expected of these points, a little above the first."""
    if len(points):
        ends = np.array([points.index[0], points.index[-1]])
        heights = 1.25 * float(points["mean"].iloc[0]) * (ends / ends[0]) ** SAMPLING
        ax.plot(ends, heights, color="black", ls=GUIDE, lw=0.9, zorder=5)


def _handles(looked: Mapping[str, style.Look], widths: Sequence[int], seeds: int) -> list[Artist]:
    shades = sns.light_palette("0.25", len(widths) + 1)[1:]
    handles: list[Artist] = [
        Line2D([], [], color=shade, lw=1.4, label=style.width_label(width))
        for shade, width in zip(shades, widths, strict=True)
    ]
    dotted = "linear equation" + (f", {style.width_label(widths[-1])}" if widths else "")
    handles.append(Line2D([], [], color="black", ls=DOTTED, lw=1.1, label=dotted))
    handles += panels.scheme_handles(looked)
    for label, face in (("own initial kernel", style.GREY), (r"kernel of $n=\infty$", "white")):
        handles.append(
            Line2D([], [], color=style.GREY, marker="o", mfc=face, mew=0.6, lw=0.8, label=label)
        )
    handles.append(Line2D([], [], color="black", ls=GUIDE, lw=0.9, label=r"$\propto n^{-1/2}$"))
    return [*handles, *panels.seed_handles(seeds)]
