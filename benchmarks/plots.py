"""Speed and memory against the width."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from contenders import KINDS
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from tables import bounds, lazy_under_mup

from infwidth.drawing import panels, style
from infwidth.drawing.style import Look

# Apart in colour as far as the palette allows; the project's own two as the schemes of a figure.
LOOKS: Mapping[str, Look] = {
    "plain": style.SPARE[0],
    "plain_side_by_side": style.SPARE[1],
    "mup": style.SPARE[3],
    "dense": style.KNOWN["SP"],
    "lazy": style.KNOWN["µP"],
}


def draw(summary: pd.DataFrame, roofline: pd.DataFrame) -> Figure:
    """Two panels; a band spans the rounds.

    Args:
        summary: of `tables.summarise`.
        roofline: speeds of the machine.
    """
    under_mup = summary[summary["scheme"] == "µP"]
    lazy_steps = int(summary[summary["contender"] == "lazy"]["steps"].min())
    curves = {
        name: under_mup[under_mup["contender"] == name].sort_values("width")
        for name in KINDS
        if name != "lazy"
    }
    curves["lazy"] = lazy_under_mup(summary, steps=lazy_steps)
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 2.7))
        speed, memory = figure.subplots(1, 2)
        _curves(speed, curves, "rate")
        speed.set_title("Speed of the whole machine")
        speed.set_ylabel("replica-steps per second")
        _roofline(speed, curves["dense"], roofline)
        _curves(memory, curves, "memory_per_replica")
        memory.set_title("Peak memory")
        memory.set_ylabel("MB per replica")
        for ax in (speed, memory):
            style.width_axis(ax, under_mup["width"], most=9)
            style.value_axis(ax)
        titles = {name: kind.title for name, kind in KINDS.items()}
        titles["lazy"] = f"lazy, first {lazy_steps} steps"
        handles = panels.scheme_handles({titles[name]: look for name, look in LOOKS.items()})
        handles += [
            Line2D([], [], color=style.GREY, ls=(0, (1, 1.5)), lw=1, label="roofline of dense")
        ]
        handles += [
            Line2D([], [], color="black", lw=0.6, ls=dashes, label=label)
            for dashes, label in (("--", r"$\propto n^{\pm 1}$"), ("-.", r"$\propto n^{\pm 2}$"))
        ]
        _guides(speed, curves, "rate", sign=-1)
        _guides(memory, curves, "memory_per_replica", sign=1)
        panels.legend_above(figure, handles)
    return figure


def _curves(ax: Axes, curves: Mapping[str, pd.DataFrame], column: str) -> None:
    for name, values in curves.items():
        look = LOOKS[name]
        positive = values[column].where(values[column] > 0)
        ax.plot(values["width"], positive, zorder=3, **look.drawn)
        if column == "rate":
            low, high = values["rate_low"], values["rate_high"]
            ax.fill_between(values["width"], low, high, color=look.color, alpha=0.18, lw=0)


def _roofline(ax: Axes, dense: pd.DataFrame, roofline: pd.DataFrame) -> None:
    rates = bounds(dense["width"], roofline)
    ax.plot(dense["width"], rates, color=style.GREY, ls=(0, (1, 1.5)), lw=1, zorder=2)


def _guides(ax: Axes, curves: Mapping[str, pd.DataFrame], column: str, *, sign: int) -> None:
    """Powers of n beside the last stretch of the lazy and of the dense curve."""
    for name, power, dashes in (("lazy", 1, "--"), ("dense", 2, "-.")):
        ends = curves[name].tail(2)
        widths, last = ends["width"].to_numpy(dtype=float), float(ends[column].iloc[-1])
        # Above the curve, where nothing else runs.
        line = 1.6 * last * (widths / widths[-1]) ** (sign * power)
        ax.plot(widths, line, color="black", ls=dashes, lw=0.6, zorder=1)
        low, high = ax.get_ylim()
        ax.set_ylim(min(low, float(np.min(line)) / 1.2), max(high, float(np.max(line)) * 1.2))
