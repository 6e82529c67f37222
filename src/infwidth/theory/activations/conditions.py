"""Parts (b) and (c) of Assumption 4.3: which sums and products of φ and φ' are constant.

(c) needs one look: the product is φφ' + r1 φ' + r2 φ + r1 r2, so (c) fails exactly if φφ' lies in
the span of φ', φ and 1. (b) is about infinitely many b and c: it is refuted by one counterexample,
and otherwise confirmed for the b and c that were tried, for all a at once.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from infwidth.theory.activations.function import Function
from infwidth.theory.activations.names import Answer
from infwidth.theory.activations.relations import (
    Evaluated,
    Relation,
    certificate,
    points,
    relations,
    values_at,
)

# Sums of two to four terms; so many draws of b and c for each number, with c and without.
TERMS = (2, 3, 4)
DRAWS = 8
# |b| within these, a sixteenth apart at the least and a fifth relative to each other: nearly equal
# frequencies would make nearly dependent functions, and margins that say little.
LEAST_FREQUENCY, LARGEST_FREQUENCY, LEAST_RATIO = 0.4, 3.0, 1.2
GRID = 1 / 16
# Where a homogeneous or a polynomial φ fails.
PLAIN_FREQUENCIES = ((1.0, 2.0), (1.0, -2.0), (1.0, 2.0, 3.0), (1.0, 2.0, 4.0, 8.0))
EQUAL_FREQUENCIES = (1.0, -1.0, 2.0, -2.0)

Draw = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Sums:
    """What the search for constant sums came to.

    Attributes:
        independent: whether no sum is constant, in all draws.
        draws: of b and c, up to the first counterexample; each stands for all a.
        margin: the least of all certificates.
        counterexample: a constant sum in words, or "".
    """

    independent: Answer
    draws: int
    margin: float
    counterexample: str


def constant_sums(function: Function) -> Sums:
    """Look for Σ a_i φ(b_i x + c_i) = constant with distinct |b_i|.

    Args:
        function: φ.
    """
    where = points()
    margin = math.inf
    answer: Answer = "yes"
    tried = draws()
    for count, (b, c) in enumerate(tried, 1):
        terms = _terms(function, b, c)
        columns = values_at(terms, where)
        found = certificate(columns)
        margin = min(margin, found.margin)
        if not found.independent:
            answer = "undetermined"
            for relation in relations(terms, columns, where):
                return Sums("no", count, margin, sum_words(relation, b, c))
    return Sums(answer, len(tried), margin, "")


def equal_frequencies(function: Function) -> str:
    """A constant sum in which some |b_i| are equal, in words, the shortest; "" if none is found."""
    where = points()
    b, c = EQUAL_FREQUENCIES, (0.0,) * len(EQUAL_FREQUENCIES)
    terms = _terms(function, b, c)
    columns = values_at(terms, where)

    def mirrored(indices: tuple[int, ...]) -> bool:
        return len({abs(b[index]) for index in indices}) < len(indices)

    for relation in relations(terms, columns, where, of_interest=mirrored):
        return sum_words(relation, b, c)
    return ""


def draws(seed: int = 0) -> list[Draw]:
    """(b, c) of the sums that are looked at: plain ones first, then random ones."""
    rng = np.random.default_rng(seed)
    found: list[Draw] = [(b, (0.0,) * len(b)) for b in PLAIN_FREQUENCIES]
    for shifted in (False, True):
        for terms in TERMS:
            for _ in range(DRAWS):
                b = _frequencies(rng, terms)
                c = (
                    np.round(rng.uniform(-2, 2, terms) / GRID) * GRID
                    if shifted
                    else np.zeros(terms)
                )
                found.append((b, tuple(c.tolist())))
    return found


def _frequencies(rng: np.random.Generator, terms: int) -> tuple[float, ...]:
    """Well-separated |b|, uniform in the logarithm, with random signs."""
    ends = math.log(LEAST_FREQUENCY), math.log(LARGEST_FREQUENCY)
    while True:
        sizes = np.round(np.sort(np.exp(rng.uniform(*ends, terms))) / GRID) * GRID
        if (sizes[1:] / sizes[:-1] >= LEAST_RATIO).all():
            signs = rng.choice((-1.0, 1.0), terms)
            return tuple(float(b) for b in rng.permutation(sizes) * signs)


def _terms(function: Function, b: Sequence[float], c: Sequence[float]) -> list[Evaluated]:
    def term(frequency: float, shift: float) -> Evaluated:
        return lambda point: function.exact(frequency * point + shift)

    return [term(frequency, shift) for frequency, shift in zip(b, c, strict=True)]


def sum_words(relation: Relation, b: Sequence[float], c: Sequence[float]) -> str:
    """A relation between φ(b_i x + c_i) in words, scaled to small whole numbers where it has any.

    >>> sum_words(Relation((0, 1), (1.0, -0.5), 0.0), (1.0, 2.0), (0.0, 0.0))
    '2φ(x) − φ(2x) = 0'
    """
    fractions = [Fraction(float(a)).limit_denominator(64) for a in relation.coefficients]
    whole = all(
        abs(float(a) - fraction) < 1e-12
        for a, fraction in zip(relation.coefficients, fractions, strict=True)
    )
    scale = math.lcm(*(fraction.denominator for fraction in fractions)) if whole else 1
    text = ""
    for index, a in zip(relation.indices, relation.coefficients, strict=True):
        factor = float(scale * a)
        sign = (" − " if factor < 0 else " + ") if text else "−" if factor < 0 else ""
        size = "" if abs(abs(factor) - 1) < 1e-12 else f"{abs(factor):.6g}"
        text += f"{sign}{size}φ({_argument(b[index], c[index])})"
    constant = float(scale * relation.constant)
    return f"{text} = {_plain(0.0 if abs(constant) < 1e-30 else constant)}"


def _argument(frequency: float, shift: float) -> str:
    size = "" if abs(frequency) == 1 else f"{abs(frequency):g}"
    text = f"{'−' if frequency < 0 else ''}{size}x"
    return f"{text} {'+' if shift > 0 else '−'} {abs(shift):g}" if shift else text


def _plain(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")


@dataclass(frozen=True)
class Product:
    """What is known of (r1 + φ)(r2 + φ').

    Attributes:
        nonconstant: whether it is not constant for any r1 and r2.
        margin: of the certificate.
        counterexample: r1 and r2 that make it constant in words, or "".
    """

    nonconstant: Answer
    margin: float
    counterexample: str


def constant_product(function: Function) -> Product:
    """Look for r1 and r2 that make (r1 + φ)(r2 + φ') constant: whether φφ' + r1 φ' + r2 φ can be.

    Args:
        function: φ.
    """
    slope = function.derivative()
    where = points()
    functions: list[Evaluated] = [
        lambda point: function.exact(point) * slope.exact(point),
        slope.exact,
        function.exact,
    ]
    columns = values_at(functions, where)
    found = certificate(columns)
    if found.independent:
        return Product("yes", found.margin, "")
    for relation in relations(functions, columns, where, of_interest=lambda indices: 0 in indices):
        # a_1 = 1: the first function is φφ'.
        others = dict(zip(relation.indices, relation.coefficients, strict=True))
        first, second = float(others.get(1, 0)), float(others.get(2, 0))
        constant = float(relation.constant) + first * second
        r1, r2, value = (_plain(round(each, 12) + 0.0) for each in (first, second, constant))
        words = f"r1 = {r1}, r2 = {r2}: (r1 + φ)(r2 + φ′) = {value}"
        return Product("no", found.margin, words)
    return Product("undetermined", found.margin, "")
