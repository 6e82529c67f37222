"""How well the schemes generalise at their best learning rate, and what that goes with.

The paper names nothing on generalisation as a limitation of its theory; all here is ours.
"""

import math
from itertools import combinations

import numpy as np
import pandas as pd

from infwidth.numbers import number, power
from infwidth.theory.coordinates.names import LINEAR
from infwidth.theory.finding import Finding, joint, negation
from infwidth.theory.generalisation.choice import at_best, at_common
from infwidth.theory.generalisation.differences import (
    above,
    leading,
    over_seeds,
    per_seed,
    said,
    started,
    trained,
    whole,
)
from infwidth.theory.generalisation.matched import matched
from infwidth.theory.generalisation.names import (
    FROM_PROCESS,
    FROM_ZERO,
    MOST_IMAGES,
    TANGENT_REGRESSION,
)
from infwidth.theory.powers import fitted

# Parts of the test images by which accuracies may differ and count as equal.
EQUAL = 0.02
# Over ten times the width, n to this power loses 2 %.
FLAT = -0.01
# A test loss that differs from that of n = ∞ by no more than this part of it has arrived.
ARRIVED = 0.05
# Features have collapsed where the least over the mean eigenvalue has fallen to this part.
COLLAPSED = 1e-2
# Movements that differ by less than this factor are not compared.
APART = 2.0
FEW = "too few widths, seeds or learning rates"
NO_LIMIT = f"there is no kernel limit: it is computed of at most {MOST_IMAGES:,} images"
BEATEN = {
    FROM_PROCESS: "NTP's kernel limit",
    FROM_ZERO: "the same kernel from outputs of zero, which is µP with its features held",
}

# What was asked -> the answer, and its numbers in words.
Answers = dict[str, tuple[bool | None, str]]


def findings(
    transfer: pd.DataFrame, kernel_limit: pd.DataFrame, class_signal: pd.DataFrame
) -> list[Finding]:
    """What transfer.csv, kernel_limit.csv and class_signal.csv say."""
    best = at_best(transfer)
    widest = best[best["width"] == transfer["width"].max()]
    schemes = list(dict.fromkeys(transfer["scheme"]))
    found = [_width(scheme, best[best["scheme"] == scheme]) for scheme in schemes]
    found += [
        _arrives(scheme, transfer, kernel_limit[kernel_limit["scheme"] == scheme])
        for scheme in LINEAR
        if scheme in schemes
    ]
    ntp = kernel_limit[kernel_limit["scheme"] == "NTP"]
    if "NTP" in schemes:
        found.append(_budget(ntp))
    if {"NTP", "µP"} <= set(schemes):
        found += [_beats(widest, ntp, kind) for kind in BEATEN]
    found.append(_movement(transfer[transfer["width"] == transfer["width"].max()]))
    if {"IP", "µP"} <= set(schemes):
        found.append(_collapse(widest))
    found += [
        _beyond(scheme, class_signal[class_signal["scheme"] == scheme])
        for scheme in schemes
        if scheme not in LINEAR
    ]
    return [*found, _gains(class_signal)]


def _finding(statement: str, answers: Answers, on: str, *, few: str = FEW) -> Finding:
    """A finding of one answer or several, which depends on something if they differ."""
    grade = joint(answer for answer, _ in answers.values())
    return Finding(
        "here",
        statement,
        grade,
        "; ".join(f"{name}: {text}" for name, (_, text) in answers.items()) or few,
        depends_on=on if grade == "depends" else "",
    )


def _losses(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(str(loss), own) for loss, own in table.groupby("loss", sort=False)]


def _width(scheme: str, best: pd.DataFrame) -> Finding:
    answers: Answers = {}
    for loss, own in _losses(best):
        law, widths = fitted(own, "test_loss"), sorted(set(own["width"]))
        if not math.isfinite(law.low):
            continue
        ends = [own[own["width"] == width] for width in (widths[0], widths[-1])]
        narrow, wide = (math.exp(np.log(end["test_loss"]).mean()) for end in ends)
        gained = over_seeds(per_seed(ends[1]) - per_seed(ends[0]))
        answer = True if law.high < 0 else (False if law.low > FLAT else None)
        text = (
            f"n^{power(*law)}, from {number(narrow)} at n = {widths[0]} to {number(wide)} at "
            f"n = {widths[-1]}, accuracy {said(gained)}"
        )
        answers[loss] = answer, text
    return _finding(
        f"{scheme}: wider networks generalise better, the test loss at the best learning rate "
        "falling with the width",
        answers,
        "the loss",
    )


def _arrives(scheme: str, transfer: pd.DataFrame, limit: pd.DataFrame) -> Finding:
    """At the rate, of those at which the limit learns, that is best for the widest; at the common.

    Where its loss ends above that at the lowest rate, the limit is on its way to diverge.
    """
    limit = limit[limit["kind"] == FROM_PROCESS]
    networks = transfer[transfer["scheme"] == scheme]
    answers: Answers = {}
    widest = networks[networks["width"] == transfer["width"].max()]
    common = at_common(transfer)
    for loss in dict.fromkeys(limit["loss"]):
        means = limit[limit["loss"] == loss].groupby("learning_rate")["train_loss"].mean()
        learns = limit["learning_rate"].isin(means.index[means <= means.iloc[0]])
        shared = widest[widest["learning_rate"].isin(limit.loc[learns, "learning_rate"])]
        for rows in (at_best(shared), common[common["scheme"] == scheme]):
            for rate in rows.loc[rows["loss"] == loss, "learning_rate"].unique():
                own, there = (
                    table[(table["loss"] == loss) & (table["learning_rate"] == rate)]
                    for table in (networks, limit[learns])
                )
                answers[f"{loss}, η = {number(rate, 2)}"] = _gap(own, there)
    return _finding(
        f"{scheme}: the test loss tends to that of the kernel limit trained alike",
        answers,
        "the loss and the learning rate",
        few=FEW if len(limit) else NO_LIMIT,
    )


def _gap(networks: pd.DataFrame, limit: pd.DataFrame) -> tuple[bool | None, str]:
    """Of the widest networks' test loss from the limit's, as a part of that; open while it shrinks.

    One width alone does not tell whether it does.
    """
    there = per_seed(limit, "test_loss")
    gaps = {
        int(str(width)): over_seeds((per_seed(own, "test_loss") - there) / there.mean())
        for width, own in networks.groupby("width")
    }
    known = {width: gap for width, gap in gaps.items() if math.isfinite(gap.low)}
    if not known:
        return None, "networks or their limit do not learn"
    (narrow, first), (wide, last) = min(known.items()), max(known.items())
    if max(-last.low, last.high) <= ARRIVED:
        answer: bool | None = True
    else:
        away = max(last.low, -last.high) > ARRIVED and len(known) > 1
        shrinks = max(-last.low, last.high) < abs(first.value)
        answer = False if away and not shrinks else None
    parts = [f"{number(100 * part, 2)} %" for part in (first.value, *last)]
    return answer, (
        f"{parts[0]} off at n = {narrow}, {parts[1]} [{parts[2]}, {parts[3]}] at n = {wide}"
    )


def _budget(limit: pd.DataFrame) -> Finding:
    answers: Answers = {}
    own = limit[limit["loss"] == "mse"]
    ends = own.loc[own["kind"] == TANGENT_REGRESSION, "test_accuracy"]
    for kind, words in ((FROM_PROCESS, "from Gaussian outputs"), (FROM_ZERO, "from zero")):
        rows = at_best(own[own["kind"] == kind], ("scheme",))
        if len(rows) and len(ends):
            gap = over_seeds(per_seed(rows) - float(ends.iloc[0]))
            answers[words] = (
                above(gap, least=-EQUAL, most=-EQUAL),
                f"accuracy {said(gap)} beside {number(float(ends.iloc[0]))}",
            )
    return _finding(
        "NTP's kernel limit generalises after these steps as well as kernel regression, which it "
        "tends to with time",
        answers,
        "the initial outputs",
        few=FEW if len(limit) else NO_LIMIT,
    )


def _beats(widest: pd.DataFrame, limit: pd.DataFrame, kind: str) -> Finding:
    answers: Answers = {}
    best = at_best(limit[limit["kind"] == kind], ("loss",))
    for loss, own in _losses(widest[widest["scheme"] == "µP"]):
        there = per_seed(best[best["loss"] == loss])
        gap = over_seeds(per_seed(own) - there)
        if math.isfinite(gap.low):
            answers[loss] = (
                above(gap, least=0, most=EQUAL),
                f"accuracy {said(gap)} beside {number(float(there.mean()))}",
            )
    return _finding(
        "µP's widest networks classify more test images right than " + BEATEN[kind] + ", each at "
        "its best learning rate",
        answers,
        "the loss",
        few=FEW if len(limit) else NO_LIMIT,
    )


def _movement(widest: pd.DataFrame) -> Finding:
    answers: Answers = {}
    for loss, own in _losses(matched(widest)):
        moved = np.log(own["feature_change"]).groupby(own["scheme"]).mean().sort_values()
        for less, more in combinations(moved.index, 2):
            if moved[more] - moved[less] < math.log(APART):
                continue
            gap = over_seeds(
                per_seed(own[own["scheme"] == more]) - per_seed(own[own["scheme"] == less])
            )
            answers[f"{loss}, {more} over {less}"] = above(gap, least=0, most=0), said(gap)
    return _finding(
        "at one training loss, of the widest networks those whose features moved more classify "
        "more test images right",
        answers,
        "the schemes compared",
    )


def _collapse(widest: pd.DataFrame) -> Finding:
    answers: Answers = {}
    for loss, own in _losses(widest):
        ip, mup = (own[own["scheme"] == scheme] for scheme in ("IP", "µP"))
        gap = over_seeds(per_seed(ip) - per_seed(mup))
        if not math.isfinite(gap.low):
            continue
        # What is empty is under its resolution.
        kept = ip["retention"].fillna(0).max()
        answer = above(gap, least=-EQUAL, most=-EQUAL) if kept < COLLAPSED else None
        retention = f"at most {number(kept, 2)}" if kept else "under its resolution"
        answers[loss] = answer, f"accuracy {said(gap)} beside µP's, retention {retention}"
    return _finding(
        "IP's widest networks generalise as well as µP's, though their features collapse",
        answers,
        "the loss",
    )


def _beyond(scheme: str, class_signal: pd.DataFrame) -> Finding:
    answers: Answers = {}
    for loss, own in _losses(trained(class_signal)):
        few, most = (per_seed(each, "accuracy") for each in (leading(own), whole(own)))
        gap = over_seeds(most - few)
        answers[loss] = (
            negation(above(gap, least=EQUAL, most=EQUAL)),
            f"accuracy {said(gap)} beside {number(float(few.mean()))}",
        )
    return _finding(
        f"{scheme}: as many leading directions of the last features as there are classes, less "
        "one, hold what classifies: a linear probe of all of them gets no more test images right",
        answers,
        "the loss",
    )


def _gains(class_signal: pd.DataFrame) -> Finding:
    answers: Answers = {}
    for scheme, rows in class_signal.groupby("scheme", sort=False):
        for loss, own in _losses(rows):
            few = leading(own)
            before, after = (per_seed(each, "accuracy") for each in (started(few), trained(few)))
            gap = over_seeds(after - before)
            gains = above(gap, least=0, most=EQUAL)
            held = above(gap, least=EQUAL, most=EQUAL)
            answers[f"{scheme}, {loss}"] = (
                negation(held) if scheme in LINEAR else gains,
                f"{said(gap)} beside {number(float(before.mean()))}",
            )
    return _finding(
        "training raises what a linear probe gets right from as many leading directions as there "
        f"are classes, less one, except under {' and '.join(LINEAR)}",
        answers,
        "the scheme and the loss",
    )
