"""Whether the best learning rate and the largest stable one depend on the width, and why.

That µP's best rate does not is what Tensor Programs V says (Yang, Hu et al. 2022), and that SP
requires rates of order 1/n Tensor Programs IV; the paper says nothing of either.
"""

import math
from collections.abc import Callable, Mapping

import pandas as pd

from infwidth.numbers import number, power, with_interval
from infwidth.theory.finding import Finding, joint
from infwidth.theory.powers import WidthLaw
from infwidth.theory.transfer.drift import AT_THE_EDGE, FACTOR, Drift, apart, at_width, stays
from infwidth.theory.transfer.names import EDGE, FLAT, LOSSES, MOVED, ONE_RATE, UNMOVED

# Loss, or scheme with loss -> how its rates depend on the width.
Drifts = Mapping[str, Drift]
Answer = Callable[[Drift], bool | None]


def findings(table: pd.DataFrame, optima: pd.DataFrame) -> list[Finding]:
    """What the tables say.

    Args:
        table: transfer.csv.
        optima: optima.csv.
    """
    drifts = {
        (str(scheme), str(loss)): Drift.of(
            table[(table["scheme"] == scheme) & (table["loss"] == loss)], own
        )
        for (scheme, loss), own in optima.groupby(["scheme", "loss"], sort=False)
    }
    found = []
    for scheme in dict.fromkeys(scheme for scheme, _ in drifts):
        own = {LOSSES[loss]: drift for (each, loss), drift in drifts.items() if each == scheme}
        found += [_transfers(scheme, own), _stable(scheme, own)]
    named = {f"{scheme} with {LOSSES[loss]}": drift for (scheme, loss), drift in drifts.items()}
    return [*found, _held(named), _coordinate_check(named)]


def _finding(
    statement: str,
    drifts: Drifts,
    answer: Answer,
    told: Callable[[Drift], str],
    source: str = "here",
) -> Finding:
    """A statement of each of the drifts: it depends, where it holds for some alone."""
    answers = {name: answer(drift) for name, drift in drifts.items()}
    evidence = "; ".join(f"{name}: {told(drift)}" for name, drift in drifts.items())
    yes, no = (
        ", ".join(name for name, given in answers.items() if given is wanted)
        for wanted in (True, False)
    )
    grade = joint(answers.values())
    depends_on = f"true of {yes}; false of {no}" if grade == "depends" else ""
    return Finding(source, statement, grade, evidence, "here", depends_on)


def power_text(law: WidthLaw, times: int = 0) -> str:
    """The power of n of a rate, or that at the largest widths; times another power of n."""
    if not math.isfinite(law.power.value):
        return "known at too few widths for a power of n"
    text = f"n^{power(*(end + times for end in law.power))}"
    return f"no single power of n, {text} at the largest widths" if law.crossover else f"∝ {text}"


def _transfers(scheme: str, drifts: Drifts) -> Finding:
    return _finding(
        f"{scheme}: the η that trains best in a fixed number of steps stays within a factor of "
        f"{FACTOR:g} as the width grows",
        drifts,
        lambda drift: drift.transfers,
        _best_told,
        "Tensor Programs V" if scheme == "µP" else "here",
    )


def _best_told(drift: Drift) -> str:
    """The best rates at both ends and their power of n, and where there is none."""
    widths = sorted(set(drift.optima["width"]))
    each = [
        f"η = {with_interval(*at_width(own, 'optimum'))} at n = {width}"
        for width in dict.fromkeys((widths[0], widths[-1]))
        if len(own := drift.known[drift.known["width"] == width])
    ]
    parts = [", ".join([*each, power_text(drift.best)])]
    least, most = apart(drift.optima)
    if math.isfinite(most):
        span = f"at least {number(least, 2)} and " if least > 1 else ""
        parts.append(f"the largest ratio of two widths is {span}at most {number(most, 2)}")
    for place, words in (
        (EDGE, "the best is the largest stable one"),
        (FLAT, "there is no clear minimum"),
        (UNMOVED, f"no rate takes {100 * MOVED:g} % off the loss, it is not yet moving"),
    ):
        where = sorted(set(drift.optima.loc[drift.optima["place"] == place, "width"]))
        if where:
            parts.append(f"{words} at n = {', '.join(map(str, where))}")
    return ", ".join(parts)


def _stable(scheme: str, drifts: Drifts) -> Finding:
    """Of SP, whose layers have one rate, η/n, in terms of that."""
    level = "{}, {} at the largest width"
    if scheme == ONE_RATE:
        return _finding(
            f"{scheme} requires learning rates of order 1/n: the largest stable one of its "
            "weights, η/n, falls as 1/n",
            drifts,
            lambda drift: stays(drift.stable.power),
            lambda drift: (
                f"the largest stable one {power_text(drift.stable, -1)}, the best one "
                f"{power_text(drift.best, -1)}"
            ),
            "Tensor Programs IV",
        )
    return _finding(
        f"{scheme}: the largest stable η stays as the width grows",
        drifts,
        lambda drift: stays(drift.stable.power),
        lambda drift: level.format(power_text(drift.stable), with_interval(*drift.stable.level)),
    )


def _held(drifts: Drifts) -> Finding:
    return _finding(
        f"the best η is held by the edge of stability, within a factor of {AT_THE_EDGE:g} of it at "
        "every width",
        drifts,
        lambda drift: drift.at_the_edge,
        lambda drift: f"the edge is at {number(drift.to_the_edge, 2)} times the best",
    )


def _coordinate_check(drifts: Drifts) -> Finding:
    """Features' movement at one rate, which a coordinate check looks at, against transfer."""

    def agrees(drift: Drift) -> bool | None:
        passes, transfers = stays(drift.change.power), drift.transfers
        return None if passes is None or transfers is None else passes == transfers

    return _finding(
        "a coordinate check tells whether the best η stays: it stays where features at one η move "
        "as far at every width, and nowhere else",
        drifts,
        agrees,
        lambda drift: (
            f"at η = {number(drift.common)} h^L changes {power_text(drift.change)}, best η "
            f"{power_text(drift.best)}"
            if math.isfinite(drift.common)
            else "no η is stable at every width"
        ),
    )
