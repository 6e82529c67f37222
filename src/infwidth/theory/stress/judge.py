"""Theorem 4.5 under stress: whether features stay independent where the theorem is strained.

Each setting is judged as in `infwidth.theory.independence.judge`, over the steps at which every
training of it was still going. Thresholds are ours.
"""

from typing import Any

import pandas as pd

from infwidth.experiment import FEWEST_WIDTHS_CORRECTED
from infwidth.numbers import number
from infwidth.theory.activations.names import PAPER
from infwidth.theory.finding import Finding, Verdict, verdict
from infwidth.theory.independence.judge import independent, least
from infwidth.theory.stress.names import RATES, SETTING

# A training is at the edge of stability where η times half its sharpness is within these: at 1 it
# is stable by the linear term alone, and about as much more or less is seen where it settles.
EDGE = (0.8, 1.2)
# From this multiple of the edge on at the start, a training is meant to be beyond it.
BEYOND = 2.0


def findings(table: pd.DataFrame, sharpness: pd.DataFrame) -> list[Finding]:
    """Theorem 4.5 in every setting, and whether the rates lead to the edge of stability.

    Args:
        table: stress.csv.
        sharpness: sharpness.csv.
    """
    found = [_setting(rows) for _, rows in table.groupby(SETTING, sort=False)]
    rates = table[(table["strain"] == RATES) & (table["trainings"] > 0)]
    if len(rates):
        found.append(_edge(rates, sharpness[sharpness["strain"] == RATES]))
    return found


def judged(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that the theorem can be asked of: one setting's, but for two reasons.

    From the first step on at which a training has diverged, those that are left are no fair sample.
    And h of layer 1 is linear in the inputs: more of them than their rank have dependent h there,
    which is no matter of training.
    """
    linear = (rows["layer"] == 1) & (rows["kind"] == "h") & (rows["samples"] > rows["rank"])
    return rows[(rows["diverged"] == 0) & ~linear]


def _setting(rows: pd.DataFrame) -> Finding:
    first = rows.iloc[0]
    sound = bool(PAPER.get(first["activation"])) and first["parallel_pairs"] == 0
    if not first["trainings"]:
        return _finding(first, sound, first["last_step"], "undetermined", _too_few(first))
    kept = judged(rows)
    parts = [least(kept), _edges(kept)]
    if len(kept) < len(rows) and rows["samples"].iloc[0] > first["rank"]:
        parts.append(f"h of layer 1 is left out, being linear in inputs of rank {first['rank']}")
    if first["lost"]:
        parts.append(f"after that {first['lost']} of {first['trainings']} trainings diverge")
    if first["parallel_pairs"]:
        parts.append(f"{first['parallel_pairs']} pairs of inputs are equal up to sign")
    evidence = "; ".join(parts)
    return _finding(first, sound, kept["step"].max(), verdict(independent(kept)), evidence)


def _finding(
    first: "pd.Series[Any]", sound: bool, step: int, decided: Verdict, evidence: str
) -> Finding:
    """Of the paper where its assumptions hold, as far as they are known to."""
    rate = number(first["learning_rate"])
    if first["strain"] == RATES and not first["trainings"]:
        rate = "up to the edge of stability and beyond"
    return Finding(
        source="Theorem 4.5" if sound else "here",
        statement=f"µP with {first['activation']}, N = {first['samples']}, η = {rate}: h and x of "
        f"every hidden layer stay linearly independent at n = ∞ at every step up to {step}",
        verdict=decided,
        evidence=evidence,
        origin="paper" if sound else "here",
    )


def _too_few(first: "pd.Series[Any]") -> str:
    if first["inputs"] < first["samples"]:
        return f"not trained: there are {first['inputs']} images"
    return (
        f"not trained: {first['wide']} of the widths are wide enough for so many samples, and it "
        f"takes {FEWEST_WIDTHS_CORRECTED}"
    )


def _edges(rows: pd.DataFrame) -> str:
    edges = rows.groupby("step")["edge"].first()
    return (
        f"η times half the sharpness is {number(edges.iloc[0], 2)} at the start, "
        f"{number(edges.max(), 2)} at most and {number(edges.iloc[-1], 2)} at the end"
    )


def _edge(rates: pd.DataFrame, sharpness: pd.DataFrame) -> Finding:
    """Whether trainings that start below the edge come to it, and those beyond it do not train."""
    parts, answers = [], []
    for number_, rows in rates.groupby("setting", sort=False):
        edges = sharpness[sharpness["setting"] == number_].groupby("step")["edge"].mean()
        start, end = edges.iloc[0], edges.iloc[-1]
        lost, trained = rows["lost"].iloc[0], rows["trainings"].iloc[0]
        # Half a tenth for the scatter of what the multiple was set by.
        if start > BEYOND * 0.95:
            answers.append(bool(lost > 0))
            how = f"{lost} of {trained} trainings diverge"
        else:
            answers.append(bool(lost == 0 and EDGE[0] <= end <= EDGE[1]))
            how = f"at the end it is {number(end, 2)}, and {lost} of {trained} trainings diverge"
        parts.append(f"from {number(start, 2)} at the start (η = {_rate(rows)}): {how}")
    return Finding(
        "here",
        "these rates strain it: gradient descent that starts below the edge of stability ends at "
        f"it, and at {BEYOND:g} times the edge it diverges",
        verdict(all(answers)),
        "η times half the sharpness, 1 at the edge: " + "; ".join(parts),
    )


def _rate(rows: pd.DataFrame) -> str:
    return number(rows["learning_rate"].iloc[0])
