"""Theorem 4.5: the least eigenvalue's limit at n = ∞ through training, layer by layer."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from infwidth.drawing import panels, style
from infwidth.drawing.style import GREY, Look

# What is told apart by look in each row of panels.
ROWS: Mapping[str, str] = {"experiment": "scheme", "activation": "activation"}


FALLING = (0, (1, 2))


def draw(table: pd.DataFrame) -> Figure:
    """Layers in columns; schemes in the first row, activations under µP in the second.

    Args:
        table: independence.csv.
    """
    rows = {name: of for name, of in ROWS.items() if (table["training"] == name).any()}
    layers = sorted(set(table["layer"])) or [1]
    with style.applied():
        size = (max(style.TEXT_WIDTH, 1.7 * len(layers)), 0.75 + 1.85 * max(len(rows), 1))
        figure = Figure(figsize=size)
        axes = figure.subplots(
            max(len(rows), 1), len(layers), sharex="row", sharey="row", squeeze=False
        )
        for row, (training, told) in zip(axes, rows.items(), strict=False):
            part = table[table["training"] == training]
            looked = style.looks(dict.fromkeys(part[told]))
            for ax, layer in zip(row, layers, strict=True):
                _panel(ax, part[part["layer"] == layer], told, looked)
                style.step_axis(ax, part["step"], label=training == list(rows)[-1])
                ax.set_title(f"{_what(part, training)}, layer {layer}")
            row[0].set_ylabel(r"$\lim_{n\to\infty}\,\lambda_{\min}(K_t)/n$")
            row[0].legend(handles=panels.scheme_handles(looked), loc="best", handlelength=3)
        for ax in axes.flat:
            style.value_axis(ax)
            panels.say_if_empty(ax)
        panels.legend_above(figure, _marks(table))
    return figure


def _what(part: pd.DataFrame, training: str) -> str:
    samples = f"$N={part['samples'].iloc[0]}$"
    if training == "experiment":
        return f"{part['activation'].iloc[0]}, {samples}"
    return f"{part['scheme'].iloc[0]}, {samples}"


def _panel(ax: Axes, rows: pd.DataFrame, told: str, looked: Mapping[str, Look]) -> None:
    """Limits with their intervals; where none is above 0, the value at the largest width."""
    for name, look in looked.items():
        for kind in ("x", "h"):
            curve = rows[(rows[told] == name) & (rows["kind"] == kind)].sort_values("step")
            curve = curve.set_index("step")
            above = curve["limit"].where(curve["limit"] > 0)
            shown = pd.DataFrame(
                {"mean": above, "low": curve["limit_low"], "high": curve["limit_high"]}
            )
            panels.draw_curve(ax, shown.assign(upper=False), look, second=kind == "x")
            ax.plot(
                curve.index,
                curve["value"].where(above.isna()),
                color=look.color,
                ls=FALLING,
                lw=0.7,
                marker="v",
                ms=4.2 if kind == "h" else 2.8,
                mfc="none",
                mew=0.8 if kind == "h" else 0.5,
                alpha=1.0 if kind == "h" else 0.6,
            )


def _marks(table: pd.DataFrame) -> list[Artist]:
    """Legend entries for kinds, bands and what vanishes."""
    handles: list[Artist] = [
        Line2D([], [], color=GREY, marker="o", mfc=face, lw=0.8, label=kind, mew=0.6)
        for kind, face in (("$h$", GREY), (r"$x=\varphi(h)$", "white"))
    ]
    handles.append(Patch(color=GREY, alpha=0.3, lw=0, label="95 % interval over seeds"))
    if not (table["limit"] > 0).all():
        label = r"no limit above 0: value at the largest $n$"
        handles.append(
            Line2D(
                [], [], color=GREY, ls=FALLING, lw=0.7, marker="v", mfc="none", ms=4.2, label=label
            )
        )
    return handles
