"""The three metrics of the last hidden layer against the training step, at two widths."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infwidth.drawing import panels, style
from infwidth.measures.reading import METRICS, Measurements, Metric, curve

LABELS = {
    **panels.LABELS,
    "feature_change": r"change $\|h^t-h^0\|\,/\,\|h^0\|$",
    "spacetime_min_eig": r"space-time $\lambda_{\min}(K_{0,t})/n$",
}
NAMES = {**panels.TITLES, "spacetime_min_eig": "Space-time"}


def draw(measured: Measurements) -> Figure:
    """A row of panels for the largest width and, where there are several, one for the smallest."""
    widths = tuple(dict.fromkeys((*measured.widths[-1:], *measured.widths[:1])))
    looked = style.looks(measured.schemes)
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 0.45 + 1.65 * max(len(widths), 1)))
        axes = figure.subplots(max(len(widths), 1), 3, sharex=True, sharey="col", squeeze=False)
        limited = False
        for row, width in zip(axes, widths, strict=False):
            for ax, metric in zip(row, METRICS, strict=True):
                limited |= _panel(ax, measured, metric, width)
                ax.set_title(f"{NAMES[metric]}, {style.width_label(width)}")
                ax.set_ylabel(LABELS[metric])
        for ax in axes[:-1].flat:
            ax.set_xlabel("")
        for ax in axes.flat:
            style.value_axis(ax)
            panels.say_if_empty(ax)
        handles = panels.scheme_handles(looked)
        handles += panels.mark_handles(measured, limits=limited)
        panels.legend_above(figure, handles)
    return figure


def _panel(ax: Axes, measured: Measurements, metric: Metric, width: int) -> bool:
    """Draw one metric at one width; return whether a point of it is an upper limit."""
    looked = style.looks(measured.schemes)
    features = measured.features()
    features = features[features["width"] == width]
    if metric != "gram_min_eig":
        # At step 0 nothing has changed and space-time is singular, by definition.
        features = features[features["step"] > 0]
    limited = False
    for scheme, look in looked.items():
        points = curve(features[features["scheme"] == scheme], metric, "step")
        limited |= bool(points["limit"].any())
        panels.draw_curve(ax, points, look)
        lost = measured.diverged
        lost = lost[(lost["scheme"] == scheme) & (lost["width"] == width)]
        panels.crosses(ax, lost["step"].tolist(), look.color)
    style.step_axis(ax, measured.steps)
    return limited
