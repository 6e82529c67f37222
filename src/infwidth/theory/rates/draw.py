"""Losses in time, scheme by scheme, and their rates beside the tangent kernel's."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from infwidth.drawing import panels, style
from infwidth.drawing.labels import End, at_the_right
from infwidth.drawing.style import GREY, Look
from infwidth.measures.reading import curve
from infwidth.theory.rates.judge import compared

DOTTED = (0, (1, 2))
MARKS = (2.0, 5.0)


def draw(rates: pd.DataFrame, in_time: pd.DataFrame) -> Figure:
    """Above, losses in time by scheme; below, rates against the kernel's and over the bound's.

    Args:
        rates: rates.csv.
        in_time: losses_in_time.csv.
    """
    table = compared(rates)
    looked = style.looks(dict.fromkeys(table["scheme"]))
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 4.3))
        above, below = figure.subfigures(2, 1, squeeze=False)[:, 0]
        row = above.subplots(1, max(len(looked), 1), sharey=True, squeeze=False)[0]
        for ax, (scheme, look) in zip(row, looked.items(), strict=False):
            own = in_time[in_time["scheme"] == scheme]
            _losses(ax, own, table[table["scheme"] == scheme], look)
            ax.set_title(scheme)
        row[0].set_ylabel("training loss")
        positive = in_time.loc[in_time["train_loss"] > 0, "train_loss"]
        if len(positive):
            row[0].set_ylim(positive.min() / 3, 3 * positive.max())
        for ax in row:
            ax.set_xlabel(r"time $\eta\,t$")
            panels.say_if_empty(ax)
        start, end, ratio = below.subplots(1, 3)
        for ax, name, when in ((start, "first", "0"), (end, "last", "T")):
            _diagonal(ax, table, f"{name}_min_eig", looked)
            ax.set_xlabel(rf"$\lambda_{{\min}}(\Theta_{when})\,/\,(\eta N)$")
        start.set_title("At initialisation")
        start.set_ylabel("late rate of the error")
        end.set_title("At the end")
        _ratios(ratio, table, looked)
        dotted = Line2D([], [], color="black", ls=DOTTED, lw=1, label="bound, largest $n$")
        handles = panels.width_handles(panels.few_widths(in_time["width"]))
        panels.legend_above(figure, [*handles, dotted])
    return figure


def _losses(ax: Axes, in_time: pd.DataFrame, rates: pd.DataFrame, look: Look) -> None:
    """The first seed at three widths, and the bound at the largest."""
    shown = panels.few_widths(in_time["width"])
    shades = sns.light_palette(look.color, len(shown) + 2)[2:]
    first = in_time[in_time["seed"] == in_time["seed"].min()]
    run = first[:0]
    for (width, dashes), shade in zip(shown.items(), shades, strict=True):
        run = first[first["width"] == width].sort_values("step")
        ax.plot(run["time"], run["train_loss"], color=shade, ls=dashes, lw=1.1, zorder=3)
    ax.set_yscale("log")
    if len(run):
        bound = float(rates.loc[rates["width"] == max(shown), "bound_rate"].iloc[0])
        times = run["time"].to_numpy()
        losses = float(run["train_loss"].iloc[0]) * np.exp(-2 * bound * times)
        ax.plot(times, losses, color="black", ls=DOTTED, lw=1, zorder=4)


def _diagonal(ax: Axes, table: pd.DataFrame, name: str, looked: Mapping[str, Look]) -> None:
    """The late rate of each run against a least eigenvalue."""
    widths = sorted(set(table["width"]))
    sizes = dict(zip(widths, np.linspace(*MARKS, len(widths)), strict=True))
    for scheme, look in looked.items():
        for _, run in table[table["scheme"] == scheme].iterrows():
            face = look.color if run["settled"] else "white"
            ax.plot(run[name], run["late_rate"], ls="none", marker=look.marker, mfc=face,
                    ms=sizes[run["width"]], color=look.color, mew=0.6, zorder=3)  # fmt: skip
        ax.plot([], [], ls="none", marker=look.marker, ms=3.5, color=look.color, label=scheme)
    ax.set(xscale="log", yscale="log")
    # Rates far under the eigenvalue would break the bound.
    if looked:
        ax.legend(loc="lower right", handlelength=1)
    panels.say_if_empty(ax)
    if widths:
        seen = np.log10(table[[name, "late_rate"]].to_numpy(dtype=float))
        ends = [10.0 ** np.floor(np.nanmin(seen) - 0.05), 10.0 ** np.ceil(np.nanmax(seen) + 0.05)]
        ax.plot(ends, ends, color="black", ls=DOTTED, lw=0.8, zorder=2)
        ax.set(xlim=ends, ylim=ends)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_formatter(NullFormatter())


def _ratios(ax: Axes, table: pd.DataFrame, looked: Mapping[str, Look]) -> None:
    """The late rate over the bound's, against the width."""
    ends = []
    for scheme, look in looked.items():
        points = curve(table[table["scheme"] == scheme], "of_bound", "width")
        panels.draw_curve(ax, points, look)
        if len(points):
            ends.append(End(scheme, float(points["mean"].iloc[-1]), look.color))
    style.width_axis(ax, set(table["width"]), most=4)
    style.value_axis(ax)
    ax.axhline(1, color=GREY, ls=DOTTED, lw=0.8)
    ax.set_title("Late rate over the bound's")
    panels.say_if_empty(ax)
    at_the_right(ax, ends)
