"""Assumption 4.1: how well the inputs meet it, and what violations of it make dependent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter

from infwidth.drawing import panels, style
from infwidth.theory.inputs.judge import states

DOTTED = (0, (1, 2))
GUIDE: dict[str, Any] = {"color": "black", "ls": DOTTED, "lw": 0.9}
# Column of the table, label, look, and the power of N that random inputs would give: their products
# have a density at zero, of which there are N²/2, and so have the N³/2 differences.
CURVES = (
    (
        "least_inner_product",
        r"least $|\langle\xi_i,\xi_j\rangle|$",
        replace(style.SPARE[0], marker="o", dashes="-"),
        -2,
    ),
    (
        "least_gap",
        r"least $||\langle\xi_i,\xi_j\rangle|-|\langle\xi_i,\xi_k\rangle||$",
        replace(style.SPARE[1], marker="s", dashes="-"),
        -3,
    ),
)
# Hatched, since in grey it is as light as a middling blue.
DEPENDENT: dict[str, Any] = {
    "facecolor": style.KNOWN["µP"].color, "hatch": "xxxxx", "edgecolor": "white",
}  # fmt: skip
UNKNOWN: dict[str, Any] = {"facecolor": "0.85", "hatch": "/////", "edgecolor": "0.5"}
COLOURS = "Blues_r"
WORDS = {"two negated pairs": "two negated\npairs", "none": "none:\nas assumed"}


def draw(separation: pd.DataFrame, violations: pd.DataFrame) -> Figure:
    """Separation against the number of inputs; a matrix of what each violation breaks.

    Args:
        separation: as from `infwidth.theory.inputs.measure.separation`.
        violations: as from `infwidth.theory.inputs.measure.violations`.
    """
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 3.6))
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
        _separation(left, separation)
        _matrix(figure, right, violations)
    return figure


def _separation(ax: Axes, table: pd.DataFrame) -> None:
    counts = table["samples"].to_numpy(dtype=np.float64)
    for column, _, look, power in CURVES:
        values = table[column].to_numpy(dtype=np.float64)
        # Few enough inputs to mark each; of many, those that lower the minimum are steps anyway.
        every = max(1, len(counts) // 32)
        ax.plot(counts, values, **look.drawn, markevery=every, zorder=3)
        shown = values > 0
        if shown.any():
            # At the level of the whole curve: its geometric mean.
            level = np.exp(np.mean(np.log(values[shown]) - power * np.log(counts[shown])))
            ax.plot(counts[shown], level * counts[shown] ** power, **GUIDE, zorder=2)
    ax.plot(counts, table["resolution"], color=style.GREY, lw=1.0)
    ax.set_xscale("log")
    style.value_axis(ax)
    ticks = [2**power for power in range(1, 20) if 2**power <= counts[-1]]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FixedFormatter([str(tick) for tick in ticks]))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(r"number $N$ of inputs, $\|\xi_i\|=1$")
    ax.set_ylabel("separation of the first $N$ inputs")
    ax.set_title("Assumption 4.1 on the training inputs")
    # The room between the inputs' separation and the rounding is empty, if the assumption holds.
    ax.legend(handles=_handles(), loc="lower left", bbox_to_anchor=(0.0, 0.06))
    panels.say_if_empty(ax)


def _matrix(figure: Figure, ax: Axes, table: pd.DataFrame) -> None:
    """A row per violation and activation, a column per layer and kind."""
    found = states(table)
    last = table[table["step"] == table["step"].max()]
    places = list(next(iter(found.values()), {}))
    ratios = (last["min_eig"] / last["mean_eig"]).where(last["min_eig"] > last["resolution"])
    low, high = float(ratios.min()), float(ratios.max())
    norm = LogNorm(low, high) if 0 < low < high else LogNorm(1e-3, 1)
    image = np.full((len(found), len(places)), np.nan)
    for row, (key, own) in enumerate(found.items()):
        for column, (place, state) in enumerate(own.items()):
            if state.both is False:
                _cell(ax, row, column, **DEPENDENT)
            elif state.both is None:
                _cell(ax, row, column, **UNKNOWN)
            else:
                image[row, column] = _ratio(last, *key, place)
    drawn = ax.imshow(image, aspect="auto", cmap=COLOURS, norm=norm, interpolation="none")
    ax.grid(visible=False)
    kinds = [rf"${place[0]}^{{{place[1:]}}}$" for place in places]
    ax.set_xticks(range(len(places)), kinds)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.set_yticks(range(len(found)), [activation for _, activation in found], fontsize=6.2)
    _violation_names(ax, [violation for violation, _ in found], len(places))
    bar = figure.colorbar(drawn, ax=ax, pad=0.02, aspect=30)
    bar.set_label(
        rf"independent: $\lambda_{{\min}}\,/\,$mean eigenvalue at step $t={last['step'].max()}$"
    )
    bar.outline.set_linewidth(0.4)
    ax.set_title("What a violation of it makes dependent")
    size = f"$n={last['width'].max()}$, $N={last['samples'].max()}$"
    handles = [Patch(**DEPENDENT, lw=0, label=f"dependent at step $0$ and $t$ ({size})")]
    if any(patch.get_hatch() == UNKNOWN["hatch"] for patch in ax.patches):
        handles.append(Patch(**UNKNOWN, lw=0, label="unknown or changing"))
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.4, -0.005), ncols=2)


def _cell(ax: Axes, row: int, column: int, **looks: str) -> None:
    ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, lw=0, **looks))  # type: ignore[arg-type]


def _ratio(last: pd.DataFrame, violation: str, activation: str, place: str) -> float:
    """Geometric mean over seeds of λ_min over the mean eigenvalue."""
    own = (last["violation"] == violation) & (last["activation"] == activation)
    rows = last[own & (last["layer"] == int(place[1:])) & (last["kind"] == place[0])]
    return float(np.exp(np.log(rows["min_eig"] / rows["mean_eig"]).mean()))


def _violation_names(ax: Axes, names: Sequence[str], columns: int) -> None:
    """Names to the left of the activations, rules between the violations, and between cells."""
    for row in range(1, len(names)):
        new = names[row] != names[row - 1]
        ax.axhline(row - 0.5, color="black" if new else "white", lw=0.8 if new else 0.4, zorder=4)
    for column in range(1, columns):
        ax.axvline(column - 0.5, color="white", lw=0.4 if column % 2 else 1.6, zorder=3)
    for name in dict.fromkeys(names):
        rows = [row for row, other in enumerate(names) if other == name]
        ax.text(
            -0.19,
            sum(rows) / len(rows),
            WORDS.get(name, name),
            transform=ax.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=7,
            linespacing=1.0,
        )


def _handles() -> list[Artist]:
    handles: list[Artist] = [
        Line2D([], [], label=label, **look.drawn) for _, label, look, _ in CURVES
    ]
    handles.append(Line2D([], [], **GUIDE, label=r"$\propto N^{-2},\,N^{-3}$: random inputs"))
    handles.append(Line2D([], [], color=style.GREY, lw=1.0, label="rounding of an inner product"))
    return handles
