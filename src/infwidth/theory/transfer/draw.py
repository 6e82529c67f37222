"""Learning-rate transfer: loss after the budget against the rate, a curve for each width."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from infwidth.drawing import panels, style
from infwidth.theory.transfer.drift import at_width
from infwidth.theory.transfer.names import LOSSES, ONE_RATE

# Over the least untrained loss of a row's panels: what lies above has learned nothing.
HEADROOM = 1.06


class Column(NamedTuple):
    """A scheme, and the power of n that its rates are drawn times."""

    scheme: str
    power: int

    @property
    def title(self) -> str:
        """Of its panels."""
        return f"{self.scheme}, rate of its weights" if self.power else self.scheme

    @property
    def label(self) -> str:
        """Of its horizontal axes."""
        return r"learning rate $\eta/n$" if self.power else r"learning rate $\eta$"


def draw(table: pd.DataFrame, optima: pd.DataFrame) -> Figure:
    """A row for each loss, a column for each scheme.

    Args:
        table: transfer.csv.
        optima: optima.csv.
    """
    columns = [*_columns(table)]
    losses = [loss for loss in LOSSES if loss in set(table["loss"])]
    widths = sorted({int(width) for width in table["width"]})
    colors = dict(zip(widths, colormaps["viridis"](np.linspace(0, 0.85, len(widths))), strict=True))
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 0.5 + 1.75 * max(len(losses), 1)))
        grid = figure.subplots(
            max(len(losses), 1), max(len(columns), 1), sharey="row", sharex="col", squeeze=False
        )
        for axes, loss in zip(grid, losses, strict=False):
            for ax, column in zip(axes, columns, strict=True):
                own, best = (
                    each[(each["loss"] == loss) & (each["scheme"] == column.scheme)]
                    for each in (table, optima)
                )
                _panel(ax, own, best, column.power, colors)
            _heights(axes, table[table["loss"] == loss])
            axes[0].set_ylabel(f"training loss,\n{LOSSES[loss]}")
        for ax, column in zip(grid[0], columns, strict=False):
            ax.set_title(column.title)
        for ax, column in zip(grid[-1], columns, strict=False):
            ax.set_xlabel(column.label)
        for ax in grid.ravel():
            panels.say_if_empty(ax)
        panels.legend_above(figure, _handles(colors, table["seed"].nunique()))
    return figure


def _columns(table: pd.DataFrame) -> Iterator[Column]:
    for scheme in dict.fromkeys(table["scheme"]):
        if scheme == ONE_RATE:
            yield Column(scheme, -1)
        yield Column(scheme, 0)


def _panel(
    ax: Axes, table: pd.DataFrame, optima: pd.DataFrame, power: int, colors: Mapping[int, Any]
) -> None:
    for row, (width, color) in enumerate(colors.items()):
        unit = float(width) ** power
        losses = table[table["width"] == width].groupby("learning_rate")["train_loss"]
        # Where a seed has diverged the others' mean says nothing.
        whole = losses.apply(lambda each: each.notna().all())
        curve = np.exp(losses.apply(lambda each: np.log(each).mean()))[whole]
        low, high = (ends[whole] for ends in (losses.min(), losses.max()))
        rates = curve.index.to_numpy(dtype=np.float64) * unit
        ax.plot(rates, curve, color=color, lw=1)
        ax.fill_between(rates, low, high, color=color, alpha=0.2, lw=0)
        own = optima[optima["width"] == width]
        _optimum(ax, own[own["optimum"] > 0], unit, color)
        edges = own.loc[own["edge"] > 0, "edge"]
        if len(edges):
            panels.crosses(ax, [float(np.exp(np.log(edges).mean())) * unit], color, row=row)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(numticks=5))
    ax.xaxis.set_minor_locator(NullLocator())


def _optimum(ax: Axes, own: pd.DataFrame, unit: float, color: object) -> None:
    if own.empty:
        return
    value, low, high = at_width(own, "optimum")
    reach = np.nan_to_num([[value - low], [high - value]]) * unit
    ax.errorbar(
        [value * unit], [own["least_loss"].mean()], xerr=reach, color=color, marker="o", ms=4,
        mec="white", mew=0.4, elinewidth=1, zorder=5,
    )  # fmt: skip


def _heights(axes: Any, table: pd.DataFrame) -> None:
    """From under the least loss to a little over the least untrained one."""
    if not (table["train_loss"] > 0).any():
        return
    top = float(table["untrained_loss"].min()) * HEADROOM
    bottom = float(table.loc[table["train_loss"] > 0, "train_loss"].min())
    for ax in axes:
        ax.set_ylim(bottom - 0.08 * (top - bottom), top)


def _handles(colors: Mapping[int, Any], seeds: int) -> list[Artist]:
    handles: list[Artist] = [
        Line2D([], [], color=color, lw=1.2, label=style.width_label(width))
        for width, color in colors.items()
    ]
    grey: dict[str, Any] = {"color": style.GREY, "ls": "none"}
    handles.append(Line2D([], [], marker="o", ms=4, label="best rate", **grey))
    handles.append(Line2D([], [], marker="x", ms=4, mew=1.1, label="edge of stability", **grey))
    return [*handles, *panels.seed_handles(seeds)]
