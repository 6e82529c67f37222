"""What the pre-activations of the last hidden layer move by, scheme by scheme."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infwidth.drawing import panels, style
from infwidth.measures.reading import curve

# Not the schemes' looks: schemes are columns here.
LOOKS: Mapping[str, style.Look] = {
    "gaussian": replace(style.SPARE[0], dashes="-", line=1.6),
    "onsager": replace(style.SPARE[1], dashes=(0, (4, 1))),
    "learned": replace(style.SPARE[5], dashes="-", line=0.9),
}
LABELS: Mapping[str, str] = {
    "gaussian": r"Gaussian part $\hat{Z}^{W_0\delta x_t}$",
    "onsager": r"Onsager part $\dot{Z}^{W_0\delta x_t}$",
    "learned": r"learned part $(W_t-W_0)\,x_t$",
}
SYMBOLS: Mapping[str, str] = {
    "gaussian": r"$\hat{Z}$",
    "onsager": r"$\dot{Z}$",
    "learned": r"$\Delta W$",
}
DOTTED = (0, (1, 2))


def draw(table: pd.DataFrame) -> Figure:
    """Sizes against the step at the largest and the smallest width, and shares in the end.

    Args:
        table: as from `infwidth.theory.decomposition.measure.decomposition_table`, of all schemes.
    """
    schemes = list(dict.fromkeys(table["scheme"]))
    layer = table["layer"].max()
    deepest = table[table["layer"] == layer]
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 3.7))
        axes = figure.subplots(
            2, max(len(schemes), 1), sharey="row", squeeze=False, height_ratios=(2, 1)
        )
        for (sizes, shares), scheme in zip(axes.T, schemes, strict=False):
            own = deepest[deepest["scheme"] == scheme]
            _sizes(sizes, own)
            sizes.set_title(scheme)
            _shares(shares, own)
        style.value_axis(axes[0, 0])
        where = f"last hidden layer ({layer})"
        axes[0, 0].set_ylabel(rf"size $\|\mathrm{{part}}\|_F\,/\,\|h_0\|_F$, {where}")
        axes[1, 0].set_ylabel("share in $\\delta h_T$\n(they add up to 1)")
        for ax in axes.flat:
            panels.say_if_empty(ax)
        widths = sorted({int(width) for width in deepest["width"]})
        panels.legend_above(figure, _handles(widths, len(set(table["seed"]))))
    return figure


def _sizes(ax: Axes, table: pd.DataFrame) -> None:
    widths = sorted({int(width) for width in table["width"]})
    for part, look in LOOKS.items():
        own = table[table["part"] == part]
        for width in dict.fromkeys((*widths[:1], *widths[-1:])):
            points = curve(own[own["width"] == width], "size", "step")
            panels.draw_curve(ax, points, look, second=width != widths[-1])
    ax.axhline(1, color="black", ls=DOTTED, lw=0.9, zorder=1)
    style.step_axis(ax, table["step"])


def _shares(ax: Axes, table: pd.DataFrame) -> None:
    """Bars at the last step and the largest width: mean and range over seeds."""
    last = table[(table["step"] == table["step"].max()) & (table["width"] == table["width"].max())]
    for place, (part, look) in enumerate(LOOKS.items()):
        shares = last.loc[last["part"] == part, "share"].dropna()
        if shares.empty:
            continue
        mean = float(shares.mean())
        # Equal shares may differ from their mean by its rounding.
        ends = [[max(end, 0.0)] for end in (mean - shares.min(), shares.max() - mean)]
        error = {"elinewidth": 0.8, "capsize": 2, "ecolor": style.GREY}
        ax.bar(place, mean, 0.66, color=look.color, alpha=0.8, yerr=ends, error_kw=error)
        top = max(float(shares.max()), 0.0)
        ax.annotate(
            f"{mean:.2f}".replace("-", "−"),
            (place, top),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=7,
        )
    ax.axhline(0, color="black", lw=0.6)
    ax.margins(y=0.2)
    ax.grid(visible=False, axis="x")
    ax.set_xticks(range(len(LOOKS)), [SYMBOLS[part] for part in LOOKS])


def _handles(widths: list[int], seeds: int) -> list[Artist]:
    handles: list[Artist] = [
        Line2D([], [], label=LABELS[part], **look.drawn) for part, look in LOOKS.items()
    ]
    if widths:
        largest = style.width_label(widths[-1])
        handles.append(Line2D([], [], color=style.GREY, marker="o", ms=3.6, label=largest))
    if len(widths) > 1:
        hollow = Line2D([], [], color=style.GREY, marker="o", mfc="white", lw=0.7, alpha=0.7)
        hollow.set_label(style.width_label(widths[0]))
        handles.append(hollow)
    handles.append(Line2D([], [], color="black", ls=DOTTED, lw=0.9, label=r"size of $h_0$"))
    return [*handles, *panels.seed_handles(seeds)]
