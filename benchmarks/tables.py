"""From rounds to medians, ratios, exponents, and the Markdown that shows them."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from contenders import KINDS
from setting import DIMENSION, SAMPLES, TOLERANCE, operations, traffic

from infwidth.numbers import number

RATIOS = (
    ("dense", "plain"),
    ("dense", "mup"),
    ("dense", "plain_side_by_side"),
    ("lazy", "dense"),
)
# A power of n is fitted to so many of the largest widths.
FITTED = 4


def summarise(rounds: pd.DataFrame, roofline: pd.DataFrame, cores: int) -> pd.DataFrame:
    """Medians over the rounds, a row per contender, scheme, width and number of steps.

    Args:
        rounds: as `trainings.Timings` has them.
        roofline: likewise.
        cores: of the machine.

    Returns:
        Columns: rate (replica-steps per second of all cores; median, lowest, highest round),
        core_seconds (of one replica-step: cores / rate), memory (MB of one process beyond its
        start) and memory_per_replica, and of the dense engine roofline_fraction, its rate over the
        most that the machine's products and memory allow.
    """
    keys = ["contender", "scheme", "width", "steps"]
    grouped = rounds.groupby(keys, sort=False)
    table = grouped.agg(
        rate=("rate", "median"),
        rate_low=("rate", "min"),
        rate_high=("rate", "max"),
        rounds=("rate", "size"),
        threads=("threads", "first"),
        # Later rounds have the peaks of all before them.
        memory=("memory", "min"),
    ).reset_index()
    kinds = [KINDS[name] for name in table["contender"]]
    replicas = np.array([kind.replicas for kind in kinds])
    table.insert(4, "replicas", replicas)
    table.insert(5, "processes", [cores if kind.side_by_side else 1 for kind in kinds])
    table["core_seconds"] = cores / table["rate"]
    table["memory_per_replica"] = table["memory"] / replicas
    bound = bounds(table["width"], roofline)
    table["roofline_fraction"] = (table["rate"] / bound).where(table["contender"] == "dense")
    return table


def bounds(widths: Iterable[int], roofline: pd.DataFrame) -> np.ndarray:
    """The most dense replica-steps per second, by the medians of the machine's speeds."""
    speed, bandwidth = roofline["operations"].median(), roofline["bytes"].median()
    seconds = [max(operations(n) / speed, traffic(n) / bandwidth) for n in widths]
    return 1 / np.array(seconds)


def ratios(rounds: pd.DataFrame) -> pd.DataFrame:
    """Speeds over speeds of the same round under µP: median, lowest and highest over the rounds."""
    last = rounds[rounds["scheme"] == "µP"].groupby(["contender", "width", "round"])["rate"].last()
    rows = []
    for above, below in RATIOS:
        quotient = (last[above] / last[below]).dropna()
        for width, values in quotient.groupby("width"):
            rows.append(
                {
                    "width": width,
                    "ratio": f"{above}/{below}",
                    "median": values.median(),
                    "low": values.min(),
                    "high": values.max(),
                }
            )
    return pd.DataFrame(rows).sort_values("width", kind="stable", ignore_index=True)


def lazy_under_mup(summary: pd.DataFrame, *, steps: int) -> pd.DataFrame:
    """Rows of the lazy engine under µP after the same number of steps, by width."""
    chosen = (summary["contender"] == "lazy") & (summary["scheme"] == "µP")
    return summary[chosen & (summary["steps"] == steps)].sort_values("width")


def power(widths: pd.Series, values: pd.Series) -> float:
    """The exponent in n over the largest widths, by least squares of the logarithms."""
    largest = slice(-FITTED, None)
    return float(np.polyfit(np.log(widths[largest]), np.log(values[largest]), 1)[0])


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, numbers to the right."""
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _spread(median: float, low: float, high: float) -> str:
    if low == high:
        return number(median)
    return f"{number(median)} ({number(low)} – {number(high)})"


def _ratio_table(table: pd.DataFrame) -> str:
    names = [f"{above}/{below}" for above, below in RATIOS]
    rows = []
    for width, values in table.groupby("width"):
        cells = values.set_index("ratio")[["median", "low", "high"]]
        rows.append([f"{width}", *(_spread(*cells.loc[name]) for name in names)])
    titles = [f"{KINDS[above].title} / {KINDS[below].title}" for above, below in RATIOS]
    return markdown(["width n", *titles], rows)


def _rate_table(under_mup: pd.DataFrame) -> str:
    rows = []
    for width, values in under_mup.groupby("width"):
        of = values.groupby("contender")[["rate", "rate_low", "rate_high"]].last()
        fraction = values["roofline_fraction"].max()
        steps = values[values["contender"] == "lazy"]["steps"].max()
        rows.append(
            [
                f"{width}",
                *(_spread(*of.loc[name]) if name in of.index else "" for name in KINDS),
                f"{steps}",
                "" if np.isnan(fraction) else f"{fraction:.0%}",
            ]
        )
    titles = [kind.title for kind in KINDS.values()]
    return markdown(["width n", *titles, "steps of lazy", "dense of the roofline"], rows)


def _memory_table(under_mup: pd.DataFrame) -> str:
    rows = []
    for width, values in under_mup.groupby("width"):
        of = values.groupby("contender")["memory_per_replica"].last()
        rows.append([f"{width}", *(number(of[name]) if name in of else "" for name in KINDS)])
    return markdown(["width n", *(kind.title for kind in KINDS.values())], rows)


def _scheme_table(summary: pd.DataFrame, directions: pd.DataFrame) -> str:
    lazy = summary[summary["contender"] == "lazy"]
    rows = []
    # Stable, so that schemes stay in the order they were measured in.
    lazy = lazy.sort_values("width", kind="stable")
    for (width, scheme), values in lazy.groupby(["width", "scheme"], sort=False):
        final = values.iloc[-1]
        place = (directions["width"] == width) & (directions["scheme"] == scheme)
        layers = directions[place & (directions["steps"] == final["steps"])]
        counts = (f"{r} + {s}" for r, s in zip(layers["forward"], layers["backward"], strict=True))
        rows.append(
            [
                f"{width}",
                f"{scheme}",
                f"{final['steps']}",
                _spread(final["rate"], final["rate_low"], final["rate_high"]),
                *counts,
            ]
        )
    layers = [f"layer {layer}: r + s" for layer in sorted(directions["layer"].unique())]
    head = ["width n", "scheme", "steps T", "replica-steps/s", *layers]
    return markdown(head, rows)


def report(
    summary: pd.DataFrame,
    quotients: pd.DataFrame,
    directions: pd.DataFrame,
    machine: "pd.Series[float]",
) -> str:
    """The whole page.

    Args:
        summary: of `summarise`.
        quotients: of `ratios`.
        directions: of the lazy layers.
        machine: processor, cores, torch, operations and bytes per second.
    """
    cores = machine["cores"]
    under_mup = summary[summary["scheme"] == "µP"]
    common = int(summary[summary["contender"] == "lazy"]["steps"].min())
    lazy = lazy_under_mup(summary, steps=common)
    fitted = lazy["width"].tail(FITTED)
    over = f"n = {fitted.min()} to {fitted.max()}, {common} steps"
    return f"""# Speed

{machine["processor"]}, {cores} cores, torch {machine["torch"]}. Replica-steps per second: how many
steps of gradient descent the whole machine takes, counted over all networks that it trains. Numbers
are medians over rounds, in which the contenders take turns; in brackets the lowest and the highest
round.

## Ratios

Of replica-steps per second, within each round.

{_ratio_table(quotients)}
- **{KINDS["plain"].title}**: `nn.Sequential` of bias-free layers, autograd, `torch.optim.SGD` with
  one parameter group per layer; one seed at a time.
- **{KINDS["plain_side_by_side"].title}**: the same, but as many seeds as cores at the same time.
- **{KINDS["mup"].title}**: as {KINDS["plain"].title}, but with PyPI's `mup` (`MuReadout`,
  `set_base_shapes`, `MuSGD`).
- **{KINDS["dense"].title}**: this project's engine with n × n matrices,
  {KINDS["dense"].replicas} seeds at once.
- **{KINDS["lazy"].title}**: this project's engine whose matrices are never written down, one seed,
  tolerance {TOLERANCE}.

All train the same network under µP: 3 hidden layers, tanh, N = {SAMPLES} inputs of {DIMENSION}
numbers, full batch, mean squared error, float32. *{KINDS["plain"].title}* and
*{KINDS["mup"].title}* run as one process with torch's default number of threads, on all {cores}
cores. The others run as this project trains: on one core each, {cores} processes at the same time,
and their rates are added. Of a machine that is busy with other things these numbers say nothing:
threads that share one step wait for each other.

## Replica-steps per second

{_rate_table(under_mup)}
A lazy step becomes dearer while directions are added, so what is timed is a whole training from its
start. The roofline is the larger of operations over the rate of a 2048³ product and bytes over the
memory bandwidth, for the two n × n matrices: 6 n² N operations and 3 × 4 n² bytes each (each weight
is read backward, then read and written by the update, while it can serve the forward product).
Measured beside the contenders, all cores together: {machine["operations"] / 1e9:.0f} GFLOP/s and
{machine["bytes"] / 1e9:.1f} GB/s.

## The lazy engine

{_scheme_table(summary, directions)}
r directions forward and s backward, first seed. Time of a step under µP grows as
n^{power(lazy["width"], lazy["core_seconds"]):.2f} and memory as
n^{power(lazy["width"], lazy["memory"]):.2f} ({over}); that of the dense engine, as n².

## Memory

MB per replica at the peak, beyond what a process holds before it builds its network.

{_memory_table(under_mup)}"""
