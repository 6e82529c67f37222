"""Losses against the step, a column per scheme; accuracies and losses at the end, by width."""

from collections.abc import Mapping

import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from infwidth.drawing import panels, style
from infwidth.drawing.labels import End, at_the_right
from infwidth.drawing.style import GREY, Look
from infwidth.measures.losses import ENDS, ends
from infwidth.measures.reading import Measurements, curve

ACROSS = 4
LOSSES = ("train_loss", "test_loss")
# Of an axis of accuracies.
LEAST_SPAN = 0.1


def draw(measured: Measurements) -> Figure:
    """Above, pairs of rows (training, test) of up to four schemes each; below, the last step."""
    looked = style.looks(measured.schemes)
    blocks = max(1, -(-len(looked) // ACROSS))
    with style.applied():
        heights = (0.45 + 2.4 * blocks, 1.75)
        figure = Figure(figsize=(style.TEXT_WIDTH, sum(heights)))
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
        _in_time(above, measured, looked, blocks)
        row = below.subplots(1, len(ENDS))
        for ax, (quantity, name) in zip(row, ENDS.items(), strict=True):
            _at_the_end(ax, measured, quantity, looked)
            ax.set_title(name.capitalize())
        handles = panels.width_handles(panels.few_widths(measured.widths))
        handles += [*_bands(measured.seeds), *panels.mark_handles(measured, uppers=False)[1:]]
        panels.legend_above(figure, handles)
    return figure


def _bands(seeds: int) -> list[Artist]:
    label = f"range over {seeds} seeds; below, 95 % interval"
    return [Patch(color=GREY, alpha=0.3, lw=0, label=label)] if seeds > 1 else []


def _in_time(
    figure: SubFigure, measured: Measurements, looked: Mapping[str, Look], blocks: int
) -> None:
    columns = max(1, -(-len(looked) // blocks))
    axes = figure.subplots(2 * blocks, columns, sharex=True, sharey="row", squeeze=False)
    for place, (scheme, look) in enumerate(looked.items()):
        block, column = divmod(place, columns)
        for row, loss in enumerate(LOSSES):
            ax = axes[2 * block + row, column]
            _panel(ax, measured, scheme, loss, look)
            ax.set_title(scheme if row == 0 else "")
    for row, loss in zip(axes, LOSSES * blocks, strict=True):
        row[0].set_ylabel(ENDS[loss])
        for ax in row:
            style.value_axis(ax)
            style.step_axis(ax, measured.runs["step"], label=False)
            panels.say_if_empty(ax)
    figure.supxlabel("training step $t$", fontsize=8)
    for column in range(len(looked) - columns * (blocks - 1), columns):
        for ax in axes[-2:, column]:
            ax.set_visible(False)
        axes[-3, column].tick_params(labelbottom=True)


def _panel(ax: Axes, measured: Measurements, scheme: str, loss: str, look: Look) -> None:
    shown = panels.few_widths(measured.widths)
    shades = sns.light_palette(look.color, len(shown) + 2)[2:]
    runs = measured.runs[measured.runs["scheme"] == scheme]
    for (width, dashes), shade in zip(shown.items(), shades, strict=True):
        points = curve(runs[runs["width"] == width], loss, "step")
        if len(points):
            ax.plot(points.index, points["mean"], color=shade, ls=dashes)
            ax.fill_between(
                points.index, points["low"], points["high"], color=shade, alpha=0.2, lw=0
            )
    lost = measured.diverged[measured.diverged["scheme"] == scheme]
    panels.crosses(ax, lost["step"].tolist(), look.color)


def _at_the_end(
    ax: Axes, measured: Measurements, quantity: str, looked: Mapping[str, Look]
) -> None:
    """A quantity against the width, with its scheme's name where each curve ends."""
    table = ends(measured.runs, quantity).rename(columns={"value": "mean"}).assign(upper=False)
    names = []
    for scheme, look in looked.items():
        points = table[table["scheme"] == scheme].dropna(subset="mean").set_index("width")
        points = points.sort_index()
        panels.draw_curve(ax, points, look)
        if len(points):
            names.append(End(scheme, float(points["mean"].iloc[-1]), look.color))
    panels.mark_diverged(ax, measured, looked)
    style.width_axis(ax, measured.widths, most=3)
    if quantity in LOSSES:
        style.value_axis(ax)
    else:
        _accuracy_axis(ax, table["mean"].dropna())
    panels.say_if_empty(ax)
    at_the_right(ax, names)


def _accuracy_axis(ax: Axes, accuracies: "pd.Series[float]") -> None:
    """A linear axis that ends at 1, and on which a seed's image more or less is no mountain."""
    if not len(accuracies):
        ax.set_yticks([])
        return
    low, high = accuracies.min(), accuracies.max()
    margin = max(0.15 * (high - low), LEAST_SPAN / 2)
    ax.set_ylim(max(low - margin, -0.02), min(high + margin, 1.02))
    ax.yaxis.set_major_locator(MaxNLocator(4))
