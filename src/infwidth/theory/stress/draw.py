"""Theorem 4.5 under stress: limits against N, through time and at the edge of stability."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from infwidth.drawing import panels, style
from infwidth.drawing.style import Look
from infwidth.numbers import number
from infwidth.theory.stress.names import RATES, SAMPLES, STEPS

# What is this far beyond the edge is on its way to divergence.
FAR = 10
LIMIT = r"$\lim_{n\to\infty}\,\lambda_{\min}(K_t)/n$"


def draw(table: pd.DataFrame, sharpness: pd.DataFrame) -> Figure:
    """Limits against samples, steps and rates, and the sharpness of the last.

    Args:
        table: stress.csv.
        sharpness: sharpness.csv.
    """
    trained = table[table["trainings"] > 0]
    of = {name: trained[trained["strain"] == name] for name in (SAMPLES, STEPS, RATES)}
    # Looks of one list, so that none stands for two things.
    layers = [f"layer {layer}" for layer in sorted(set(trained["layer"]))]
    rates = [*dict.fromkeys(map(number, of[RATES]["learning_rate"]))]
    looked = style.looks([*layers, *rates])
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 4.3))
        (many, long), (fast, edge) = figure.subplots(2, 2)
        ends = _ends(of[SAMPLES])
        _layers(many, ends, "samples", {name: looked[name] for name in layers})
        _sample_axis(many, sorted(set(ends["samples"])))
        many.set_title(f"at the end, $t={_last(ends)}$" if len(ends) else "samples")
        _layers(long, of[STEPS], "step", {name: looked[name] for name in layers})
        style.step_axis(long, of[STEPS]["step"])
        long.set_title(_title(of[STEPS], "long"))
        _rates(fast, of[RATES], looked)
        fast.set_title(_title(of[RATES].head(1), "rates", rate=False))
        _sharpness(edge, sharpness[sharpness["strain"] == RATES], of[RATES], looked)
        for ax in (many, long, fast):
            ax.set_ylabel(LIMIT)
            style.value_axis(ax)
        for ax in (many, long, fast, edge):
            panels.say_if_empty(ax)
        return figure


def _ends(rows: pd.DataFrame) -> pd.DataFrame:
    """The last step at which all trainings of a setting were going."""
    going = rows[rows["diverged"] == 0]
    return going[going["step"] == going.groupby("setting")["step"].transform("max")]


def _last(rows: pd.DataFrame) -> int:
    return int(rows["step"].max())


def _title(rows: pd.DataFrame, otherwise: str, *, rate: bool = True) -> str:
    if rows.empty:
        return otherwise
    first = rows.iloc[0]
    told = rf", $\eta={number(first['learning_rate'])}$" if rate else ""
    return f"$N={first['samples']}${told}"


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
            value.index, value, color=look.color, ls="none", marker="v", ms=4, mfc="none", mew=0.7
        )


def _layers(ax: Axes, rows: pd.DataFrame, along: str, looked: Mapping[str, Look]) -> None:
    """A curve for each layer and kind, labelled where it ends."""
    places: list[tuple[float, str, str]] = []
    for label, look in looked.items():
        own = rows[rows["layer"] == int(label.split()[1])]
        _draw(ax, own, along, look)
        h = own[own["kind"] == "h"].sort_values(along)
        if len(h):
            last = h.iloc[-1]
            height = last["limit"] if last["limit"] > 0 else last["value"]
            places.append((height, label, look.color))
    end = rows[along].max() if len(rows) else 1
    for height, label, color in places:
        ax.annotate(
            label, (end, height), (4, 0), textcoords="offset points", color=color, va="center",
            fontsize=7, annotation_clip=False,
        )  # fmt: skip


def _sample_axis(ax: Axes, counts: list[int]) -> None:
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(counts))
    ax.xaxis.set_major_formatter(FixedFormatter([str(count) for count in counts]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("samples $N$")


def _rates(ax: Axes, rows: pd.DataFrame, looked: Mapping[str, Look]) -> None:
    """The last layer at every rate, as long as all trainings are going."""
    last = rows[(rows["layer"] == rows["layer"].max()) & (rows["diverged"] == 0)]
    for rate, own in last.groupby("learning_rate", sort=False):
        _draw(ax, own, "step", looked[number(float(str(rate)))])
    style.step_axis(ax, rows["step"])


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
            ax.annotate(
                rf"$\eta={label}$", (kept.index[0], kept["mean"].iloc[0]), (3, 5),
                textcoords="offset points", color=look.color, fontsize=7,
            )  # fmt: skip
    if len(table):
        ax.axhline(1, color="black", ls=(0, (1, 2)), lw=0.8, zorder=1)
    style.step_axis(ax, table["step"])
    style.value_axis(ax)
    ax.set_ylabel(r"$\eta\,\lambda_{\max}\,/\,2$")
    ax.set_title("sharpness at these rates")
