"""Coordinates: quantile plots by scheme, distances over those of draws, correlations."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.special import ndtri

from infwidth.drawing import panels, style
from infwidth.measures.reading import curve
from infwidth.theory.coordinates.judge import ratios
from infwidth.theory.coordinates.names import MOMENTS

DOTTED = (0, (1, 1.5))


def draw(coordinates: pd.DataFrame, dependence: pd.DataFrame, quantiles: pd.DataFrame) -> Figure:
    """Quantiles above; below, distances and correlations against the width.

    Args:
        coordinates: coordinates.csv.
        dependence: dependence.csv.
        quantiles: quantiles.csv.
    """
    looked = style.looks(dict.fromkeys(coordinates["scheme"]))
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 4.5))
        upper, lower = np.ravel(figure.subfigures(2, 1, squeeze=False))
        axes = upper.subplots(1, max(len(looked), 1), sharey=True, squeeze=False)[0]
        for ax, (scheme, look) in zip(axes, looked.items(), strict=False):
            _quantiles(ax, quantiles[quantiles["scheme"] == scheme], look)
            ax.set_title(scheme)
        axes[0].set_ylabel(r"quantile of $h$, in its $\sigma$")
        left, right = lower.subplots(1, 2)
        _distances(left, coordinates, looked)
        _correlations(right, dependence, looked)
        for ax in (*axes, left, right):
            panels.say_if_empty(ax)
        panels.legend_above(figure, _handles(looked, coordinates))
    return figure


def _quantiles(ax: Axes, table: pd.DataFrame, look: style.Look) -> None:
    """Against a Gaussian's: the start, and the end at the ends of the widths and in the limit."""
    networks = table.dropna(subset="width")
    last, widths = table["step"].max(), sorted(set(networks["width"]))
    ax.axline((0, 0), slope=1, color="0.75", lw=0.6, zorder=1)
    reference = table[(table["step"] == last) & ~table["width"].isin(widths[:-1])]
    limit = table[(table["step"] == last) & table["width"].isna()]
    # A reference that is no closed form is the widest that there is.
    limit = limit if len(limit) else reference
    compared = widths if len(table[table["width"].isna()]) else widths[:-1]
    drawn = {}
    if compared:
        drawn = {
            "start": (0, compared[-1], {"color": "0.45", "lw": 2.2, "alpha": 0.6}),
            "least": (last, compared[0], {"color": look.color, "lw": 0.8, "ls": (0, (4, 1.5))}),
            "largest": (last, compared[-1], {"color": look.color, "lw": 1.3}),
        }
    for step, width, how in drawn.values():
        _line(ax, networks[(networks["step"] == step) & (networks["width"] == width)], **how)
    _line(ax, limit, color="black", ls=DOTTED, lw=1.1, zorder=5)
    ax.set_xlabel("Gaussian quantile")
    ax.set_xticks([-2, 0, 2])
    ax.set_yticks([-2, 0, 2])


def _line(ax: Axes, table: pd.DataFrame, **how: object) -> None:
    rows = table.sort_values("probability")
    ax.plot(ndtri(rows["probability"].to_numpy(float)), rows["quantile"], **how)  # type: ignore[arg-type]


def _distances(ax: Axes, table: pd.DataFrame, looked: Mapping[str, style.Look]) -> None:
    last = table["step"].max()
    for scheme, look in looked.items():
        own = ratios(table[table["scheme"] == scheme])[0]
        own = own[own["kind"] == "h"]
        for step in dict.fromkeys((0, last)):
            points = curve(own[own["step"] == step], "ratio", "width")
            panels.draw_curve(ax, points, look, second=step != last)
    ax.axhline(1, color="black", ls=DOTTED, lw=0.9, zorder=1)
    style.width_axis(ax, {int(width) for width in table["width"]})
    style.value_axis(ax)
    ax.set_title("Distance from the law of the limit")
    ax.set_ylabel("over that of independent draws")


def _correlations(ax: Axes, table: pd.DataFrame, looked: Mapping[str, style.Look]) -> None:
    """With two standard errors, side by side."""
    rows = table[(table["moment"] == MOMENTS[-1]) & (table["kind"] == "h")]
    rows = rows[rows["step"] == rows["step"].max()]
    for place, (scheme, look) in enumerate(looked.items()):
        own = rows[rows["scheme"] == scheme].sort_values("width")
        width = own["width"].to_numpy(float)
        ax.errorbar(
            width * 1.05 ** (place - (len(looked) - 1) / 2),
            width * own["correlation"],
            2 * width * own["correlation_error"],
            elinewidth=0.8,
            **look.drawn,
        )
    ax.axhline(0, color="black", ls=DOTTED, lw=0.9, zorder=1)
    style.width_axis(ax, {int(width) for width in table["width"]})
    ax.set_title(r"Correlation of $h(\xi)\,h(\zeta)$ of two coordinates")
    ax.set_ylabel(r"$n\times$ correlation, at the end")


def _handles(looked: Mapping[str, style.Look], table: pd.DataFrame) -> list[Artist]:
    widths = sorted({int(width) for width in table["width"]})
    handles = panels.scheme_handles(looked)
    if widths:
        least, largest = (style.width_label(width) for width in (widths[0], widths[-1]))
        handles += [
            Line2D([], [], color="0.45", lw=2.2, alpha=0.6, label=f"start, {largest} (top)"),
            Line2D([], [], color=style.GREY, lw=0.8, ls=(0, (4, 1.5)), label=f"end, {least} (top)"),
            Line2D([], [], color=style.GREY, lw=1.3, label=f"end, {largest} (top)"),
        ]
    handles.append(Line2D([], [], color="black", ls=DOTTED, lw=1.1, label="limit (top)"))
    hollow = Line2D([], [], color=style.GREY, marker="o", mfc="white", lw=0.7, label="start (left)")
    return [*handles, hollow]
