"""λ_min along the order of the proof, and what fails where a hypothesis is broken."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from infwidth.drawing import panels, style
from infwidth.measures.reading import curve
from infwidth.theory.induction.judge import Place, states
from infwidth.theory.induction.names import (
    FEATURES,
    GAUSSIAN,
    GAUSSIAN_BACKWARD,
    LINEAR_ONE_LABEL,
    PREACTIVATIONS,
    REGULAR,
    SIGNALS,
)

SYMBOLS: Mapping[str, str] = {
    GAUSSIAN: r"\hat{Z}",
    PREACTIVATIONS: "h",
    FEATURES: "x",
    SIGNALS: "dh",
    GAUSSIAN_BACKWARD: r"\hat{Z}",
}
LOOKS: Mapping[str, style.Look] = {
    REGULAR: replace(style.SPARE[0], marker="o", dashes="-"),
    LINEAR_ONE_LABEL: replace(style.SPARE[1], marker="s", dashes=(0, (4, 1))),
}
ZERO: dict[str, Any] = {"facecolor": style.KNOWN["µP"].color, "hatch": "xxxxx"}
FALLS: dict[str, Any] = {"facecolor": style.KNOWN["NTP"].color, "hatch": "\\\\\\"}
OPEN: dict[str, Any] = {"facecolor": "0.85", "hatch": "......"}
INDEPENDENT: dict[str, Any] = {"facecolor": "0.97", "hatch": ""}


def draw(table: pd.DataFrame, tests: pd.DataFrame) -> Figure:
    """Two curves along the chain, each at the least and the largest width, over a matrix.

    Args:
        table: induction.csv.
        tests: induction_tests.csv, which is not drawn.
    """
    cases = list(dict.fromkeys(table["case"]))
    told = {case: states(table[table["case"] == case]) for case in cases}
    places = list(next(iter(told.values()), {}))
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 4.8))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.1, 1))
        _curves(upper, table, places)
        _matrix(lower, table, told, places)
        _training_steps(upper, lower, places)
        panels.say_if_empty(upper)
        figure.legend(handles=_handles(table), loc="outside upper center", ncols=4)
    return figure


def _curves(ax: Axes, table: pd.DataFrame, places: Sequence[Place]) -> None:
    order = {place: index for index, place in enumerate(places)}
    keys = zip(table["training_step"], table["proof_step"], table["layer"], strict=True)
    numbered = table.assign(place=[order.get(key, -1) for key in keys])
    ends = sorted({*numbered["width"]})
    for case, look in LOOKS.items():
        for width in dict.fromkeys((*ends[:1], *ends[-1:])):
            own = numbered[(numbered["case"] == case) & (numbered["width"] == width)]
            panels.draw_curve(ax, curve(own, "value", "place"), look, second=width != ends[-1])
    resolution = numbered[numbered["case"] == REGULAR].groupby("place")["resolution"].max()
    ax.plot(resolution.index, resolution, color=style.GREY, lw=1.0)
    style.value_axis(ax)
    ax.set_ylabel(r"$\lambda_{\min}\,/\,$mean eigenvalue")


def _matrix(
    ax: Axes,
    table: pd.DataFrame,
    told: Mapping[str, Mapping[Place, bool | None]],
    places: Sequence[Place],
) -> None:
    keys = ["case", "training_step", "proof_step", "layer"]
    rounding = table.groupby(keys)["fails"].all()
    for row, (case, own) in enumerate(told.items()):
        for column, place in enumerate(places):
            held = own.get(place)
            look = {True: INDEPENDENT, None: OPEN, False: FALLS}[held]
            if held is False and rounding[case, *place]:
                look = ZERO
            ax.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, lw=0.5, edgecolor="white", **look)
            )
    ax.set_xlim(-0.5, max(len(places), 1) - 0.5)
    ax.set_ylim(max(len(told), 1) - 0.5, -0.5)
    ax.grid(visible=False)
    ax.tick_params(length=0)
    names = [case.replace(", ", ",\n") for case in told]
    ax.set_yticks(range(len(told)), names, fontsize=6.5, linespacing=0.85)
    labels = [f"${SYMBOLS[proof]}^{{{layer}}}$" for _, proof, layer in places]
    ax.set_xticks(range(len(places)), labels, fontsize=6.5)
    ax.set_xlabel("the proof's families, in its order: forward through the layers, then backward")


def _training_steps(upper: Axes, lower: Axes, places: Sequence[Place]) -> None:
    """Lines between training steps and between the passes, and their names."""
    for column in range(1, len(places)):
        new = places[column][0] != places[column - 1][0]
        turned = places[column][1] == SIGNALS and places[column - 1][1] == FEATURES
        if new or turned:
            for ax in (upper, lower):
                ax.axvline(column - 0.5, color="black", lw=0.8 if new else 0.4, zorder=4)
    for step in dict.fromkeys(place[0] for place in places):
        columns = [column for column, place in enumerate(places) if place[0] == step]
        middle = sum(columns) / len(columns)
        where = upper.get_xaxis_transform()
        upper.text(
            middle, 1.02, f"training step $t={step}$", transform=where, ha="center", fontsize=8
        )


def _handles(table: pd.DataFrame) -> list[Line2D | Patch]:
    widths = sorted({int(width) for width in table["width"]})
    handles: list[Line2D | Patch] = [
        Line2D([], [], label=case, **look.drawn) for case, look in LOOKS.items()
    ]
    if widths:
        label = f"hollow: {style.width_label(widths[0])}, filled: {style.width_label(widths[-1])}"
        handles.append(
            Line2D([], [], color=style.GREY, marker="o", mfc="white", lw=0.7, label=label)
        )
    handles.append(Line2D([], [], color=style.GREY, lw=1.0, label="resolution"))
    named = (
        (INDEPENDENT, "independent"),
        (ZERO, "zero to rounding"),
        (FALLS, r"falls to zero with $n$"),
        (OPEN, "undetermined"),
    )
    handles += [
        Patch(lw=0.5, edgecolor="0.6" if look is INDEPENDENT else "white", label=name, **look)
        for look, name in named
    ]
    return handles
