"""The tolerance study for readers: a page and a figure."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from tables import markdown

from infwidth.drawing import panels, style
from infwidth.numbers import number

# A shift that no reader of an interval over seeds could see.
NEGLIGIBLE = 0.1


def page(table: pd.DataFrame, setting: str, against: float) -> str:
    """Markdown.

    Args:
        table: of `lazy_tolerance.study`.
        setting: in words, but for n and N.
        against: the tolerance of the reference; 0: densely trained.
    """
    schemes = list(dict.fromkeys(table["scheme"]))
    blocks = []
    for column, title in (("mean_shift", "Shift of the mean"), ("rms_shift", "Shift of a seed")):
        for sizes, part in _by_sizes(table):
            of = part.groupby(["tolerance", "scheme"])[column]
            cells = of.max().map(_short) + " (" + of.median().map(_short) + ")"
            blocks.append(f"## {title}, {sizes}\n\n{_by_scheme(cells, schemes)}")
    for sizes, part in _by_sizes(table):
        counts = part.groupby(["tolerance", "scheme"])[["directions", "most_directions"]].first()
        cells = counts.apply(lambda row: f"{row.iloc[0]:.0f} ({row.iloc[1]:.0f})", axis=1)
        blocks.append(f"## Directions, {sizes}\n\n{_by_scheme(cells, schemes)}")
    blocks.append(
        "Mean number over seeds, layers, forward and backward; in brackets the largest. With n\n"
        "directions a matrix is known entirely and nothing is left out. Time and memory of a\n"
        "training grow as these numbers do.\n"
    )
    usable = table.dropna(subset=["mean_shift"])
    per_scheme = usable.groupby("scheme").apply(
        lambda rows: len(rows) // len(rows[["tolerance", "samples"]].drop_duplicates())
    )
    metrics = ", ".join(f"{scheme} {per_scheme.get(scheme, 0)}" for scheme in schemes)
    reference = f"with tolerance {against:g}" if against else "densely"
    return f"""# What the lazy engine's tolerance costs

{setting}.

Each scheme is trained from the same initial matrices twice, {reference} and looked at lazily
(`KnownWeights`). A shift is the difference of a metric's logarithm at the last step, to the one of
the reference, over the standard deviation of that logarithm over the seeds: a shift far
below 1 does not show in an interval over seeds. Cells hold the largest shift over all metrics
(feature change, least eigenvalue, least space-time eigenvalue of every layer, pre- and
post-activations; training and test loss) and in brackets the median. Metrics below the resolution
of float32 are left out; those that remain: {metrics}.

{chr(10).join(blocks)}"""


def _by_sizes(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each width and number of inputs, which are said in words."""
    groups = table.groupby(["width", "samples"], sort=False)
    return [(f"n = {width}, N = {samples}", part) for (width, samples), part in groups]


def _short(value: float) -> str:
    return number(value, 2)


def _by_scheme(cells: pd.Series, schemes: list[str]) -> str:
    """A row per tolerance, the largest first, and a column per scheme."""
    table = cells.unstack()[schemes].sort_index(ascending=False)
    rows = [
        [f"{tolerance:g}", *row] for tolerance, row in zip(table.index, table.values, strict=True)
    ]
    return markdown(["tolerance", *schemes], rows)


def draw(table: pd.DataFrame) -> Figure:
    """Shift of the mean against the tolerance, of the worst metric, for each number of inputs."""
    looked = style.looks(dict.fromkeys(table["scheme"]))
    groups = _by_sizes(table)
    with style.applied():
        figure = Figure(figsize=(style.TEXT_WIDTH, 2.6))
        axes = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
        for ax, (sizes, part) in zip(axes, groups, strict=True):
            values = part.groupby(["scheme", "tolerance"])["mean_shift"].max()
            for scheme, look in looked.items():
                curve = values.loc[scheme]
                curve = curve[curve > 0]  # an exact match has no place on a logarithmic axis
                ax.plot(curve.index, curve, **look.drawn)
            ax.axhline(NEGLIGIBLE, color="black", ls=(0, (1, 2)), lw=0.8, zorder=1)
            ax.set_title(f"Shift of the mean, worst metric, {sizes}")
            _tolerance_axis(ax, sorted(table["tolerance"].unique()))
            style.value_axis(ax)
        axes[0].set_ylabel("shift / spread over seeds")
        guide = Line2D([], [], color="black", ls=(0, (1, 2)), lw=0.8, label="a tenth of the spread")
        panels.legend_above(figure, [*panels.scheme_handles(looked), guide])
    return figure


def _tolerance_axis(ax: Axes, tolerances: list[float]) -> None:
    ax.set_xscale("log")
    ax.set_xticks(tolerances, [f"{tolerance:g}" for tolerance in tolerances])
    ax.minorticks_off()
    ax.set_xlabel("tolerance")
