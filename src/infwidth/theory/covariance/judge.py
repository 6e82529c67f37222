"""Covariance preservation: whether kernels have an n = ∞ value, and Gaussian parts that covariance.

Kernels are judged by their variance over seeds and by where their mean tends to; the covariance of
the Gaussian parts of dense networks by its error against the n = ∞ value of other networks, beside
what sampling n units, the scatter of kernels and the reference's own error lead one to expect.
"""

from collections.abc import Iterable, Mapping

import pandas as pd

from infwidth.numbers import power
from infwidth.theory.covariance.laws import EARLY, LATE, MOMENTS, KernelLaw, MomentLaw
from infwidth.theory.covariance.names import DIRECTIONS, Direction
from infwidth.theory.finding import Finding, Origin, conjunction, negation, verdict

LEMMA = "Covariance preservation (key lemma)"
PRODUCTS = {
    "forward": ("W_0 δx_t", "E[Z^{δx_s} Z^{δx_t}]"),
    "backward": ("W_0ᵀ dh_t", "E[Z^{dh_s} Z^{dh_t}]"),
}
KERNELS = {"forward": "<δx_s, δx_t>/n", "backward": "<dh_s, dh_t>"}
# Their outputs at the start are draws of a Gaussian process at any width; with them everything
# that training does with errors is random in the limit, too.
RANDOM = ("SP", "NTP")


def findings(table: pd.DataFrame, kernels: pd.DataFrame) -> list[Finding]:
    """For each scheme and direction: the kernels, the lemma, and what it leaves out."""
    found = []
    for scheme in dict.fromkeys(table["scheme"]):
        for direction in DIRECTIONS:
            errors, own = (
                each[(each["scheme"] == scheme) & (each["direction"] == direction)]
                for each in (table, kernels)
            )
            laws = {moment: KernelLaw.of(own, moment) for moment in MOMENTS}
            if scheme in RANDOM:
                found += [_random(scheme, direction, laws), _own(scheme, direction, errors)]
            else:
                for span in (EARLY, LATE):
                    of_span = {moment: laws[moment] for moment in span}
                    found.append(_kernels(scheme, direction, of_span))
                    found.append(_lemma(scheme, direction, errors, span))
            found.append(_contrast(scheme, direction, errors))
    return found


def _kernels(scheme: str, direction: Direction, laws: Mapping[str, KernelLaw]) -> Finding:
    answers = [
        answer if law.settled else None
        for law in laws.values()
        for answer in (law.averages, law.meets)
    ]
    return Finding(
        source=LEMMA,
        statement=(
            f"{scheme}, {direction}, {_when(laws)}: kernels {KERNELS[direction]} have an n = ∞ "
            "value: their variance over seeds is of order 1/n, and so is what their mean is off "
            "the value extrapolated from other networks"
        ),
        verdict=verdict(conjunction(answers)),
        evidence="; ".join(f"{moment} {law}" for moment, law in laws.items()),
        origin=_origin(scheme),
    )


def _random(scheme: str, direction: Direction, laws: Mapping[str, KernelLaw]) -> Finding:
    answers = {moment: negation(law.averages) for moment, law in laws.items()}
    what = f"the kernels {KERNELS[direction]} of training stay random"
    if direction == "forward":
        answers[MOMENTS[0]] = laws[MOMENTS[0]].averages
        what = f"<x_0, x_0>/n has an n = ∞ value, {what}"
    return Finding(
        source="here",
        statement=f"{scheme}, {direction}: {what} as n → ∞, as the outputs at the start do",
        verdict=verdict(conjunction(answers.values())),
        evidence="variance over seeds "
        + "; ".join(f"{moment} ∝ n^{power(*law.variance)}" for moment, law in laws.items()),
    )


def _lemma(scheme: str, direction: Direction, table: pd.DataFrame, span: Iterable[str]) -> Finding:
    laws = {moment: MomentLaw.of(table, moment) for moment in span}
    product, covariance = PRODUCTS[direction]
    return Finding(
        source=LEMMA,
        statement=(
            f"{scheme}, {direction}, {_when(span)}: the covariance of the Gaussian part of "
            f"{product} tends to the {covariance} of other networks, with the error to be "
            "expected at finite width"
        ),
        verdict=verdict(conjunction(law.is_expected for law in laws.values())),
        evidence="relative error " + "; ".join(f"{moment} {law}" for moment, law in laws.items()),
        origin=_origin(scheme),
    )


def _own(scheme: str, direction: Direction, table: pd.DataFrame) -> Finding:
    law = MomentLaw.of(table, *LATE)
    product, covariance = PRODUCTS[direction]
    return Finding(
        source="here",
        statement=(
            f"{scheme}, {direction}: the covariance of the Gaussian part of {product} at the last "
            f"step does not tend to the {covariance} of other networks, which is random"
        ),
        verdict=verdict(negation(law.error.vanishes)),
        evidence=f"relative error {law.error}",
    )


def _contrast(scheme: str, direction: Direction, table: pd.DataFrame) -> Finding:
    """Whether the Onsager part is needed; backward, only features that are learned need it.

    Where the n = ∞ value is random, the network's own kernel is what remains to hold it against.
    """
    own = scheme in RANDOM
    values = ("error_whole", "sampling_error") if own else ("limit_error_whole", "expected_error")
    law = MomentLaw.of(table, *LATE, *values)
    product, _ = PRODUCTS[direction]
    what = "its network's own kernel" if own else "that covariance"
    vanishes = own and direction == "backward"
    end = f"has {what}: its" if vanishes else f"has not {what}: its"
    return Finding(
        source="here",
        statement=(
            f"{scheme}, {direction}: the whole of {product} at the last step {end} Onsager part "
            f"{'vanishes' if vanishes else 'stays'}"
        ),
        verdict=verdict(law.is_expected if vanishes else negation(law.is_expected)),
        evidence=f"relative error {law}",
    )


def _when(span: Iterable[str]) -> str:
    return " and ".join(span)


def _origin(scheme: str) -> Origin:
    return "paper" if scheme == "µP" else "follows"
