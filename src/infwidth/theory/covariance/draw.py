"""The lemma, scheme by scheme: errors beside those of sampling, and how kernels scatter."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infwidth.drawing import panels, style
from infwidth.measures.reading import curve
from infwidth.theory.covariance.laws import LATE, MOMENTS, moment_errors, of_moment
from infwidth.theory.covariance.names import DIRECTIONS

# Not the schemes' looks: schemes are columns here.
LOOKS: Mapping[str, style.Look] = {
    "at initialisation": replace(style.SPARE[3], marker="o", dashes="-", line=2.0, size=5.0),
    "early in training": replace(style.SPARE[0], marker="s", dashes=(0, (4, 1)), line=1.4),
    "at the last step": replace(style.SPARE[1], marker="D", dashes="-", line=1.0),
}
PRODUCTS: Mapping[str, str] = {"forward": r"W_0\,\delta x_t", "backward": r"W_0^\top dh_t"}
DOTTED = (0, (1, 2))


def draw(table: pd.DataFrame, kernels: pd.DataFrame) -> Figure:
    """A column for each scheme; two rows of errors, two of variances.

    Args:
        table: covariance.csv.
        kernels: kernels_in_training.csv.
    """
    schemes = list(dict.fromkeys(table["scheme"]))
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 5.5))
        axes = figure.subplots(4, max(len(schemes), 1), sharex="col", sharey="row", squeeze=False)
        for column, scheme in zip(axes.T, schemes, strict=False):
            column[0].set_title(scheme)
            for place, direction in enumerate(DIRECTIONS):
                errors, own = (
                    each[(each["scheme"] == scheme) & (each["direction"] == direction)]
                    for each in (table, kernels)
                )
                _errors(column[place], errors)
                _variances(column[2 + place], own)
        for place, direction in enumerate(DIRECTIONS):
            product = PRODUCTS[direction]
            axes[place, 0].set_ylabel(f"error of $\\hat{{Z}}^{{{product}}}$\nbeside sampling alone")
            kernel = r"\delta x" if direction == "forward" else "dh"
            axes[2 + place, 0].set_ylabel(
                f"$n\\times$ variance over seeds\nof $\\langle {kernel}_s,{kernel}_t\\rangle$"
            )
            style.value_axis(axes[place, 0])
            style.value_axis(axes[2 + place, 0])
        for ax in axes.flat:
            panels.say_if_empty(ax)
        for ax in axes[:3].flat:
            ax.set_xlabel("")
        panels.legend_above(figure, _handles(table["seed"].nunique()))
    return figure


def _errors(ax: Axes, table: pd.DataFrame) -> None:
    for moment, look in LOOKS.items():
        errors = moment_errors(table, moment)
        for value in ("limit_error", "limit_error_whole")[: 1 + (moment in LATE)]:
            ratios = errors.assign(ratio=errors[value] / errors["sampling_error"])
            points = curve(ratios, "ratio", "width")
            panels.draw_curve(ax, points, look, second=value == "limit_error_whole")
    ax.axhline(1, color="black", ls=DOTTED, lw=0.9, zorder=1)
    style.width_axis(ax, [int(width) for width in table["width"]], most=4)


def _variances(ax: Axes, kernels: pd.DataFrame) -> None:
    for moment, look in LOOKS.items():
        rows = of_moment(kernels, moment)
        squares = rows.assign(square=rows["contrast"] ** 2)
        means = squares.groupby(["width", "seed"], as_index=False)["square"].mean()
        points = curve(means.assign(scaled=means["width"] * means["square"]), "scaled", "width")
        panels.draw_curve(ax, points, look)
    style.width_axis(ax, [int(width) for width in kernels["width"]], most=4)


def _handles(seeds: int) -> list[Artist]:
    handles: list[Artist] = [
        Line2D([], [], label=moment, **LOOKS[moment].drawn) for moment in MOMENTS
    ]
    hollow = Line2D([], [], color=style.GREY, marker="D", mfc="white", ms=3.6, lw=0.7, alpha=0.7)
    hollow.set_label("the same with the Onsager part")
    dotted = Line2D([], [], color="black", ls=DOTTED, lw=0.9, label=r"sampling $n$ units alone")
    return [*handles, hollow, dotted, *panels.seed_handles(seeds)]
