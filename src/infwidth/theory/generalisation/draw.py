"""Generalisation: against the width, against the features' movement, and in how many directions."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter

from infwidth.drawing import panels, style
from infwidth.measures.reading import curve
from infwidth.theory.generalisation.choice import at_best, at_common, complete
from infwidth.theory.generalisation.differences import leading, started, trained
from infwidth.theory.generalisation.matched import matched
from infwidth.theory.generalisation.names import FROM_PROCESS, FROM_ZERO, TANGENT_REGRESSION
from infwidth.theory.transfer.names import LOSSES

# Where n = ∞ stands, in largest widths, and how far apart the schemes' marks there.
BEYOND, ASIDE = 3.0, 1.25


def draw(transfer: pd.DataFrame, kernel_limit: pd.DataFrame, class_signal: pd.DataFrame) -> Figure:
    """A row for each loss: test loss, and test accuracy against three things.

    Args:
        transfer: transfer.csv.
        kernel_limit: kernel_limit.csv.
        class_signal: class_signal.csv.
    """
    looked = style.looks(dict.fromkeys(transfer["scheme"]))
    losses = list(dict.fromkeys(transfer["loss"])) or [""]
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 0.4 + 1.75 * len(losses)))
        axes = figure.subplots(len(losses), 4, squeeze=False)
        for row, loss in zip(axes, losses, strict=True):
            own, limit, signal = (
                each[each["loss"] == loss] for each in (transfer, kernel_limit, class_signal)
            )
            _row(row, own, limit, signal, looked)
            row[0].set_ylabel(f"test loss, {LOSSES.get(loss, loss)}")
            row[1].set_ylabel("test accuracy")
        for ax, title in zip(
            axes[0],
            ("Test loss", "Test accuracy", "… and movement", "… of linear probes"),
            strict=True,
        ):
            ax.set_title(title)
        for ax, label in zip(
            axes[-1],
            ("width $n$", "width $n$", r"change $\|h_T-h_0\|\,/\,\|h_0\|$", "directions read"),
            strict=True,
        ):
            ax.set_xlabel(label)
        for ax in axes.flat:
            panels.say_if_empty(ax)
        panels.legend_above(figure, _handles(looked, transfer["seed"].nunique()))
    return figure


def _row(
    axes: Sequence[Axes],
    transfer: pd.DataFrame,
    limit: pd.DataFrame,
    signal: pd.DataFrame,
    looked: Mapping[str, style.Look],
) -> None:
    for ax, column in zip(axes, ("test_loss", "test_accuracy"), strict=False):
        _widths(ax, column, transfer, limit, looked)
    widest = transfer[transfer["width"] == transfer["width"].max()]
    _movement(axes[2], widest, looked)
    _directions(axes[3], signal, looked)
    # The axis of accuracies is that of the networks, and of probes of the leading directions.
    few = leading(signal)["accuracy"]
    axes[1].set_ylim(bottom=min([axes[1].get_ylim()[0], *few - 0.01]))
    for ax in axes[2:]:
        ax.sharey(axes[1])
        ax.tick_params(labelleft=False)


def _widths(
    ax: Axes,
    column: str,
    transfer: pd.DataFrame,
    limit: pd.DataFrame,
    looked: Mapping[str, style.Look],
) -> None:
    """Networks at their best rate, and palely at the common one; on the right the kernel limits."""
    best, common = at_best(transfer), at_common(transfer)
    widths = sorted({int(width) for width in transfer["width"]})
    for scheme, look in looked.items():
        for second, rows in ((True, common), (False, best)):
            points = curve(rows[rows["scheme"] == scheme], column, "width")
            panels.draw_curve(ax, points, look, second=second)
    if not widths:
        return
    style.width_axis(ax, widths, label=False, most=3)
    place = BEYOND * widths[-1]
    for kind, aside in ((FROM_PROCESS, 1 / ASIDE), (FROM_ZERO, ASIDE)):
        for scheme in dict.fromkeys(limit["scheme"]):
            own = limit[(limit["kind"] == kind) & (limit["scheme"] == scheme)]
            rows = at_best(own, ("scheme",))
            look = looked[str(scheme)]
            points = curve(rows.assign(place=place * aside), column, "place")
            panels.draw_curve(ax, points, look, second=kind == FROM_ZERO)
            ax.vlines(points.index, points["low"], points["high"], color=look.color, lw=0.8)
    ends = limit.loc[(limit["kind"] == TANGENT_REGRESSION) & (limit["scheme"] == "NTP"), column]
    for end in ends.tolist():
        ax.axhline(end, color="black", ls=(0, (1, 1.5)), lw=0.8, zorder=1)
    if len(limit):
        ax.set_xlim(widths[0] / 1.25, place * 1.6)
        ticks = [*ax.get_xticks(), place]
        labels = [*style.width_ticks(widths, 3)[1], r"$\infty$"]
        ax.xaxis.set_major_locator(FixedLocator(ticks))
        ax.xaxis.set_major_formatter(FixedFormatter(labels))


def _movement(ax: Axes, widest: pd.DataFrame, looked: Mapping[str, style.Look]) -> None:
    """A line through the rates of each scheme, and large marks at one training loss for all."""
    equal = matched(widest)
    for scheme, look in looked.items():
        own = complete(widest[widest["scheme"] == scheme], ("scheme",))
        means = own.groupby("learning_rate")[["feature_change", "test_accuracy"]].mean()
        ax.plot(means["feature_change"], means["test_accuracy"], **look.drawn, alpha=0.45)
        at = equal[equal["scheme"] == scheme]
        if len(at):
            ax.plot(
                [np.exp(np.log(at["feature_change"]).mean())],
                [at["test_accuracy"].mean()],
                color=look.color,
                marker=look.marker,
                ms=7,
                mec="black",
                mew=0.8,
                ls="none",
                zorder=5,
            )
    ax.set_xscale("log")
    ax.xaxis.set_minor_formatter(NullFormatter())


def _directions(ax: Axes, signal: pd.DataFrame, looked: Mapping[str, style.Look]) -> None:
    """After training, and palely before; a vertical line at as many as classes, less one."""
    for scheme, look in looked.items():
        own = signal[signal["scheme"] == scheme]
        for second, rows in ((True, started(own)), (False, trained(own))):
            panels.draw_curve(ax, curve(rows, "accuracy", "directions"), look, second=second)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(FixedFormatter([]))
    ticks = [1, 8, 64, 512]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FixedFormatter([str(tick) for tick in ticks]))
    for classes in signal["classes"].unique():
        ax.axvline(classes - 1, color="black", ls=(0, (1, 1.5)), lw=0.8, zorder=1)


def _handles(looked: Mapping[str, style.Look], seeds: int) -> list[Artist]:
    return [
        *panels.scheme_handles(looked),
        Line2D([], [], color="black", lw=0.8, ls=(0, (1, 1.5)), label="kernel regression"),
        *panels.seed_handles(seeds),
    ]
