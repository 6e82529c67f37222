"""The metrics of the last hidden layer against the training step, at two widths."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infwidth.drawing import panels, style
from infwidth.measures.metrics import DRAWN, Metric
from infwidth.measures.reading import Measurements, curve


def draw(measured: Measurements) -> Figure:
    """A row of panels for the largest width and, where there are several, one for the smallest."""
    widths = tuple(dict.fromkeys((*measured.widths[-1:], *measured.widths[:1])))
    looked = style.looks(measured.schemes)
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 0.45 + 1.65 * max(len(widths), 1)))
        grid = (max(len(widths), 1), len(DRAWN))
        axes = figure.subplots(*grid, sharex=True, sharey="col", squeeze=False)
        bounded = False
        for row, width in zip(axes, widths, strict=False):
            for ax, metric in zip(row, DRAWN, strict=True):
                bounded |= _panel(ax, measured, metric, width)
                ax.set_title(f"{metric.short_title or metric.title}, {style.width_label(width)}")
                ax.set_ylabel(metric.label("t"))
        for ax in axes[:-1].flat:
            ax.set_xlabel("")
        for ax in axes.flat:
            style.value_axis(ax)
            panels.say_if_empty(ax)
        handles = panels.scheme_handles(looked)
        handles += panels.mark_handles(measured, uppers=bounded)
        panels.legend_above(figure, handles)
    return figure


def _panel(ax: Axes, measured: Measurements, metric: Metric, width: int) -> bool:
    """Draw one metric at one width; return whether a point of it is an upper bound."""
    looked = style.looks(measured.schemes)
    features = measured.features()
    features = features[features["width"] == width]
    if metric.since_start:
        features = features[features["step"] > 0]
    bounded = False
    for scheme, look in looked.items():
        points = curve(features[features["scheme"] == scheme], metric.name, "step")
        bounded |= bool(points["upper"].any())
        panels.draw_curve(ax, points, look)
        lost = measured.diverged
        lost = lost[(lost["scheme"] == scheme) & (lost["width"] == width)]
        panels.crosses(ax, lost["step"].tolist(), look.color)
    style.step_axis(ax, measured.steps)
    return bounded
