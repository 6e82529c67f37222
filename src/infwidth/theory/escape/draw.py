"""IP's escape: change by step and width, times against ln n, depth, and IP-LLR beside IP."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infwidth.drawing import panels, style
from infwidth.drawing.style import Look
from infwidth.theory.escape.laws import LOCAL, time_law
from infwidth.theory.escape.names import IP, LARGE, MAIN, SIZES, SMALL

LAW = (0, (4, 2))
# As many widths are drawn, evenly spread.
MOST_WIDTHS = 4
SIZE_MARKERS = ("o", "s")


def draw(table: pd.DataFrame, times: pd.DataFrame, depths: pd.DataFrame) -> Figure:
    """Four panels; above, the experiment's own trainings if these are of enough widths.

    Args:
        table: escape.csv.
        times: escape_times.csv.
        depths: escape_depths.csv.
    """
    looked = style.looks([IP, LARGE])
    ip = table[table["scheme"] == IP]
    main = ip[ip["trainings"] == MAIN]
    shown = MAIN if main["width"].nunique() >= LOCAL else SMALL
    small = table[table["trainings"] == SMALL]
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 4.6))
        (change, time), (depth, cure) = figure.subplots(2, 2)
        _changes(change, ip[ip["trainings"] == shown])
        _times(time, times[(times["trainings"] == shown) & (times["scheme"] == IP)], looked[IP])
        _depths(depth, depths, looked)
        _cure(cure, small, looked)
        panels.legend_above(figure, _handles(looked))
    return figure


def _mean(rows: pd.DataFrame, column: str) -> pd.Series:
    """Geometric means over seeds by step, after step 0."""
    after = rows[(rows["step"] > 0) & (rows[column] > 0)]
    means: pd.Series = np.exp(np.log(after[column]).groupby(after["step"]).mean())
    return means


def _changes(ax: Axes, rows: pd.DataFrame) -> None:
    widths, labels = style.width_ticks([int(width) for width in set(rows["width"])], MOST_WIDTHS)
    shades = colormaps["viridis"](np.linspace(0, 0.75, len(widths)))
    heights: list[float] = []
    for width, label, shade in zip(widths, labels, shades, strict=True):
        curve = _mean(rows[rows["width"] == width], "feature_change")
        ax.plot(curve.index, curve, color=shade, marker="o", ms=2.4, lw=1.1, zorder=3)
        if len(curve):
            heights += [float(curve.min()), float(curve.max())]
            end = (float(curve.index[-1]), float(curve.iloc[-1]))
            _label(ax, f"$n={label.strip('$')}$", end, shade)
    ax.set(xscale="log", xlabel="training step $t$", ylabel=r"change of $h^L$")
    ax.set_title("Change at a fixed step")
    if heights:
        law = rows.groupby("step")["predicted_change"].first()
        law = law[(law.index > 0) & (law > 0)]
        # The law leaves the panel where no network follows it any more.
        ax.plot(law.index, law, color="black", ls=LAW, lw=0.9, zorder=4)
        style.value_axis(ax)
        ax.set_ylim(0.6 * min(heights), 4 * max(heights))
        last = float(rows["step"].max())
        ax.set_xlim(0.85, last * (6 if last > 1 else 2))
    panels.say_if_empty(ax)


def _label(ax: Axes, text: str, place: tuple[float, float], color: Any) -> None:
    ax.annotate(
        text,
        place,
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=6.5,
        color=color,
    )


def _times(ax: Axes, times: pd.DataFrame, look: Look) -> None:
    widths = {int(width) for width in times.loc[times["step"].notna(), "width"]}
    for size, marker in zip(SIZES, SIZE_MARKERS, strict=True):
        rows = times[np.isclose(times["size"], size)]
        law = time_law(rows)
        if law is None:
            continue
        whole = rows[rows["step"].notna().groupby(rows["width"]).transform("all")]
        by = whole.groupby("width")
        means, ends = by["step"].mean(), by["step"].agg(["min", "max"])
        ax.vlines(means.index, ends["min"], ends["max"], color=look.color, lw=1)
        ax.plot(means.index, means, color=look.color, ls="none", marker=marker, ms=4, zorder=4)
        span = np.log(np.array(law.widths))
        middle = np.log(means.index.to_numpy(dtype=float)).mean()
        line = means.mean() + law.slope.value * (span - middle)
        ax.plot(law.widths, line, color=look.color, lw=0.8, zorder=3)
        expected = by["predicted_step"].first()
        ax.plot(expected.index, expected, color="black", ls=LAW, lw=0.9, zorder=2)
        power = round(math.log10(size))
        words = rf"to $10^{{{power}}}$: {law.slope.value:.1f} $\ln n$"
        # Outside the two lines, where they leave room.
        lower = size == SIZES[0]
        at = 0 if lower else -1
        ax.annotate(
            words,
            (float(means.index[at]), float(means.iloc[at])),
            xytext=(9, -7) if lower else (-2, 8),
            textcoords="offset points",
            ha="left" if lower else "right",
            va="center",
            fontsize=7,
        )
    style.width_axis(ax, widths)
    ax.margins(y=0.16)
    ax.set_title("Time to reach a size")
    ax.set_ylabel("steps until $(h^L)^2$ is reached")
    panels.say_if_empty(ax, reason="no size is reached at three widths")


def _depths(ax: Axes, depths: pd.DataFrame, looked: Mapping[str, Look]) -> None:
    widths = [int(width) for width in set(depths["width"])]
    for name, look in looked.items():
        for depth, rows in depths[depths["scheme"] == name].groupby("hidden_layers"):
            after = rows[rows["moved_square"] > 0]
            curve = np.exp(np.log(after["moved_square"]).groupby(after["width"]).mean())
            ax.plot(
                curve.index,
                curve,
                **look.drawn
                | {"markerfacecolor": look.color if name == IP else "white"}
                | {"markeredgecolor": look.color, "markersize": 3.6},
            )
            # What has moved at every width lies on one line.
            if name == IP and len(curve) and int(str(depth)) >= LOCAL:
                place = (float(curve.index[-1]), float(curve.iloc[-1]))
                few = "1, 2, 3" if int(str(depth)) == LOCAL else f"{depth}"
                _label(ax, f"$L={few}$", place, look.color)
    style.width_axis(ax, widths)
    style.value_axis(ax)
    if widths:
        ax.set_xlim(right=max(widths) * (max(widths) / min(widths)) ** 0.3 * 1.1)
    ax.set_title("How far it has moved, by depth")
    ax.set_ylabel("mean square of $h^L_T-h^L_0$")
    panels.say_if_empty(ax)


def _cure(ax: Axes, small: pd.DataFrame, looked: Mapping[str, Look]) -> None:
    widths = sorted(set(small["width"]))
    ends = dict.fromkeys([*widths[:1], *widths[-1:]])
    for name, look in looked.items():
        for width in ends:
            rows = small[(small["scheme"] == name) & (small["width"] == width)]
            curve = _mean(rows, "mean_square")
            last = width == widths[-1]
            style_ = look.drawn | {"alpha": 1.0 if last else 0.5, "markersize": 3}
            ax.plot(curve.index, curve, **style_)
            if len(curve):
                place = (float(curve.index[0]), float(curve.iloc[0]))
                ax.annotate(
                    style.width_label(int(width)),
                    place,
                    xytext=(0, -5 if last and name == LARGE else 5),
                    textcoords="offset points",
                    va="top" if last and name == LARGE else "bottom",
                    fontsize=6.5,
                    color=look.color,
                )
    ax.set(xscale="log", xlabel="training step $t$", ylabel="mean square of $h^L_t$")
    ax.set_title("A large first step")
    style.value_axis(ax)
    panels.say_if_empty(ax)


def _handles(looked: Mapping[str, Look]) -> list[Artist]:
    law = Line2D([], [], color="black", ls=LAW, lw=0.9, label="linear law at the saddle")
    return [*panels.scheme_handles(looked), law]
