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
from infwidth.measures.misfit import CROSSOVER
from infwidth.measures.reading import Measurements, curve
from infwidth.measures.scaling import law_along
from infwidth.numbers import plus_minus

# The paper's claims stand so far above what was measured, and fall as this power of n.
ABOVE, FALL = 2.2, 1.0
LAW: dict[str, Any] = {"color": "black", "ls": (0, (1, 1.5)), "lw": 0.9}
POWER: dict[str, Any] = {"color": "0.45", "ls": (0, (5, 2)), "lw": 0.7}
GUIDE: dict[str, Any] = {"lw": 0.9, "markersize": 4.5, "markeredgewidth": 0.9, "zorder": 2}


def draw(measured: Measurements) -> Figure:
    """A panel a metric; under each, the fitted power of n per scheme with its 95 % interval.

    Where a single power is refused, that of the largest widths stands for it.
    """
    looked = style.looks(measured.schemes)
    rows = -(-len(looked) // 2)
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 2.15 + 0.17 * rows))
        axes = figure.subplots(1, len(DRAWN))
        bounded = [_panel(ax, measured, metric) for ax, metric in zip(axes, DRAWN, strict=True)]
        fitted = bool(measured.scaling["exponent"].notna().any())
        handles = panels.scheme_handles(looked)
        handles += panels.mark_handles(measured, uppers=any(bounded))
        if fitted:
            hollow = Line2D([], [], color=style.GREY, ls="none", marker="o", mfc="white", ms=3.6)
            hollow.set_label("not fitted")
            handles.append(hollow)
            handles.append(Line2D([], [], **LAW, label="fitted law"))
            handles.append(Line2D([], [], **POWER, label="its power of $n$ alone"))
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


def _draw_law(
    ax: Axes, points: pd.DataFrame, fit: "pd.Series[float]", measured: Measurements, look: Look
) -> None:
    """The law through the points that it was fitted to; hollow, those that it was not.

    Apart from them runs its power of n, where the finite-width effect lies in between. A refused
    power is not drawn, but that of the largest widths.
    """
    last = measured.spectra[measured.spectra["step"] == measured.last_step]
    laws = law_along(fit, measured.metrics[measured.metrics["step"] == measured.last_step], last)
    if str(fit["law"]) == CROSSOVER:
        ax.plot(*panels.power_ends(fit, measured.widths), zorder=5, **LAW)
    else:
        ax.plot(laws.index, laws["law"], zorder=5, **LAW)
        if fit["correction_power"] > 0:
            ax.plot(laws.index, laws["power"], zorder=2, **POWER)
    left = points.drop(index=laws.index, errors="ignore")
    marks: dict[str, Any] = {"marker": look.marker, "ms": look.size, "mfc": "white", "mew": 0.7}
    ax.plot(left.index, left["mean"], color=look.color, ls="none", zorder=4, **marks)


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
            _draw_law(ax, points[~points["upper"]], fit, measured, look)
            bent = str(fit["law"]) == CROSSOVER
            text = plus_minus(
                *Estimate.of(fit, "local_exponent", "local")
                if bent
                else Estimate.of(fit, "exponent")
            )
            label = f"{scheme} locally {text}" if bent else f"{scheme} {text}"
            entries += ax.plot([], [], color=look.color, ls=look.dashes, label=label)
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
