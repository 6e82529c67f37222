"""The paper's figure: the metrics of the last hidden layer against the width."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from infwidth.drawing import panels, style
from infwidth.drawing.style import Look
from infwidth.measures.claims import CLAIMS, Claim, claim_on
from infwidth.measures.estimate import Estimate
from infwidth.measures.metrics import DRAWN, Metric
from infwidth.measures.reading import Measurements, curve
from infwidth.numbers import plus_minus

# The paper's claims stand so far above what was measured, and fall as this power of n.
ABOVE, FALL = 2.2, 1.0
GUIDE: dict[str, Any] = {"lw": 0.9, "markersize": 4.5, "markeredgewidth": 0.9, "zorder": 2}


def draw(measured: Measurements) -> Figure:
    """A panel a metric; under each, the fitted power of n per scheme with its 95 % interval."""
    looked = style.looks(measured.schemes)
    rows = -(-len(looked) // 2)
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 2.15 + 0.17 * rows))
        axes = figure.subplots(1, len(DRAWN))
        bounded = [_panel(ax, measured, metric) for ax, metric in zip(axes, DRAWN, strict=True)]
        fitted = bool(measured.scaling["exponent"].notna().any())
        handles = panels.scheme_handles(looked)
        handles += panels.mark_handles(measured, uppers=any(bounded), power=fitted)
        if any(scheme in CLAIMS for scheme in measured.schemes):
            label = "claimed: stable, falls"
            handles.append(Line2D([], [], marker="|", color=style.GREY, **GUIDE, label=label))
        panels.legend_above(figure, handles)
    return figure


def _draw_claim(ax: Axes, points: pd.DataFrame, claim: Claim | None, look: Look) -> None:
    """What the paper says of growing widths: a plateau or a slope triangle above the last ones."""
    if claim is None or claim.width is None or len(points) < 2:
        return
    last = points.iloc[-3:]
    start, end = float(last.index[0]), float(last.index[-1])
    level = ABOVE * float(last["mean"].max())
    if claim.width == "stable":
        ax.plot([start, end], [level, level], marker="|", color=look.color, **GUIDE)
        return
    # By no rate of the paper's, which names none.
    low = level * (start / end) ** FALL
    ax.plot([start, end, end, start], [level, level, low, level], color=look.color, **GUIDE)


def _panel(ax: Axes, measured: Measurements, metric: Metric) -> bool:
    """Draw one metric; return whether a point of it is an upper bound."""
    looked = style.looks(measured.schemes)
    layer = max(measured.layers, default=0)
    last = measured.features(step=measured.last_step)
    bounded = False
    entries = []
    for scheme, look in looked.items():
        points = curve(last[last["scheme"] == scheme], metric.name, "width")
        bounded |= bool(points["upper"].any())
        panels.draw_curve(ax, points, look)
        _draw_claim(ax, points[~points["upper"]], claim_on(scheme, metric.shown_in), look)
        fit = measured.fit(metric.name, scheme, layer, "h")
        if fit is not None:
            panels.draw_power(ax, fit, measured.widths)
            text = plus_minus(*Estimate.of(fit, "exponent"))
            entries += ax.plot([], [], color=look.color, ls=look.dashes, label=f"{scheme} {text}")
    panels.mark_diverged(ax, measured, looked)
    style.width_axis(ax, measured.widths)
    style.value_axis(ax)
    panels.say_if_empty(ax)
    ax.set_title(metric.title)
    ax.set_ylabel(metric.label())
    if entries:
        ax.legend(
            handles=entries,
            loc="upper center",
            bbox_to_anchor=(0.44, 0),
            bbox_transform=ax.transAxes + ScaledTranslation(0, -0.25, ax.figure.dpi_scale_trans),
            ncols=2,
            handlelength=1.4,
            columnspacing=0.8,
            title="fitted power of $n$ (± 95 %)",
        )
    return bounded
