"""The error of covariance preservation against the width, forward and backward, early and late."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infwidth.drawing import panels, style
from infwidth.measures.reading import curve
from infwidth.theory.covariance.judge import moment_errors
from infwidth.theory.covariance.names import DIRECTIONS

TITLES: Mapping[tuple[str, str], str] = {
    ("forward", "at initialisation"): r"Forward, at initialisation: $v=x_0$",
    ("forward", "at the last step"): r"Forward, after training: $v=\delta x_T$",
    ("backward", "at initialisation"): r"Backward, at initialisation: $v=dh_0$",
    ("backward", "at the last step"): r"Backward, after training: $v=dh_T$",
}
PRODUCTS: Mapping[str, str] = {"forward": r"\hat{Z}^{W_0v}", "backward": r"\hat{Z}^{W_0^\top v}"}
DOTTED = (0, (1, 2))


def draw(table: pd.DataFrame) -> Figure:
    """Four panels; what the Onsager part would add to the error is hollow.

    Args:
        table: as from `infwidth.theory.covariance.measure.covariance_table`, of all schemes.
    """
    looked = style.looks(dict.fromkeys(table["scheme"]))
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 4.1))
        axes = figure.subplots(2, 2, sharex=True, sharey=True)
        for row, direction in zip(axes, DIRECTIONS, strict=True):
            for ax, moment in zip(row, ("at initialisation", "at the last step"), strict=True):
                _panel(ax, table, direction, moment)
            product = PRODUCTS[direction]
            row[0].set_ylabel(
                rf"relative error of $\langle {product},\, {product}\rangle\,/\,n$"
                "\n"
                r"beside $\sigma^2\langle v,\, v\rangle$ (Frobenius norm)"
            )
        for ax in axes[0]:
            ax.set_xlabel("")
        style.value_axis(axes[0, 0])
        panels.legend_above(figure, _handles(looked, len(set(table["seed"]))))
    return figure


def _panel(ax: Axes, table: pd.DataFrame, direction: str, moment: str) -> None:
    errors = moment_errors(table[table["direction"] == direction], moment)
    for scheme, look in style.looks(dict.fromkeys(table["scheme"])).items():
        own = errors[errors["scheme"] == scheme]
        panels.draw_curve(ax, curve(own, "error", "width"), look)
        if moment == "at the last step":
            panels.draw_curve(ax, curve(own, "error_whole", "width"), look, second=True)
    expected = curve(errors, "sampling_error", "width")["mean"]
    if len(expected):
        ax.plot(expected.index, expected, color="black", ls=DOTTED, lw=0.9, zorder=5)
    style.width_axis(ax, [int(width) for width in table["width"]])
    panels.say_if_empty(ax)
    ax.set_title(TITLES[direction, moment])


def _handles(looked: Mapping[str, style.Look], seeds: int) -> list[Artist]:
    handles = panels.scheme_handles(looked)
    hollow = Line2D([], [], color=style.GREY, marker="o", mfc="white", ms=3.9, lw=0.7, alpha=0.7)
    hollow.set_label("with the Onsager part")
    dotted = Line2D([], [], color="black", ls=DOTTED, lw=0.9)
    dotted.set_label(r"expected of $n$ Gaussian units, $\propto n^{-1/2}$")
    handles += [hollow, dotted]
    return [*handles, *panels.seed_handles(seeds)]
