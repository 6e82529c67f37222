"""IP's escape: what its change does at a fixed step, and its time to move as n grows.

The laws are those of `infwidth.theory.escape.laws`. All thresholds are ours.
"""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from infwidth.numbers import number, power, with_interval
from infwidth.theory.escape.laws import (
    EARLY,
    early_steps,
    first_step_laws,
    growth_by_width,
    local_law,
    moved_laws,
    of_scheme,
    time_law,
    widest,
)
from infwidth.theory.escape.names import IP, LARGE, MAIN, SIZES, SMALL
from infwidth.theory.finding import Finding, conjunction, verdict
from infwidth.theory.powers import WidthLaw

# How far a measured rate may be from the predicted one.
CLOSE = 0.1
# Half of the loss gone is a network that learns; a mean square of 1e-2 one that has moved.
LEARNS, MOVED = 0.5, 1e-2
# A power of n may be this far from the expected one: half-way to that of the next depth.
NEAR = 0.5
SOURCE = "Hajjar, Chizat & Giraud 2021"


def findings(table: pd.DataFrame, times: pd.DataFrame, depths: pd.DataFrame) -> list[Finding]:
    """What escape.csv, escape_times.csv and escape_depths.csv say."""
    found = []
    for trainings in (MAIN, SMALL):
        rows, reached = (each[each["trainings"] == trainings] for each in (table, times))
        if not (rows["scheme"] == IP).any():
            continue
        found += [
            _at_fixed_steps(rows),
            _time(reached),
            _growth(rows, reached),
        ]
        if (rows["scheme"] == LARGE).any():
            found.append(_at_once(rows))
    if len(depths):
        found += [_first_steps(depths), _large(table, depths), _cure(depths)]
    return found


def _where(rows: pd.DataFrame) -> str:
    """The trainings, in words of a statement."""
    own = "the experiment's trainings" if rows["trainings"].iloc[0] == MAIN else "small trainings"
    layers, samples = (int(rows[name].iloc[0]) for name in ("hidden_layers", "samples"))
    return f"{own} of {samples} samples, L = {layers}"


def _at_fixed_steps(rows: pd.DataFrame) -> Finding:
    statement = (
        "at a fixed step, before it escapes, IP's relative change does not depend on the width "
        f"and its features vanish as it grows ({_where(rows)})"
    )
    rows = of_scheme(rows, IP)
    early = early_steps(rows)
    changes = {step: local_law(rows, "feature_change", step) for step in early}
    squares = {step: local_law(rows, "mean_square", step) for step in early}
    answers = [law.stays for law in changes.values()]
    answers += [law.vanishes for law in squares.values()]
    evidence = "no step is early at the widest networks"
    if early:
        widths = sorted(set(widest(rows)["width"]))
        first, last = early[0], early[-1]
        evidence = (
            f"over n = {widths[0]} to {widths[-1]} the local power of the change is "
            f"{power(*changes[first].power)} at step {first} and {power(*changes[last].power)} at "
            f"step {last}, that of the mean square of h^L {power(*squares[last].power)}; the "
            f"change at step {last} is {with_interval(*changes[last].level)} at n = {widths[-1]}"
        )
        evidence += _predicted(rows, last)
    return Finding("here", statement, verdict(conjunction(answers)), evidence)


def _predicted(rows: pd.DataFrame, last: int) -> str:
    """What the linear law has for the last early step and for the end of training."""
    largest = rows[rows["width"] == rows["width"].max()].set_index("step")
    end = int(rows["step"].max())
    change = float(largest.loc[[last], "predicted_change"].iloc[0])
    final = largest.loc[[end]].iloc[0] if end in largest.index else None
    if final is None or not math.isfinite(change):
        return ""
    text = f" ({number(change)} at n = ∞ by the linear law)"
    at_end = local_law(rows, "feature_change", end).power
    if math.isfinite(final["predicted_square"]):
        needed = float(final["width"]) * math.sqrt(final["predicted_square"] / EARLY)
        text += (
            f"; at step {end} the power is {power(*at_end)}, and by that law the change tends to "
            f"{number(final['predicted_change'], 2)}, being near it from n = {number(needed, 1)} on"
        )
    return text


def _time(times: pd.DataFrame) -> Finding:
    statement = f"the time that IP takes to reach a fixed size grows as ln n ({_where(times)})"
    times = of_scheme(times, IP)
    laws = {size: time_law(times[np.isclose(times["size"], size)]) for size in SIZES}
    known = {size: law for size, law in laws.items() if law is not None}
    holds = conjunction(law.holds for law in known.values())
    parts = [
        f"to a mean square of {number(size, 1)}, {number(law.ends[0], 2)} steps at n = "
        f"{law.widths[0]} and {number(law.ends[1], 3)} at n = {law.widths[1]}, "
        f"{with_interval(*law.slope)} a unit of ln n"
        + (f" ({number(law.predicted)} by the linear law)" if law.predicted > 0 else "")
        + f"; the line misses no mean by more than {number(law.misfit, 2)} steps"
        + (f" (lack of fit: p = {number(law.chance, 1)})" if math.isfinite(law.chance) else "")
        + (f", a time being up to {number(law.late, 2)} too late" if law.late >= 1 else "")
        for size, law in known.items()
    ]
    evidence = "; ".join(parts) or "too few widths reach a size that is far above their start"
    growth = float(times["predicted_growth"].iloc[0])
    if parts and math.isfinite(growth):
        evidence += f"; for n → ∞ the eigenvalue at the saddle has {number(2 / growth)}"
    return Finding("here", statement, verdict(holds), evidence)


def _growth(rows: pd.DataFrame, times: pd.DataFrame) -> Finding:
    """Judged at the largest width: the law is that of n = ∞."""
    statement = (
        "before it escapes IP grows as the linear law at its saddle says, at a rate free of n "
        f"({_where(rows)})"
    )
    rates = growth_by_width(of_scheme(rows, IP))
    if not rates or not math.isfinite([*rates.values()][-1][1]):
        evidence = "the law is for three hidden layers of tanh in full batches"
        return Finding("here", statement, verdict(None), evidence)
    (first, *_), largest = rates, max(rates)
    measured, law = rates[largest]
    holds: bool | None = None
    ratios = [end / law for end in measured]
    if max(abs(end - 1) for end in ratios[1:]) <= CLOSE:
        holds = True
    elif ratios[1] > 1 + CLOSE or ratios[2] < 1 - CLOSE:
        holds = False
    growth = float(of_scheme(times, IP)["predicted_growth"].iloc[0])
    evidence = (
        f"the logarithm of the mean square of h^L grows by {with_interval(*measured)} a step at "
        f"n = {largest}, over the last two snapshots before it escapes, {number(law)} by the law "
        f"over the same steps; {with_interval(*rates[first][0])} at n = {first}; the largest "
        f"eigenvalue gives {number(growth)} in the end"
    )
    return Finding("here", statement, verdict(holds), evidence)


def _at_once(rows: pd.DataFrame) -> Finding:
    statement = (
        "large learning rates in the first step let IP escape at once, at any width: where IP has "
        f"not moved yet, IP-LLR has, and by as much at every width ({_where(rows)})"
    )
    early = early_steps(of_scheme(rows, IP))
    evidence, holds = "no step is early at the widest networks", None
    if early:
        step = early[-1]
        law = local_law(of_scheme(rows, LARGE), "mean_square", step)
        still = local_law(of_scheme(rows, IP), "mean_square", step)
        moved = law.level.low > MOVED if math.isfinite(law.level.low) else None
        holds = conjunction([law.stays, moved])
        evidence = f"at step {step} the mean square of h^L is {law} under IP-LLR, {still} under IP"
    return Finding(SOURCE, statement, verdict(holds), evidence)


def _first_steps(depths: pd.DataFrame) -> Finding:
    laws = first_step_laws(depths)

    def near() -> Iterator[bool | None]:
        for depth, law in laws.items():
            expected, (_, low, high) = -max(depth - 2, 0), law.power
            if not math.isfinite(low):
                yield None
            elif max(abs(low - expected), abs(high - expected)) <= NEAR:
                yield True
            else:
                yield False if low > expected + NEAR or high < expected - NEAR else None

    powers = ", ".join(f"{power(*law.power)} (L = {depth})" for depth, law in laws.items())
    return Finding(
        "here",
        "what IP's first step takes off the loss vanishes with the width as n^-(L-2) from L = 3 "
        "hidden layers on",
        verdict(conjunction(near())),
        f"fitted powers of n: {powers}; expected 0, 0, −1, −2, ...",
    )


def _large(table: pd.DataFrame, depths: pd.DataFrame) -> Finding:
    """Whether IP's features move at n = ∞: at each depth in the end, and early in training."""
    laws = moved_laws(depths)
    rows = of_scheme(table[table["trainings"] == SMALL], IP)
    early = early_steps(rows)
    still = local_law(rows, "mean_square", early[-1]) if early else None
    answers = [law.stays for law in laws.values()] + ([still.stays] if still else [])
    places = [f"L = {depth}" for depth in laws] + ["early"]
    moving = [place for place, each in zip(places, answers, strict=False) if each is True]
    resting = [place for place, each in zip(places, answers, strict=False) if each is False]
    left = {
        depth: float((each["last_loss"] / each["first_loss"]).mean())
        for depth, each in of_scheme(depths, IP).groupby("hidden_layers")
    }
    steps, largest = int(depths["steps"].max()), int(depths["width"].max())
    evidence = f"after {steps} steps the mean square by which h^L has moved is " + ", ".join(
        f"{number(law.level.value, 2)} at n = {largest}, n^{power(*law.power)}, with "
        f"{number(left[depth], 2)} of the loss left (L = {depth})"
        for depth, law in laws.items()
    )
    if still:
        evidence += f"; with three layers at step {early[-1]}, the mean square of h^L is {still}"
    answer, depends = verdict(conjunction(answers)), ""
    if moving and resting:
        answer, depends = "depends", "the depth and the training time"
    return Finding(
        "Table 1",
        "IP's features vary largely at n = ∞",
        answer,
        evidence,
        origin="follows",
        depends_on=depends,
    )


def _cure(depths: pd.DataFrame) -> Finding:
    rows = of_scheme(depths, LARGE)
    rows = rows.assign(left=rows["last_loss"] / rows["first_loss"])
    deep = rows[rows["hidden_layers"] > 2]
    groups = deep.groupby(["hidden_layers", "width"])["left"].mean()
    worst = groups.groupby("hidden_layers").max()
    powers = {
        int(str(depth)): WidthLaw.of(each, "moved_square")
        for depth, each in deep.groupby("hidden_layers")
    }
    learns = {
        depth: conjunction([bool(worst[depth] <= LEARNS), law.stays])
        for depth, law in powers.items()
    }
    answer, depends = verdict(conjunction(learns.values())), ""
    if True in learns.values() and False in learns.values():
        answer, depends = "depends", "the depth"
    evidence = f"after {int(depths['steps'].max())} steps at most " + ", ".join(
        f"{number(float(worst[depth]), 2)} of the loss is left, h^L having moved {law} "
        f"(L = {depth})"
        for depth, law in powers.items()
    )
    return Finding(
        SOURCE,
        "with large learning rates in the first step IP learns with three hidden layers and more, "
        "its features moving as far at every width",
        answer,
        evidence,
        depends_on=depends,
    )
