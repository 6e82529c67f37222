"""The induction of the proof: which of its steps hold, and which fail first without a hypothesis.

What fails by the arithmetic of a symmetry fails at every width, to rounding. What fails as n → ∞
alone shows in a least eigenvalue that falls with n. Thresholds and error rates are ours.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from infwidth.measures.estimate import Estimate
from infwidth.numbers import number, power
from infwidth.theory.finding import Finding, conjunction, negation, verdict
from infwidth.theory.induction.names import (
    CONSTANT_SUM,
    DUPLICATE,
    FEATURES,
    GAUSSIAN,
    GAUSSIAN_BACKWARD,
    GAUSSIANITY,
    INDEPENDENCE,
    LINEAR,
    LINEAR_ONE_LABEL,
    NEGATED,
    ONE_LABEL,
    PREACTIVATIONS,
    REGULAR,
    SIGNALS,
    STEPS,
)
from infwidth.theory.powers import falls, pooled

# An eigenvalue from this many times its resolution on is not zero; in between nothing is said.
CLEAR = 100.0
# Error rate of all tests of one kind together.
LEVEL = 0.05

PROOF = "Proof of Theorem 4.5"
FORWARD = (GAUSSIAN, PREACTIVATIONS, FEATURES)
CLAIMS: Mapping[str, str] = {
    GAUSSIAN: "forward, the Gaussian parts of W_0 δx_s have a covariance that is not degenerate",
    PREACTIVATIONS: "forward, {h_0, δh_s} are independent",
    FEATURES: "forward, {x_0, δx_s} are independent, φ being GOOD",
    SIGNALS: "backward from the last layer, {dh_s} are independent",
    GAUSSIAN_BACKWARD: "backward, the Gaussian parts of W_0ᵀ dh_s have a covariance that is not "
    "degenerate",
}
BROKEN: Mapping[str, str] = {
    DUPLICATE: "an input that occurs twice, with two labels, fails the first step there is, h of "
    "layer 1, and all that follows forward; backward nothing fails",
    NEGATED: "an input beside its negative fails h of layer 1 alone; a φ that is not odd mends it",
    CONSTANT_SUM: "two inputs beside their negatives, and a φ with φ(h) + φ(−h) constant, fail h "
    "of layer 1, then x of layer 1, and with it the Gaussian parts and h of layer 2",
    ONE_LABEL: "one label for all inputs fails no step, φ being GOOD",
    LINEAR: "a linear φ, which is not GOOD, fails no step while every input has a label of its own",
    LINEAR_ONE_LABEL: "a linear φ and one label for all inputs fail dh of the last layer first, at "
    "t = 0 and as n → ∞, and all that follows",
}
# A place in the proof: training step, step of the proof, layer.
Place = tuple[int, str, int]


def should_fail(case: str, place: Place) -> bool:
    """Whether a step of the proof should fail, by what `BROKEN` says."""
    step, proof, layer = place
    if case == DUPLICATE:
        return proof in FORWARD
    if case == NEGATED:
        return (proof, layer) == (PREACTIVATIONS, 1)
    if case == CONSTANT_SUM:
        first = ((PREACTIVATIONS, 1), (FEATURES, 1), (GAUSSIAN, 2), (PREACTIVATIONS, 2))
        return (proof, layer) in first
    return case == LINEAR_ONE_LABEL and (step > 0 or proof not in FORWARD)


def families(table: pd.DataFrame) -> Iterator[tuple[Place, pd.DataFrame]]:
    """The rows of each place, in the order of the proof; of one case."""
    keys = ["training_step", "proof_step", "layer"]
    for (step, proof, layer), rows in table.groupby(keys, sort=False):
        yield (int(step), str(proof), int(layer)), rows  # type: ignore[call-overload]


def independent(rows: pd.DataFrame) -> bool | None:
    """Whether a family is: λ_min is clearly not zero, and does not fall with the width."""
    if rows["fails"].all():
        return False
    if (rows["value"] < CLEAR * rows["resolution"]).any():
        return None
    return negation(falls(law(rows)))


def law(rows: pd.DataFrame) -> Estimate:
    """The power of n of λ_min, whose relative scatter over seeds hangs little on the width."""
    return pooled(rows, "value")


def states(table: pd.DataFrame) -> dict[Place, bool | None]:
    """Whether each family of one case is independent, in the order of the proof."""
    return {place: independent(rows) for place, rows in families(table)}


def findings(table: pd.DataFrame, tests: pd.DataFrame) -> list[Finding]:
    """Each step of the proof, what it says of innovations, and what each broken hypothesis fails.

    Args:
        table: induction.csv.
        tests: induction_tests.csv.
    """
    regular = table[table["case"] == REGULAR]
    found = [_step(proof, regular) for proof in STEPS]
    found += [_tested(kind, tests[tests["test"] == kind]) for kind in (INDEPENDENCE, GAUSSIANITY)]
    cases = [case for case in dict.fromkeys(table["case"]) if case != REGULAR]
    return found + [_broken(case, table[table["case"] == case]) for case in cases]


def _step(proof: str, table: pd.DataFrame) -> Finding:
    own = {place: rows for place, rows in families(table) if place[1] == proof}
    laws = {place: law(rows) for place, rows in own.items()}
    steepest = min(laws, key=lambda place: laws[place].low)
    widest = table[(table["proof_step"] == proof) & (table["width"] == table["width"].max())]
    least = widest.loc[widest["value"].idxmin()]
    return Finding(
        source=PROOF,
        statement=f"over all inputs and steps s ≤ t, in every layer, {CLAIMS[proof]}",
        verdict=verdict(conjunction(independent(rows) for rows in own.values())),
        evidence=(
            f"λ_min beside a mean eigenvalue of 1 is at least {number(least['value'], 2)} at "
            f"n = {least['width']} (layer {least['layer']}, t = {least['training_step']}; "
            f"resolution {number(least['resolution'], 1)}); the lowest power of n is "
            f"{power(*laws[steepest])} (layer {steepest[2]}, t = {steepest[0]})"
        ),
        origin="paper",
    )


def rejected(p_values: "pd.Series[float]") -> int:
    """How many hypotheses Holm's procedure rejects at `LEVEL` for all together."""
    ordered = np.sort(p_values.to_numpy(dtype=np.float64))
    passes = ordered > LEVEL / np.arange(len(ordered), 0, -1)
    return int(passes.argmax()) if passes.any() else len(ordered)


def _tested(kind: str, tests: pd.DataFrame) -> Finding:
    known = tests.dropna(subset=["p_value"])
    count = rejected(known["p_value"])
    claim = {
        INDEPENDENCE: "what W_0 δx_t and W_0ᵀ dh_t show for the first time is independent of what "
        "F_t and G_t hold",
        GAUSSIANITY: "what W_0 δx_t and W_0ᵀ dh_t show for the first time is Gaussian",
    }[kind]
    seen = ""
    if kind == INDEPENDENCE and len(known):
        seen = f"; a correlation of {number(known['detectable'].max(), 2)} would have been seen"
    return Finding(
        source=PROOF,
        statement=claim,
        verdict=verdict(count == 0 if len(known) else None),
        evidence=(
            f"{count} of {len(known)} tests reject it (Holm, error rate {LEVEL:g} for all), the "
            f"least p-value being {number(known['p_value'].min(), 2)}{seen}"
        ),
        origin="paper",
    )


def _broken(case: str, table: pd.DataFrame) -> Finding:
    told = states(table)
    answers = [
        None if held is None else held != should_fail(case, place) for place, held in told.items()
    ]
    failing = [place for place, held in told.items() if held is False]
    evidence = "no family is degenerate"
    if failing:
        step, proof, layer = failing[0]
        evidence = (
            f"the first to fail is {proof} of layer {layer} at t = {step}; {len(failing)} of "
            f"{len(told)} families do"
        )
    open_ = sum(held is None for held in told.values())
    if open_:
        evidence += f", {open_} are undetermined"
    wrong = [place for place, answer in zip(told, answers, strict=True) if answer is False]
    if wrong:
        step, proof, layer = wrong[0]
        evidence += f"; against that stands {proof} of layer {layer} at t = {step}"
    return Finding("here", BROKEN[case], verdict(conjunction(answers)), evidence)
