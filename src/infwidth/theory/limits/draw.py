"""The n = ∞ column of Table 1: each metric against the width, and where it goes."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from infwidth.drawing import panels, style
from infwidth.drawing.style import GREY, Look
from infwidth.measures.metrics import DRAWN, headline
from infwidth.theory.limits.measure import FURTHEST

# How far beyond the largest width the axis is broken, n = ∞ lies, and the panel ends, in units of
# the measured range of log n.
BREAK, EDGE, END = 0.12, 0.4, 0.68
FITTED = (0, (1, 2))
# Powers of n that the theory has for SP and NTP: movement n^-1/2, and its square.
EXPECTED: Mapping[str, tuple[float, str]] = {
    "feature_change": (-0.5, "$n^{-1/2}$"),
    "spacetime_min_eig": (-1.0, "$n^{-1}$"),
}


def draw(table: pd.DataFrame) -> Figure:
    """The last hidden layer's pre-activations: the metrics, and below what has a limit over it.

    Args:
        table: limits.csv.
    """
    looked = style.looks(dict.fromkeys(table["scheme"]))
    last = headline(table)
    widths = sorted({int(width) for width in last["width"]}) or [1]
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 4.1))
        axes = figure.subplots(2, len(DRAWN), height_ratios=(1.55, 1), sharex="col")
        for (above, below), metric in zip(axes.T, DRAWN, strict=True):
            rows = last[last["metric"] == metric.name]
            parts = {scheme: rows[rows["scheme"] == scheme] for scheme in looked}
            _values(above, parts, looked, widths)
            _guide(above, parts, metric.name)
            _ratios(below, parts, looked, widths)
            _width_axis(below, widths)
            above.set_title(metric.title)
            above.set_ylabel(metric.label())
            below.set_ylabel("value / its limit")
        panels.legend_above(figure, panels.scheme_handles(looked) + _marks(last))
    return figure


def _values(
    ax: Axes, parts: Mapping[str, pd.DataFrame], looked: Mapping[str, Look], widths: Sequence[int]
) -> None:
    """What was measured, the law beyond it, and the limit, or the power of n that leads away."""
    for scheme, rows in parts.items():
        curve = rows.set_index("width")[["value", "value_low", "value_high"]]
        curve.columns = pd.Index(["mean", "low", "high"])
        panels.draw_curve(ax, curve.assign(upper=False), looked[scheme])
    style.value_axis(ax)
    bottom, top = ax.get_ylim()  # what leaves the measured heights leaves the panel
    leaving = {"vanishes": 0, "diverges": 0}
    slots = _slots(parts, widths)
    for scheme, rows in parts.items():
        if rows.empty:
            continue
        row, look = rows.iloc[0], looked[scheme]
        beyond = np.geomspace(float(row["largest_width"]), _beyond(widths, BREAK), 30)
        ax.plot(beyond, _law(row, beyond), color=look.color, ls=FITTED, lw=0.9)
        approach = str(row["approach"])
        if approach == "converges":
            _mark_limit(ax, row, look, slots[scheme], 1.0)
        elif approach in leaving:
            _say_power(ax, row, look, leaving[approach])
            leaving[approach] += 1
        else:
            unknown = (slots[scheme], float(row["value_at_largest"]))
            ax.text(*unknown, "?", color=look.color, ha="center", va="center")
            if approach == "crossover":
                _say_local(ax, row, look, slots[scheme])
    ax.set_ylim(bottom, top)
    panels.say_if_empty(ax)


def _ratios(
    ax: Axes, parts: Mapping[str, pd.DataFrame], looked: Mapping[str, Look], widths: Sequence[int]
) -> None:
    """Values over their limits, of what has one."""
    ends = [1.0]
    slots = _slots(parts, widths)
    for scheme, rows in parts.items():
        if rows.empty or str(rows["approach"].iloc[0]) != "converges":
            continue
        row, look = rows.iloc[0], looked[scheme]
        limit = float(row["limit"])
        curve = rows.set_index("width")[["value", "value_low", "value_high"]] / limit
        curve.columns = pd.Index(["mean", "low", "high"])
        panels.draw_curve(ax, curve.assign(upper=False), look)
        inner = np.geomspace(widths[0], _beyond(widths, BREAK), 80)
        law = _law(row, inner) / limit
        law[np.abs(law - 1) > 1 - 1 / FURTHEST] = math.nan  # no part in the fit
        ax.plot(inner, law, color=look.color, ls=FITTED, lw=0.9)
        _mark_limit(ax, row, look, slots[scheme], limit)
        ends += [*curve["low"], *curve["high"], row["limit_low"] / limit, row["limit_high"] / limit]
    ax.axhline(1, color=GREY, lw=0.5, zorder=1)
    known = [float(end) for end in ends if math.isfinite(float(end))]
    margin = max(0.06 * (max(known) - min(known)), 0.01)
    ax.set_ylim(min(known) - margin, max(known) + margin)
    panels.say_if_empty(ax, reason="no limit other than 0 or ∞")


def _law(row: "pd.Series[float]", widths: NDArray[np.float64]) -> NDArray[np.float64]:
    """The fitted law at any width; NaN where nothing was fitted."""
    approach = str(row["approach"])
    rate = float(row["rate"])
    if approach in ("vanishes", "diverges"):
        power = rate if approach == "diverges" else -rate
        far: NDArray[np.float64] = (widths / float(row["largest_width"])) ** power
        return float(row["value_at_largest"]) * far
    if approach == "converges":
        # Without a rate there is no approach to see: the limit itself.
        amplitude = float(row["amplitude"]) if math.isfinite(rate) else 0.0
        near: NDArray[np.float64] = 1 + amplitude * widths ** -(
            rate if math.isfinite(rate) else 1.0
        )
        return float(row["limit"]) * near
    return np.full_like(widths, math.nan)


def _mark_limit(ax: Axes, row: "pd.Series[float]", look: Look, place: float, unit: float) -> None:
    """The limit and its interval at n = ∞, in some unit."""
    low, high = float(row["limit_low"]) / unit, float(row["limit_high"]) / unit
    if math.isfinite(low):
        ax.plot([place, place], [low, high], color=look.color, lw=1.1, solid_capstyle="butt")
    ax.plot(place, float(row["limit"]) / unit, **look.drawn)


def _say_power(ax: Axes, row: "pd.Series[float]", look: Look, before: int) -> None:
    """Where it goes and how fast, at the edge that it leaves through, below what stands there."""
    vanishes = str(row["approach"]) == "vanishes"
    power = -float(row["rate"]) if vanishes else float(row["rate"])
    goes = r"$\to 0$" if vanishes else r"$\to\infty$"
    height = 0.03 + 0.09 * before
    ax.text(
        0.99,
        height if vanishes else 1 - height,
        f"$n^{{{power:.2f}}}$ {goes}",
        transform=ax.transAxes,
        color=look.color,
        fontsize=7,
        ha="right",
        va="bottom" if vanishes else "top",
    )


def _say_local(ax: Axes, row: "pd.Series[float]", look: Look, place: float) -> None:
    """The power at the largest widths of what follows no single one, below its question mark."""
    ax.annotate(
        f"locally\n$n^{{{float(row['rate']):.2f}}}$",
        (place, float(row["value_at_largest"])),
        xytext=(0, -7),
        textcoords="offset points",
        color=look.color,
        fontsize=7,
        ha="center",
        va="top",
    )


def _guide(ax: Axes, parts: Mapping[str, pd.DataFrame], metric: str) -> None:
    """The theory's power of n for SP and NTP, over the highest of their curves."""
    kept = [parts[name] for name in ("SP", "NTP") if name in parts and len(parts[name])]
    if metric not in EXPECTED or not kept:
        return
    power, label = EXPECTED[metric]
    highest = max(kept, key=lambda rows: float(rows["value"].iloc[-1]))
    widths = highest["width"].to_numpy(dtype=np.float64)[-4:]
    heights = 2.5 * float(highest["value"].iloc[-1]) * (widths / widths[-1]) ** power
    ax.plot(widths, heights, color="black", ls=FITTED, lw=0.7)
    middle = len(widths) // 2 - 1
    ax.annotate(
        label,
        (widths[middle], heights[middle]),
        xytext=(1, 2),
        textcoords="offset points",
        fontsize=7,
        ha="left",
        va="bottom",
    )


def _beyond(widths: Sequence[int], part: float) -> float:
    """Beyond the largest width by a part of the measured range of log n."""
    # A single width has no range.
    reach = max(widths[-1] / widths[0], 4.0)
    return float(widths[-1] * reach**part)


def _slots(parts: Mapping[str, pd.DataFrame], widths: Sequence[int]) -> dict[str, float]:
    """Where each scheme's limit is drawn: side by side, since some of them coincide."""
    here = [
        scheme
        for scheme, rows in parts.items()
        if len(rows) and str(rows["approach"].iloc[0]) not in ("vanishes", "diverges")
    ]
    middle = (len(here) - 1) / 2
    return {
        scheme: _beyond(widths, EDGE + 0.08 * (place - middle)) for place, scheme in enumerate(here)
    }


def _width_axis(ax: Axes, widths: Sequence[int]) -> None:
    """The measured widths, and n = ∞ beyond a break."""
    style.width_axis(ax, widths, most=4)
    ticks, labels = style.width_ticks(widths, 4)
    ax.set_xticks([*ticks, _beyond(widths, EDGE)], [*labels, r"$\infty$"])
    ax.set_xlim(widths[0] / 1.25, _beyond(widths, END))
    for shared in ax.get_shared_x_axes().get_siblings(ax):
        shared.axvspan(_beyond(widths, BREAK), _beyond(widths, END), color="0.96", lw=0, zorder=0)


def _marks(rows: pd.DataFrame) -> list[Artist]:
    """Legend entries for what is no scheme."""
    handles: list[Artist] = [
        Patch(color=GREY, alpha=0.3, lw=0, label="range over seeds"),
        Line2D([], [], color=GREY, ls=FITTED, lw=0.9, label="fitted law"),
    ]
    if (rows["approach"] == "converges").any():
        mark = Line2D([], [], color=GREY, marker="o", lw=1.1, ms=3.6, label="limit, 95 % interval")
        handles.append(mark)
    return handles
