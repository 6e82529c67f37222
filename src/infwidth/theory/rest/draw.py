"""Corollary 4.6: single trainings on their way to rest, and what rest hangs on as n grows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infwidth.drawing import panels, style
from infwidth.drawing.labels import End, at_the_right
from infwidth.drawing.style import KNOWN, Look
from infwidth.measures.reading import curve
from infwidth.theory.rest.content import runs, steps_until
from infwidth.theory.rest.names import DUPLICATE, FRACTIONS, RATE_DECIMALS, REGULAR, STATIONARY

STEP = r"step $\|W_{t+1}-W_t\|_F\,/\,\|W_0\|_F$"
ERROR = r"largest error $\mathrm{max}_i\|\chi_i\|$"
FULL = Look(KNOWN["µP"].color, "o", "-", line=1.5, size=4.4)
BATCHES = Look(style.SPARE[1].color, "s", (0, (4, 1)), line=1.1, size=3.6)
CONFLICT = Look("black", "X", "-", line=1.5, size=5)
STILL = Look(KNOWN["IP"].color, "d", "-", line=1.3, size=5)
# Where a name stands beside its line: points to the right and up, and how it is aligned there.
PLACES: Mapping[Look, tuple[tuple[float, float], str, str]] = {
    FULL: ((-6, 3), "right", "bottom"),
    BATCHES: ((6, -3), "left", "top"),
    CONFLICT: ((0, -6), "left", "top"),
    STILL: ((0, 5), "center", "bottom"),
}
# Room for a name over the first error, as a multiple of the largest one.
HEADROOM = 40


class Case(NamedTuple):
    """One run of those alike, and how it is named and drawn."""

    name: str
    run: pd.DataFrame
    look: Look


def draw(table: pd.DataFrame, widths: pd.DataFrame) -> Figure:
    """Above, a panel an activation and a run a case; below, all schemes against the width.

    Args:
        table: rest.csv.
        widths: rest_widths.csv.
    """
    table = table.round(RATE_DECIMALS)
    activations = list(dict.fromkeys(table.loc[table["case"] == REGULAR, "activation"])) or [""]
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 4.5))
        above, below = figure.subfigures(2, 1, squeeze=False)[:, 0]
        axes = above.subplots(1, len(activations), sharex=True, sharey=True, squeeze=False)[0]
        named: set[Look] = set()
        for ax, activation in zip(axes, activations, strict=True):
            ax.set(xscale="log", yscale="log", title=_title(table, activation), xlabel=STEP)
            for case in _cases(table[table["activation"] == activation]):
                _path(ax, case)
                # A case looks the same in every panel: its name stands in the first that has it.
                if case.look not in named:
                    _name(ax, case)
                named.add(case.look)
            panels.say_if_empty(ax)
        axes[0].set_ylabel(ERROR)
        if len(table):
            axes[0].set_ylim(top=HEADROOM * table["error_signal"].max())
        _against_width(below.subplots(1, 3), widths)
    return figure


def _cases(table: pd.DataFrame) -> Iterator[Case]:
    """The trainings with one activation: of each case the first seed at the middle rate."""
    regular = table[table["case"] == REGULAR]
    full = regular["batch_size"] == regular["samples"]
    conflict, still = (table[table["case"] == case] for case in (DUPLICATE, STATIONARY))
    widest = still[still["width"] == still["width"].max()]
    for name, part, look in (
        ("µP, full batch", regular[full], FULL),
        ("µP, mini-batches", regular[~full], BATCHES),
        ("one input twice,\nlabels in conflict", conflict, CONFLICT),
        (_still_name(widest), widest, STILL),
    ):
        if len(part):
            rates = sorted(set(part["learning_rate"]))
            own = part[part["learning_rate"] == rates[len(rates) // 2]]
            yield Case(name, own[own["seed"] == own["seed"].min()].sort_values("step"), look)


def _title(table: pd.DataFrame, activation: str) -> str:
    return f"{activation}, $N={table['samples'].iloc[0]}$" if activation else ""


def _still_name(still: pd.DataFrame) -> str:
    if still.empty:
        return ""
    layers, width = int(still["hidden_layers"].iloc[0]), int(still["width"].iloc[0])
    return f"IP, {layers} layers,\n{style.width_label(width)}"


def _path(ax: Axes, case: Case) -> None:
    """Error against step, hollow where it starts and filled where it ends."""
    x, y = (case.run[name].to_numpy() for name in ("weight_change", "error_signal"))
    look = case.look
    ax.plot(x, y, color=look.color, ls=look.dashes, lw=look.line, zorder=3)
    mark: dict[str, Any] = {"color": look.color, "marker": look.marker, "ms": look.size}
    ax.plot(x[:1], y[:1], **mark, mfc="white", mew=0.8, zorder=5)
    ax.plot(x[-1:], y[-1:], **mark, mew=0.3, mec="white", zorder=5)


def _name(ax: Axes, case: Case) -> None:
    """Beside the line, where the panel has room."""
    ends = case.look in (CONFLICT, STILL)
    half_way = (case.run["error_signal"].iloc[0] * case.run["error_signal"].iloc[-1]) ** 0.5
    passed = case.run if ends else case.run[case.run["error_signal"] <= half_way]
    point = passed.iloc[-1 if ends else 0]
    (x, y), across, along = PLACES[case.look]
    ax.annotate(
        case.name,
        (float(point["weight_change"]), float(point["error_signal"])),
        xytext=(x, y),
        textcoords="offset points",
        ha=across,
        va=along,
        fontsize=6.5,
        color=case.look.color,
        linespacing=0.95,
    )


def _against_width(axes: Sequence[Axes], table: pd.DataFrame) -> None:
    """The least λ_min(x^L)/n on the way, how far x^L moved, and the steps to rest, over n."""
    ended = runs(table)
    looked = style.looks(dict.fromkeys(ended["scheme"]))
    last = steps_until(len(FRACTIONS) - 1)
    shown = {
        "least": (r"Least $\lambda_{\min}(x^L)/n$ on the way", r"$\lambda_{\min}(x^L_t)/n$"),
        "change": ("Change of $x^L$ at rest", r"$\|x_t-x_0\|\,/\,\|x_0\|$"),
        last: (f"Steps until {FRACTIONS[-1]:g} of the error is left", "training steps"),
    }
    for ax, (name, (title, label)) in zip(axes, shown.items(), strict=True):
        ends = []
        for scheme, look in looked.items():
            points = curve(ended[ended["scheme"] == scheme], name, "width")
            panels.draw_curve(ax, points, look)
            if len(points):
                ends.append(End(scheme, float(points["mean"].iloc[-1]), look.color))
        style.width_axis(ax, set(ended["width"]), most=4)
        style.value_axis(ax)
        ax.set_title(title)
        ax.set_ylabel(label)
        panels.say_if_empty(ax)
        at_the_right(ax, ends)
