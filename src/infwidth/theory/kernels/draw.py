"""Initialisation in closed form: the kernels' error and their least eigenvalues against n."""

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infwidth.drawing import panels, style
from infwidth.measures.reading import curve
from infwidth.theory.kernels.judge import EXPECTED, with_limit

DOTTED = (0, (1, 1.6))


def draw(table: pd.DataFrame) -> Figure:
    """The error beside n^-1/2; least eigenvalues of h where the kernel has a limit, and elsewhere.

    Args:
        table: kernels.csv.
    """
    looked = style.looks(dict.fromkeys(table["scheme"]))
    limited = with_limit(table)
    others = table[~table["scheme"].isin(limited["scheme"])]
    eigenvalue = r"$\lambda_{\min}(K_n^l)$ of $\langle h^l,h^l\rangle/n$"
    shown = {}
    if len(limited) or not len(others):
        shown["Kernels with a limit"] = limited
    if len(others):
        shown["Kernels that vary with $n$"] = others
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 2.6))
        axes = figure.subplots(1, 1 + len(shown))
        _errors(axes[0], table, looked)
        for ax, (title, rows) in zip(axes[1:], shown.items(), strict=True):
            _least(ax, rows, looked)
            ax.set_title(title)
            ax.set_ylabel(eigenvalue)
        panels.legend_above(figure, _handles(table, looked))
    return figure


def _errors(ax: Axes, table: pd.DataFrame, looked: dict[str, style.Look]) -> None:
    """The error of h in the last layer, paler in the first, with the expected law below."""
    rows = table[table["kind"] == "h"]
    lowest = []
    layers = sorted(set(rows["layer"]))
    for scheme, look in looked.items():
        own = rows[rows["scheme"] == scheme]
        for layer in dict.fromkeys([*layers[:1], *layers[-1:]]):
            points = curve(own[own["layer"] == layer], "error", "width")
            panels.draw_curve(ax, points, look, second=layer != layers[-1])
            lowest += points["mean"].head(1).tolist()
    widths = _widths(table)
    if lowest:
        ends = np.array([widths[0], widths[-1]])
        guide = 0.8 * min(lowest) * (ends / ends[0]) ** EXPECTED
        ax.plot(ends, guide, color="black", ls=DOTTED, lw=0.9, zorder=5)
    style.width_axis(ax, widths)
    style.value_axis(ax)
    panels.say_if_empty(ax)
    ax.set_title("Distance to the closed form")
    ax.set_ylabel(r"$\|K_n^l-K^l\|_F\,/\,\|K^l\|_F$ of $h^l$")


def _least(ax: Axes, table: pd.DataFrame, looked: dict[str, style.Look]) -> None:
    """Measured least eigenvalues layer by layer, with those of the closed form dotted."""
    rows = table[table["kind"] == "h"]
    widths = _widths(rows)
    for layer in sorted(set(rows["layer"])):
        for scheme in dict.fromkeys(rows["scheme"]):
            own = rows[(rows["scheme"] == scheme) & (rows["layer"] == layer)]
            least = own.rename(
                columns={"min_eig": "gram_min_eig", "limit_mean_eig": "gram_mean_eig"}
            )
            points = curve(least, "gram_min_eig", "width")
            panels.draw_curve(ax, points, looked[scheme])
            limit = own.groupby("width")["limit_min_eig"].first().dropna()
            ax.plot(limit.index, limit, color="black", ls=DOTTED, lw=0.9, zorder=5)
        end = rows[(rows["layer"] == layer) & (rows["width"] == widths[-1])]["limit_min_eig"].max()
        if np.isfinite(end):
            place, gap = (widths[-1], end), (5, 0)
            ax.annotate(
                f"$l={layer}$", place, gap, textcoords="offset points", va="center", fontsize=7
            )
    style.width_axis(ax, widths, most=4)
    style.value_axis(ax)
    if widths:
        # Room for the layers' names.
        ax.set_xlim(right=widths[-1] * (widths[-1] / widths[0]) ** 0.25 * 1.2)
    panels.say_if_empty(ax)


def _widths(table: pd.DataFrame) -> list[int]:
    return sorted({int(width) for width in table["width"]})


def _handles(table: pd.DataFrame, looked: dict[str, style.Look]) -> list[Artist]:
    handles = panels.scheme_handles(looked)
    if table["layer"].nunique() > 1:
        label = f"left: layer {table['layer'].min()} (filled: layer {table['layer'].max()})"
        handles.append(
            Line2D([], [], color=style.GREY, marker="o", mfc="white", lw=0.8, label=label)
        )
    handles.append(
        Line2D(
            [],
            [],
            color="black",
            ls=DOTTED,
            lw=0.9,
            label=r"$\propto n^{-1/2}$ (left), closed form",
        )
    )
    return [*handles, *panels.seed_handles(table["seed"].nunique())]
