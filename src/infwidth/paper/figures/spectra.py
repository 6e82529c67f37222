"""Sorted eigenvalues of the last hidden layer at initialisation and at the end of training."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infwidth.drawing import panels, style
from infwidth.drawing.style import GREY, Look
from infwidth.measures.metrics import MATRICES, Matrix, headline
from infwidth.measures.reading import Measurements


def draw(measured: Measurements) -> Figure:
    """Rows: Gram and space-time matrix; columns: the smallest and the largest width."""
    widths = tuple(dict.fromkeys((*measured.widths[:1], *measured.widths[-1:]))) or (0,)
    looked = style.looks(measured.schemes)
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH if len(widths) > 1 else style.COLUMN_WIDTH, 4.0))
        axes = figure.subplots(len(MATRICES), len(widths), sharey="row", squeeze=False)
        for row, matrix in zip(axes, MATRICES, strict=True):
            for ax, width in zip(row, widths, strict=True):
                _panel(ax, measured, matrix, width)
                ax.set_title(f"{matrix.title}, {style.width_label(width)}")
                ax.set_xlabel("rank")
            row[0].set_ylabel(f"eigenvalues of ${matrix.tex}/n$")
        for ax in axes.flat:
            style.value_axis(ax)
            panels.say_if_empty(ax, reason="not defined: fewer units than rows, or no run")
        handles = panels.scheme_handles(looked)
        handles += [
            Line2D([], [], color=GREY, lw=0.8, alpha=0.55, label="initialisation"),
            Line2D([], [], color=GREY, lw=1.4, label=f"step {measured.last_step}"),
            *panels.seed_handles(measured.seeds),
        ]
        panels.legend_above(figure, handles)
    return figure


def _panel(ax: Axes, measured: Measurements, matrix: Matrix, width: int) -> None:
    table = headline(measured.spectra)
    table = table[(table["matrix"] == matrix.name) & (table["width"] == width)]
    features = measured.features()
    features = features[features["width"] == width]
    for scheme, look in style.looks(measured.schemes).items():
        for step, spectrum in table[table["scheme"] == scheme].groupby("step"):
            origin = (features["step"] == step) & (features["scheme"] == scheme)
            floor = features.loc[origin, matrix.resolution]
            _line(ax, spectrum, look, floor=float(floor.max()), initial=step == 0)
    count = int(table["index"].max()) + 1 if len(table) else 1
    ax.set_xticks(sorted({1, *(round(count * part / 4) for part in range(1, 5))} - {0}))


def _line(ax: Axes, spectrum: pd.DataFrame, look: Look, *, floor: float, initial: bool) -> None:
    """The eigenvalues above the floor, largest first; a hollow triangle where they sink below."""
    spectrum = spectrum.sort_values("index", ascending=False)
    values = spectrum["eigenvalue"].to_numpy(dtype=float)
    least = max(0.0, floor if math.isfinite(floor) else 0.0)
    resolved = values[values > least]
    if len(resolved) < len(values) and floor > 0:
        ax.plot(len(resolved) + 1, floor, "v", color=look.color, mfc="none", ms=4.6, mew=0.8)
    ax.plot(
        range(1, len(resolved) + 1),
        resolved,
        color=look.color,
        ls=look.dashes,
        lw=look.line * (0.6 if initial else 1),
        alpha=0.55 if initial else 1.0,
        marker=None if initial else look.marker,
        markersize=look.size,
        markevery=(0, max(1, len(values) // 8)),
        markeredgecolor="white",
        markeredgewidth=0.3,
    )
    low, high = (
        spectrum[f"eigenvalue_{end}"].to_numpy(dtype=float)[: len(resolved)]
        for end in ("low", "high")
    )
    # Down to the floor where a seed's eigenvalue is not resolved.
    ax.fill_between(
        range(1, len(resolved) + 1),
        np.maximum(low, least),
        high,
        color=look.color,
        alpha=0.15,
        lw=0,
    )
