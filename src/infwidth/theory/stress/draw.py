"""Theorem 4.5 under stress: limits against N, through time and at the edge of stability."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from infwidth.drawing import panels, style
from infwidth.drawing.labels import End, at_the_right
from infwidth.drawing.style import KNOWN, Look
from infwidth.numbers import number
from infwidth.theory.stress.names import RATES, SAMPLES, STEPS

# What is this far beyond the edge is on its way to divergence.
FAR = 10
# Room for a label below the lowest curve, as a factor.
ROOM = 1.6
LIMIT = r"$\lim_{n\to\infty}\,\lambda_{\min}(K_t)/n$"


def draw(table: pd.DataFrame, sharpness: pd.DataFrame) -> Figure:
    """Limits against samples, steps and rates, and the sharpness of the last.

    Args:
        table: stress.csv.
        sharpness: sharpness.csv.
    """
    trained = table[table["trainings"] > 0]
    of = {name: trained[trained["strain"] == name] for name in (SAMPLES, STEPS, RATES)}
    # All is µP's. Layers are shades of its colour, rates are grey.
    layers = _shaded([f"layer {layer}" for layer in sorted(set(trained["layer"]))], "#7a3600")
    rates = _shaded([*dict.fromkeys(map(number, of[RATES]["learning_rate"]))], "#000000")
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 4.3))
        (many, long), (fast, edge) = figure.subplots(2, 2)
        last = _ends(of[SAMPLES])
        named = [
            (many, _layers(many, last, "samples", layers)),
            (long, _layers(long, of[STEPS], "step", layers)),
            (fast, _rates(fast, of[RATES], rates)),
        ]
        _sample_axis(many, sorted(set(last["samples"])))
        many.set_title(f"at the end, $t={_last(last)}$" if len(last) else "samples")
        style.step_axis(long, of[STEPS]["step"])
        long.set_title(_title(of[STEPS], "long"))
        _sharpness(edge, sharpness[sharpness["strain"] == RATES], of[RATES], rates)
        for ax, ends in named:
            ax.set_ylabel(LIMIT)
            style.value_axis(ax)
            at_the_right(ax, ends)
        for ax in (many, long, fast, edge):
            panels.say_if_empty(ax)
        return figure


def _shaded(names: Sequence[str], color: str) -> dict[str, Look]:
    """Shades of a colour, the first the lightest, and markers and dashes that tell them in grey."""
    shades = sns.light_palette(color, len(names) + 2)[2:]
    marked = [KNOWN[name] for name in ("SP", "NTP", "IP")] + [*style.SPARE]
    return {
        name: replace(marked[place % len(marked)], color=to_hex(shade), line=1.1, size=3.6)
        for place, (name, shade) in enumerate(zip(names, shades, strict=True))
    }


def _ends(rows: pd.DataFrame) -> pd.DataFrame:
    """The last step at which all trainings of a setting were going."""
    going = rows[rows["diverged"] == 0]
    return going[going["step"] == going.groupby("setting")["step"].transform("max")]


def _last(rows: pd.DataFrame) -> int:
    return int(rows["step"].max())


def _title(rows: pd.DataFrame, otherwise: str) -> str:
    if rows.empty:
        return otherwise
    first = rows.iloc[0]
    return rf"$N={first['samples']}$, $\eta={number(first['learning_rate'])}$"


def _curves(rows: pd.DataFrame, along: str) -> Iterator[tuple[str, pd.DataFrame, pd.Series]]:
    """Limits of h and of x with their intervals, and the value where there is no limit."""
    for kind in ("x", "h"):
        curve = rows[rows["kind"] == kind].sort_values(along).set_index(along)
        above = curve["limit"].where(curve["limit"] > 0)
        shown = pd.DataFrame(
            {"mean": above, "low": curve["limit_low"], "high": curve["limit_high"]}
        )
        yield kind, shown.assign(upper=False), curve["value"].where(above.isna())


def _draw(ax: Axes, rows: pd.DataFrame, along: str, look: Look) -> None:
    for kind, shown, value in _curves(rows, along):
        panels.draw_curve(ax, shown, look, second=kind == "x")
        ax.plot(
            value.index, value, color=look.color, ls="none", marker="v", ms=4, mew=0.7,
            mfc="white" if kind == "x" else look.color,
        )  # fmt: skip


def _end(name: str, rows: pd.DataFrame, along: str, look: Look) -> End:
    """Where the curve of h ends."""
    last = rows[rows["kind"] == "h"].sort_values(along).iloc[-1]
    return End(name, float(last["limit"] if last["limit"] > 0 else last["value"]), look.color)


def _layers(ax: Axes, rows: pd.DataFrame, along: str, looked: Mapping[str, Look]) -> list[End]:
    """A curve for each layer and kind, and where that of h ends."""
    ends = []
    for label, look in looked.items():
        own = rows[rows["layer"] == int(label.split()[1])]
        _draw(ax, own, along, look)
        if len(own):
            ends.append(_end(label, own, along, look))
    return ends


def _sample_axis(ax: Axes, counts: list[int]) -> None:
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(counts))
    ax.xaxis.set_major_formatter(FixedFormatter([str(count) for count in counts]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("samples $N$")


def _rates(ax: Axes, rows: pd.DataFrame, looked: Mapping[str, Look]) -> list[End]:
    """The last layer at every rate, as long as all trainings are going.

    Returns:
        Where the curves of h end that reach the last step; the others are labelled there.
    """
    last = rows[(rows["layer"] == rows["layer"].max()) & (rows["diverged"] == 0)]
    ends = []
    for label, look in looked.items():
        own = last[last["learning_rate"].map(number) == label]
        if own.empty:
            continue
        _draw(ax, own, "step", look)
        end = _end(rf"$\eta={label}$", own, "step", look)
        if own["step"].max() == rows["step"].max():
            ends.append(end)
        else:
            ax.annotate(
                end.name, (float(own["step"].max()), end.height), (6, 0), color=look.color,
                textcoords="offset points", va="center", fontsize=7,
            )  # fmt: skip
    style.step_axis(ax, rows["step"])
    if len(last):
        ax.set_title(f"layer {last['layer'].max()}, $N={last['samples'].iloc[0]}$, high rates")
    else:
        ax.set_title("high rates")
    return ends


def _sharpness(
    ax: Axes, rows: pd.DataFrame, table: pd.DataFrame, looked: Mapping[str, Look]
) -> None:
    """η times half the sharpness, over seeds; a cross at the last step before one diverged."""
    for setting, own in table.groupby("setting", sort=False):
        label = number(own["learning_rate"].iloc[0])
        look = looked[label]
        edges = rows[rows["setting"] == setting].groupby("step")["edge"]
        kept = edges.agg(["mean", "min", "max"])
        kept = kept[kept.index <= own.loc[own["diverged"] == 0, "step"].max()]
        kept = kept[(kept["mean"] < FAR).cummin()]
        shown = kept.rename(columns={"min": "low", "max": "high"}).assign(upper=False)
        panels.draw_curve(ax, shown, look)
        if own["lost"].any() and len(kept):
            panels.crosses(ax, [int(kept.index.max())], look.color)
        if len(kept):
            rising = kept["mean"].iloc[:2].is_monotonic_increasing
            ax.annotate(
                rf"$\eta={label}$", (kept.index[0], kept["mean"].iloc[0]), (0, -5 if rising else 5),
                textcoords="offset points", va="top" if rising else "bottom",
                color=look.color, fontsize=7,
            )  # fmt: skip
    if len(table):
        ax.axhline(1, color="black", ls=(0, (1, 2)), lw=0.8, zorder=1)
    style.step_axis(ax, table["step"])
    style.value_axis(ax)
    ax.set_ylim(bottom=ax.get_ylim()[0] / ROOM)
    ax.set_ylabel(r"$\eta\,\lambda_{\max}\,/\,2$")
    ax.set_title("sharpness at these rates")
