"""What several figures share: a scheme's curve in a panel, marks for what is missing, legends."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from infwidth.drawing.style import GREY, Look, width_label
from infwidth.measures.misfit import CROSSOVER, LOCAL_WIDTHS
from infwidth.measures.reading import Measurements


def draw_curve(ax: Axes, curve: pd.DataFrame, look: Look, *, second: bool = False) -> None:
    """Line and markers at the mean, a band over seeds, hollow triangles at upper bounds.

    Args:
        ax: the panel.
        curve: as from `infwidth.measures.reading.curve`.
        look: the scheme's.
        second: the paler form with hollow markers, for a companion of the main curve.
    """
    resolved = curve[~curve["upper"]]
    uppers = curve[curve["upper"]]
    alpha = 0.55 if second else 1.0
    if len(resolved):
        # A gap in the line stays where a value in between is only a bound.
        line = curve["mean"].where(~curve["upper"])
        ax.plot(
            curve.index,
            line,
            color=look.color,
            linestyle=look.dashes,
            linewidth=look.line * (0.6 if second else 1),
            marker=look.marker,
            markersize=look.size,
            markerfacecolor="white" if second else look.color,
            markeredgecolor=look.color if second else "white",
            markeredgewidth=0.6 if second else 0.3,
            alpha=alpha,
            zorder=3,
        )
        band = curve[["low", "high"]].where(~curve["upper"])
        ax.fill_between(
            curve.index, band["low"], band["high"], color=look.color, alpha=0.18 * alpha, lw=0
        )
    if len(uppers):
        ax.plot(
            uppers.index,
            uppers["mean"],
            color=look.color,
            linestyle="none",
            marker="v",
            markersize=4.6,
            markerfacecolor="none",
            markeredgewidth=0.8,
            alpha=alpha,
            zorder=4,
        )


# Of the largest width, of the one before it, and so on.
_DASHES: Sequence[Any] = ("-", (0, (4, 1.2)), (0, (1.5, 1)))


def few_widths(widths: Iterable[int]) -> dict[int, Any]:
    """The least, a middle and the largest width, ascending, each with dashes of its own.

    >>> [*few_widths([64, 128, 256, 512, 1024])], [*few_widths([64])], few_widths([])
    ([64, 256, 1024], [64], {})
    """
    ordered = sorted(set(widths))
    places = np.linspace(len(ordered) - 1, 0, min(len(_DASHES), len(ordered))).round()
    chosen = zip(places.astype(int), _DASHES, strict=False)
    return dict(reversed([(ordered[place], dashes) for place, dashes in chosen]))


def width_handles(widths: Mapping[int, Any]) -> list[Artist]:
    """Legend entries for what `few_widths` gives."""
    return [
        Line2D([], [], color=GREY, ls=dashes, lw=1.1, label=width_label(width))
        for width, dashes in widths.items()
    ]


def power_ends(
    fit: "pd.Series[float] | Mapping[Hashable, Any]", widths: Iterable[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the line of a fitted power begins and ends: widths n, and heights at these.

    The line goes through the last point, free of the finite-width effect. Where a single power is
    refused, it is that of the largest widths, over these.

    Args:
        fit: a row of scaling.csv.
        widths: the measured widths; the line is drawn over those of the fit.
    """
    largest = float(fit["largest_width"])
    bent = fit["law"] == CROSSOVER
    count = LOCAL_WIDTHS if bent else int(fit["widths"])
    used = sorted(width for width in widths if width <= largest)[-count:]
    ends = np.array([min(used, default=largest), largest])
    power = float(fit["local_exponent" if bent else "exponent"])
    return ends, float(fit["value"]) * (ends / largest) ** power


def mark_diverged(ax: Axes, measured: Measurements, looked: Mapping[str, Look]) -> None:
    """A cross at the top edge for each scheme and width that lost a seed to divergence."""
    for width, lost in measured.diverged.groupby("width"):
        # One below the other where several schemes lost seeds at the same width.
        for row, scheme in enumerate(name for name in looked if name in set(lost["scheme"])):
            crosses(ax, [int(str(width))], looked[scheme].color, row=row)


def crosses(ax: Axes, places: Sequence[float], color: object, *, row: int = 0) -> None:
    """Crosses at the top edge of a panel; `row` counts downward from it."""
    if not places:
        return
    ax.plot(
        places,
        [1 - 0.055 * row] * len(places),
        transform=ax.get_xaxis_transform(),
        color=color,
        linestyle="none",
        marker="x",
        markersize=4,
        markeredgewidth=1.2,
        clip_on=False,
        zorder=6,
    )


def say_if_empty(ax: Axes, *, reason: str = "no measurements") -> None:
    """Words in a panel that nothing was drawn in."""
    shown = (line for line in ax.lines if line.get_transform() == ax.transData)
    if not any(np.isfinite(np.asarray(line.get_ydata(), dtype=float)).any() for line in shown):
        ax.text(0.5, 0.5, reason, transform=ax.transAxes, ha="center", va="center", color=GREY)


def scheme_handles(looked: Mapping[str, Look]) -> list[Artist]:
    """One legend entry per scheme."""
    return [Line2D([], [], label=scheme, **look.drawn) for scheme, look in looked.items()]


def seed_handles(seeds: int) -> list[Artist]:
    """The legend entry for a band over seeds; none where a single seed leaves no band."""
    label = f"range over {seeds} seeds"
    return [Patch(color=GREY, alpha=0.3, lw=0, label=label)] if seeds > 1 else []


def mark_handles(measured: Measurements, *, uppers: bool, crosses: bool = True) -> list[Artist]:
    """Legend entries for what is neither a scheme nor a value, as far as it occurs."""
    handles: list[Artist] = []
    handles += seed_handles(measured.seeds)
    if uppers:
        label = "below resolution (upper limit)"
        hollow = Line2D([], [], color=GREY, ls="none", marker="v", mfc="none", ms=4.6, label=label)
        handles.append(hollow)
    if crosses and len(measured.diverged):
        lost = measured.diverged.groupby("scheme", sort=False).size()
        counts = ", ".join(f"{scheme}: {count}" for scheme, count in lost.items())
        label = f"diverged runs ({counts})"
        handles.append(Line2D([], [], color=GREY, ls="none", marker="x", mew=1.1, label=label))
    return handles


def legend_above(figure: Figure, handles: list[Artist]) -> None:
    """One legend for the whole figure, over its panels, read row by row, as wide as fits."""
    # Inches of each entry: the handle with its gaps, and about 0.048 a letter.
    letters = [len(str(handle.get_label()).strip("$")) for handle in handles]
    lengths = [0.48 + 0.048 * count for count in letters]
    columns = len(handles)
    while columns > 1:
        widest = [max(lengths[place::columns]) for place in range(columns)]
        if sum(widest) <= figure.get_figwidth():
            break
        columns -= 1
    # Matplotlib fills column by column.
    ordered = [handle for place in range(columns) for handle in handles[place::columns]]
    figure.legend(handles=ordered, loc="outside upper center", ncols=columns)
    rows = -(-len(handles) // max(columns, 1))
    figure.set_figheight(figure.get_figheight() + 0.16 * (rows - 1))
