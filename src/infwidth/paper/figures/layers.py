"""Every hidden layer: the metrics against the width, pre- and post-activations."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infwidth.drawing import panels, style
from infwidth.drawing.style import GREY
from infwidth.measures.metrics import DRAWN
from infwidth.measures.reading import Measurements, curve


def draw(measured: Measurements) -> Figure:
    """A grid of metric (rows) by layer (columns); h filled, x = φ(h) paler with hollow markers."""
    looked = style.looks(measured.schemes)
    layers = measured.layers or (1,)
    with style.applied():
        figure = Figure(figsize=(max(style.TEXT_WIDTH, 1.5 * len(layers)), 5.2))
        axes = figure.subplots(len(DRAWN), len(layers), sharex=True, sharey="row", squeeze=False)
        bounded = False
        for row, metric in zip(axes, DRAWN, strict=True):
            for ax, layer in zip(row, layers, strict=True):
                for scheme, look in looked.items():
                    for kind in ("x", "h"):
                        last = measured.features(layer=layer, kind=kind, step=measured.last_step)
                        points = curve(last[last["scheme"] == scheme], metric.name, "width")
                        bounded |= bool(points["upper"].any())
                        panels.draw_curve(ax, points, look, second=kind == "x")
                panels.mark_diverged(ax, measured, looked)
                style.width_axis(ax, measured.widths, label=ax in axes[-1])
                ax.set_title(f"layer {layer}" if ax in axes[0] else "")
            row[0].set_ylabel(metric.label())
        for ax in axes.flat:
            style.value_axis(ax)
            panels.say_if_empty(ax)
        handles = panels.scheme_handles(looked)
        for kind, face in (("$h$", GREY), (r"$x=\varphi(h)$", "white")):
            handles.append(
                Line2D([], [], color=GREY, marker="o", mfc=face, lw=0.8, label=kind, mew=0.6)
            )
        handles += panels.mark_handles(measured, uppers=bounded)
        panels.legend_above(figure, handles)
    return figure
