"""Outputs of finite networks: how far from n = ∞ at each width, and what networks share of it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infwidth.drawing import panels, style
from infwidth.measures.reading import curve
from infwidth.theory.outputs.judge import enough

GUIDES = {-0.5: (0, (1, 2)), -1.0: (0, (4, 1.5, 1, 1.5))}
LEVELS = {"10 %": 0.1, "1 %": 0.01}
STARRED = 0.01
# Above this width nothing is drawn, and under that height.
MOST_WIDTH, LEAST_HEIGHT = 2**20, 3e-4


def draw(outputs: pd.DataFrame, offsets: pd.DataFrame) -> Figure:
    """Differences on test images at three steps, and offsets on trained ones at the last.

    Args:
        outputs: outputs.csv.
        offsets: offsets.csv.
    """
    looked = style.looks(dict.fromkeys(outputs["scheme"]))
    own, common = (table[table["inputs"] == "test"] for table in (outputs, offsets))
    trained = offsets[offsets["inputs"] == "trained"]
    steps = sorted({int(step) for step in own["step"]})
    widths = {int(width) for width in own["width"]}
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 4.6))
        axes = figure.subplots(2, 2).ravel()
        for ax, step in zip(axes[:3], steps, strict=False):
            _differences(ax, own[own["step"] == step], common[common["step"] == step], looked)
            ax.set_title(f"Test images, step {step}")
        _offsets(axes[3], trained[trained["step"] == trained["step"].max()], looked)
        axes[3].set_title(f"In common on trained images, step {max(steps, default=0)}")
        for ax in axes[:3]:
            style.width_axis(ax, {*widths, MOST_WIDTH}, label=ax is axes[2])
            ax.set_xticks([2.0**power for power in range(4, 21, 4)])
            ax.set_xticklabels([f"$2^{{{power}}}$" for power in range(4, 21, 4)])
        style.width_axis(axes[3], widths)
        for ax in axes:
            panels.say_if_empty(ax)
        for ax in axes[::2]:
            ax.set_ylabel(r"$\|f_{n,t}-f_{\infty,t}\|$, root mean square")
        panels.legend_above(figure, _handles(looked))
    return figure


def _differences(
    ax: Axes, table: pd.DataFrame, offsets: pd.DataFrame, looked: Mapping[str, style.Look]
) -> None:
    for scheme, look in looked.items():
        own, common = (each[each["scheme"] == scheme] for each in (table, offsets))
        panels.draw_curve(ax, curve(own, "difference", "width"), look)
        if len(common) and np.isinf(common["limit_width"]).all():
            spread = common.assign(value=np.sqrt(common["spread_square"]))
            panels.draw_curve(ax, curve(spread, "value", "width"), look, second=True)
        width = enough(own, common, STARRED) if len(common) else None
        widest = float(own["width"].max())
        if width is not None and widest < width.value < MOST_WIDTH:
            last = own.loc[own["width"] == widest, "difference"].mean()
            ends = np.array([[widest, width.value], [last, STARRED]])
            ax.plot(*ends, color=look.color, lw=0.5, ls=look.dashes, zorder=2)
            ax.plot(*ends[:, 1], color=look.color, marker="*", ms=7, mew=0.3, mec="white")
    _guides(ax, table)
    for name, level in LEVELS.items():
        ax.axhline(level, color="0.6", lw=0.6, zorder=1)
        ax.annotate(
            name, (1, level), (-2, 2), ("axes fraction", "data"), "offset points",
            ha="right", fontsize=6.5, color="0.4",
        )  # fmt: skip
    ax.set_yscale("log")
    ax.set_ylim(LEAST_HEIGHT, 3)


def _guides(ax: Axes, table: pd.DataFrame) -> None:
    """Powers of n from one point on, below the curves."""
    if table.empty:
        return
    ends = np.array([table["width"].min(), table["width"].max()], dtype=float)
    for slope, dashes in GUIDES.items():
        ax.plot(ends, 0.05 * (ends / ends[0]) ** slope, color="black", ls=dashes, lw=0.8)


def _offsets(ax: Axes, table: pd.DataFrame, looked: Mapping[str, style.Look]) -> None:
    """Square roots, with three standard errors of the square; those under them are left out."""
    for place, (scheme, look) in enumerate(looked.items()):
        own = table[table["scheme"] == scheme].sort_values("width")
        square, error = (own[name].to_numpy(float) for name in ("offset_square", "offset_error"))
        ends = np.sqrt(np.clip([square, square - 3 * error, square + 3 * error], 0, None))
        told = square > 0
        ax.errorbar(
            own["width"].to_numpy(float)[told] * 1.06 ** (place - (len(looked) - 1) / 2),
            ends[0][told],
            np.abs(ends[1:] - ends[0])[:, told],
            elinewidth=0.8,
            **look.drawn,
        )
    _guides(ax, table)
    ax.set_yscale("log")
    ax.set_ylim(LEAST_HEIGHT, 3)


def _handles(looked: Mapping[str, style.Look]) -> list[Artist]:
    handles = panels.scheme_handles(looked)
    handles.append(
        Line2D([], [], color=style.GREY, marker="o", mfc="white", lw=0.7, label="spread")
    )
    for slope, label in ((-0.5, r"$\propto n^{-1/2}$"), (-1.0, r"$\propto n^{-1}$")):
        handles.append(Line2D([], [], color="black", ls=GUIDES[slope], lw=0.8, label=label))
    handles.append(
        Line2D([], [], color=style.GREY, marker="*", ms=7, mew=0, ls="none", label="reaches 1 %")
    )
    return handles
