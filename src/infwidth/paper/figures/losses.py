"""Training and test loss against the step, one column per scheme, at three widths."""

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infwidth.drawing import panels, style
from infwidth.drawing.style import Look
from infwidth.measures.reading import Measurements, curve

ACROSS = 4
LOSSES = {"train_loss": "training loss", "test_loss": "test loss"}


def draw(measured: Measurements) -> Figure:
    """Pairs of rows (training, test) of up to four schemes each."""
    looked = style.looks(measured.schemes)
    blocks = max(1, -(-len(looked) // ACROSS))
    columns = max(1, -(-len(looked) // blocks))
    with style.applied():
        figure = Figure(
            figsize=(
                style.TEXT_WIDTH if columns > 1 else style.COLUMN_WIDTH,
                0.45 + 2.7 * blocks,
            )
        )
        axes = figure.subplots(2 * blocks, columns, sharex=True, sharey="row", squeeze=False)
        for place, (scheme, look) in enumerate(looked.items()):
            block, column = divmod(place, columns)
            for row, loss in enumerate(LOSSES):
                ax = axes[2 * block + row, column]
                _panel(ax, measured, scheme, loss, look)
                ax.set_title(scheme if row == 0 else "")
        for row, name in zip(axes, list(LOSSES.values()) * blocks, strict=True):
            row[0].set_ylabel(name)
            for ax in row:
                style.value_axis(ax)
                style.step_axis(ax, measured.runs["step"], label=False)
                panels.say_if_empty(ax)
        figure.supxlabel("training step $t$", fontsize=8)
        for column in range(len(looked) - columns * (blocks - 1), columns):
            for ax in axes[-2:, column]:
                ax.set_visible(False)
            axes[-3, column].tick_params(labelbottom=True)
        handles = panels.width_handles(panels.few_widths(measured.widths))
        panels.legend_above(figure, [*handles, *panels.mark_handles(measured, uppers=False)])
    return figure


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
