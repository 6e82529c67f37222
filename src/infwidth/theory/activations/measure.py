"""Assumption 4.3: which activations are GOOD.

φ is GOOD if

 (a) φ'' exists everywhere, and φ' and φ'' are bounded;
 (b) Σ a_i φ(b_i x + c_i) is not constant, for non-zero a_i and non-zero, distinct |b_i|;
 (c) (r1 + φ)(r2 + φ') is not constant almost everywhere, for any r1 and r2.

Given φ as a formula, (a) is decided by its derivatives, its kinks and its limits. (c) needs one
look: the product is φφ' + r1 φ' + r2 φ + r1 r2, so (c) fails exactly if φφ' lies in the span of φ',
φ and 1. (b) is about infinitely many b and c: it is refuted by one counterexample, and otherwise
confirmed for the b and c that were tried, for all a at once.

Linear independence is certified from values at J points: if functions are dependent modulo
constants, so are the columns of the J x k matrix of their values, less their means and over their
norms, so that its least singular value is zero. What is computed is off by the rounding of the
values, the means and the quotients, at most E, and by the backward error of the decomposition. By
Weyl's inequality a computed value above

    β = 2 (J + 4) u √(Σ_i (‖m_i‖ / s_i)²) + J k u σ_max

cannot come of dependent functions; m_i are the columns, s_i their norms less the mean, u = 2^-53.
The first term is twice ‖E‖_F to first order: summing J terms, subtracting, dividing and the values'
own rounding. The values are computed with 40 digits before they are rounded. A matrix that does not
pass is no proof of anything: its null vector is refined, and checked with 50 digits at other
points, before it is believed.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations, pairwise
from types import MappingProxyType
from typing import Any, Literal

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import sympy  # type: ignore[import-untyped]
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sympy.parsing.sympy_parser import parse_expr  # type: ignore[import-untyped]

from infwidth.theory.activations.names import PAPER, WORDS
from infwidth.theory.measuring import Files, Settings, Tables

Array = NDArray[np.float64]
Answer = Literal["yes", "no", "undetermined"]

X = sympy.Symbol("x", real=True)

# The package's own under their names there; the last four for comparison.
FORMULAS: Mapping[str, str] = MappingProxyType(
    {
        "tanh": "tanh(x)",
        "sigmoid": "1/(1 + exp(-x))",
        "silu": "x/(1 + exp(-x))",
        "erf": "erf(x)",
        "gelu": "x*(1 + erf(x/sqrt(2)))/2",
        "relu": "Max(x, 0)",
        "softplus": "log(1 + exp(x))",
        "sin": "sin(x)",
        "leaky_relu": "Max(x, x/100)",
        "linear": "x",
    }
)

COLUMNS = (
    "activation",
    "formula",
    "twice_differentiable",
    "sup_derivative",
    "sup_second_derivative",
    "bounds_method",
    "draws",
    "sums_independent",
    "sums_margin",
    "sums_counterexample",
    "equal_frequencies_identity",
    "product_nonconstant",
    "product_margin",
    "product_counterexample",
    "good",
    "paper",
    "reason",
)

UNIT_ROUNDOFF = 2.0**-53
DIGITS = 40  # of the values that are then rounded to float64
REFINED_DIGITS = 70  # of the coefficients of a counterexample
CHECKED_DIGITS = 50  # to which a counterexample has to be one
# All these functions do what is theirs within a few units of zero.
REACH = 6.0
POINTS = 48
FRESH_POINTS = 16
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
# Suprema are searched for up to here on a grid; where sympy finds no limits, also beyond, and close
# to kinks, at these powers of ten.
SEARCHED = 40.0
SEARCH_POINTS = 8001
POWERS = range(2, 9)
# What is this many times larger there than on the grid is taken to grow for ever.
GROWTH = 100.0

LIMITS = "limits at ±∞ and at kinks (sympy), sup by grid and Brent"
SEARCH = "grid and Brent to |x| = 40, then powers of ten, to 10^8 and to 10^-8 from every kink"


@dataclass(frozen=True)
class Piece:
    """A smooth expression on an open interval."""

    left: Any
    right: Any
    expression: Any

    def derivative(self) -> "Piece":
        """φ' on the same interval."""
        return Piece(self.left, self.right, sympy.diff(self.expression, X))

    @cached_property
    def exact(self) -> Callable[[Any], Any]:
        """The value with mpmath's current precision."""
        function: Callable[[Any], Any] = sympy.lambdify(X, self.expression, "mpmath")
        return function

    @cached_property
    def rounded(self) -> Callable[[Array], Any]:
        """The value in float64 or complex128; a constant may come without a shape."""
        function: Callable[[Array], Any] = sympy.lambdify(X, self.expression, ["scipy", "numpy"])
        return function

    def values(self, points: Array) -> Array:
        """In float64, shape (...); NaN where it is not real."""
        with np.errstate(all="ignore"):
            found = np.asarray(self.rounded(points))
        real = np.where(np.imag(found) == 0, np.real(found), np.nan)
        return np.broadcast_to(real, points.shape).astype(np.float64)


@dataclass(frozen=True)
class Function:
    """A function that is smooth but for finitely many points.

    Attributes:
        pieces: from left to right, without gaps.
    """

    pieces: tuple[Piece, ...]

    @classmethod
    def parse(cls, formula: str) -> "Function":
        """Read a formula in x, in sympy's words.

        Raises:
            ValueError: it is not real, or has kinks, but not at finitely many points that sympy
                finds.
        """
        whole = parse_expr(formula, local_dict={"x": X})
        ends = [-sympy.oo, *_kinks(formula, whole), sympy.oo]
        function = cls(
            tuple(
                Piece(left, right, _smooth(whole, _inside(left, right)))
                for left, right in pairwise(ends)
            )
        )
        if np.isnan(function.values(_grid())).any():
            raise ValueError(f"{formula}: not a real number everywhere")
        return function

    def derivative(self) -> "Function":
        """φ' between the kinks."""
        return Function(tuple(piece.derivative() for piece in self.pieces))

    @property
    def kinks(self) -> list[tuple[Piece, Piece]]:
        """The pieces on either side of each point where the function may not be smooth."""
        return list(pairwise(self.pieces))

    @cached_property
    def ends(self) -> list[float]:
        """Where one piece ends and the next begins; the point itself is the latter's."""
        return [float(piece.left) for piece in self.pieces[1:]]

    def exact(self, point: Any) -> Any:
        """The value at one point with mpmath's current precision."""
        return self.pieces[bisect_right(self.ends, point)].exact(point)

    def values(self, points: Array) -> Array:
        """In float64, shape (...)."""
        each = [piece.values(points) for piece in self.pieces]
        chosen: Array = np.choose(np.searchsorted(self.ends, points, side="right"), each)
        return chosen


_KINKED = (sympy.Abs, sympy.sign, sympy.Heaviside, sympy.Max, sympy.Min, sympy.Piecewise)


def _kinks(formula: str, whole: Any) -> list[Any]:
    """Where an expression in x may not be smooth, ascending."""
    crossings: set[Any] = set()
    for part in whole.atoms(*_KINKED):
        if isinstance(part, sympy.Piecewise):
            conditions = [when.atoms(sympy.core.relational.Relational) for _, when in part.args]
            crossings |= {each.lhs - each.rhs for atoms in conditions for each in atoms}
        elif isinstance(part, sympy.Max | sympy.Min):
            crossings |= {first - second for first, second in combinations(part.args, 2)}
        else:
            crossings.add(part.args[0])
    found = [sympy.solveset(crossing, X, sympy.S.Reals) for crossing in crossings]
    try:
        found.append(sympy.singularities(whole, X, sympy.S.Reals))
    except NotImplementedError:
        # The search for suprema is left to come upon poles.
        found.append(sympy.EmptySet)
    points = sympy.Union(*found)
    if points is sympy.EmptySet:
        return []
    if not isinstance(points, sympy.FiniteSet):
        raise ValueError(f"{formula}: kinks at {points}, which is not a finite set of points")
    return sorted(points, key=float)


def _inside(left: Any, right: Any) -> Any:
    if left == -sympy.oo:
        return sympy.S.Zero if right == sympy.oo else right - 1
    return left + 1 if right == sympy.oo else (left + right) / 2


def _smooth(whole: Any, inside: Any) -> Any:
    """The expression with every kinked part replaced by the branch that holds at a point."""

    def branch(part: Any) -> Any:
        at = [arg.subs(X, inside) for arg in part.args]
        if isinstance(part, sympy.Piecewise):
            return next(value for value, when in part.args if when.subs(X, inside) == sympy.true)
        if isinstance(part, sympy.Max | sympy.Min):
            choose = max if isinstance(part, sympy.Max) else min
            return part.args[choose(range(len(at)), key=lambda place: float(at[place]))]
        side = 1 if at[0] > 0 else -1
        if isinstance(part, sympy.Abs):
            return side * part.args[0]
        return sympy.Integer(side) if isinstance(part, sympy.sign) else sympy.Integer(side > 0)

    return whole.replace(lambda part: isinstance(part, _KINKED), branch)


def _limit(expression: Any, point: Any, side: str) -> tuple[Any, ...] | None:
    """A limit from one side, as the values it lies between; None if sympy does not find it."""
    try:
        found = sympy.limit(expression, X, point, side)
    except (NotImplementedError, ValueError, TypeError, ArithmeticError, RecursionError):
        return None
    ends = tuple(dict.fromkeys(found.args if isinstance(found, sympy.AccumBounds) else [found]))
    known = all(end.is_number and (end.is_finite or end.is_infinite) for end in ends)
    return ends if known and not found.has(sympy.Limit) else None


def twice_differentiable(function: Function) -> tuple[Answer, str]:
    """Whether φ'' exists everywhere, and where it does not.

    Between kinks the pieces are smooth. At a kink φ'' exists if φ, φ' and φ'' have limits that are
    the same on both sides, by the mean value theorem; and it does not if φ or φ' have none in
    common, since then φ' is not continuous, or if φ'' has two different ones or an infinite one.
    Where φ'' oscillates it may exist.
    """
    answer: Answer = "yes"
    why = ""
    for before, after in function.kinks:
        smooth = _smooth_across(before, after)
        if smooth is None:
            answer, why = "undetermined", f"no limits of φ or its derivatives at x = {after.left}"
        elif smooth != "":
            return "no", f"{smooth} does not exist at x = {after.left}"
    return answer, why


NAMES = ("φ", "φ′", "φ″")


def _smooth_across(before: Piece, after: Piece) -> str | None:
    """The first of φ, φ′ and φ″ that a kink does not have, "" if it has all; None: unknown."""
    for order in range(3):
        limits = (
            _limit(before.expression, before.right, "-"),
            _limit(after.expression, after.left, "+"),
        )
        if None in limits:
            return None
        ends = {end for limit in limits if limit is not None for end in limit}
        first, *others = ends
        same = first.is_finite and all(sympy.simplify(first - other) == 0 for other in others)
        if not same:
            # A derivative may well be there where it is not continuous; the next one is not.
            oscillates = any(limit is not None and len(limit) > 1 for limit in limits)
            return (*NAMES, None)[order + oscillates]
        before, after = before.derivative(), after.derivative()
    return ""


def supremum(function: Function) -> tuple[float, str]:
    """sup |f| over the points where f is smooth, and by which method it is known to be one.

    Returns:
        The supremum, ∞ if there is none; how boundedness was decided: where f has a finite limit at
        every end of every piece, it is bounded because it is continuous between them; otherwise by
        looking. The number itself always comes of a search.
    """
    limits = [
        _limit(piece.expression, end, side)
        for piece in function.pieces
        for end, side in ((piece.left, "+"), (piece.right, "-"))
    ]
    ends = [end for limit in limits if limit is not None for end in limit]
    if not all(end.is_finite for end in ends):
        return math.inf, LIMITS
    on_grid, found = _searched(function)
    found = max(found, *(abs(float(end)) for end in ends), 0.0)
    if None not in limits:
        return found, LIMITS
    found = max(found, _outside(function))
    return (math.inf if found > GROWTH * max(on_grid, 1.0) else found), SEARCH


def _grid() -> Array:
    """Where suprema are searched for; not symmetric, so that no likely kink or pole lies on it."""
    return np.linspace(-SEARCHED, SEARCHED + 1e-3, SEARCH_POINTS)


def _searched(function: Function) -> tuple[float, float]:
    """The largest |f| on a grid, and between the points next to it."""
    points = _grid()
    sizes = np.abs(function.values(points))
    place = int(sizes.argmax())
    near = points[max(place - 1, 0)], points[min(place + 1, len(points) - 1)]
    best = minimize_scalar(
        lambda point: -abs(float(function.values(np.array([point]))[0])),
        bounds=near,
        method="bounded",
        options={"xatol": 1e-10},
    )
    return float(sizes[place]), max(float(sizes[place]), -float(best.fun))


def _outside(function: Function) -> float:
    """The largest |f| where a grid does not reach: far out, and close to kinks."""
    with mpmath.workdps(DIGITS):
        distances = [(power, sign) for power in POWERS for sign in (1, -1)]
        points = [sign * mpmath.mpf(10) ** power for power, sign in distances]
        for _, after in function.kinks:
            kink = mpmath.mpf(str(sympy.N(after.left, DIGITS)))
            points += [kink + sign * mpmath.mpf(10) ** -power for power, sign in distances]
        return max(float(abs(function.exact(point))) for point in points)


@dataclass(frozen=True)
class Certificate:
    """What one matrix of values says of the functions in its columns, modulo constants.

    Attributes:
        sigma_min: of the matrix of the module's docstring.
        bound: β.
    """

    sigma_min: float
    bound: float

    @property
    def margin(self) -> float:
        """How many times the bound σ_min is: the functions are independent if more than once."""
        return self.sigma_min / self.bound

    @property
    def independent(self) -> bool:
        """Whether they are certified to be independent."""
        return self.margin > 1


def certificate(columns: Array) -> Certificate:
    """Certify functions by their values, shape (J, k), J > k."""
    count, functions = columns.shape
    centred = columns - columns.mean(axis=0)
    sizes = np.linalg.norm(columns, axis=0)
    scales = np.linalg.norm(centred, axis=0)
    if (scales <= 2 * (count + 4) * UNIT_ROUNDOFF * sizes).any():
        return Certificate(0.0, 1.0)  # one of them is a constant, as far as can be told
    singular = np.linalg.svd(centred / scales, compute_uv=False)
    values = 2 * (count + 4) * UNIT_ROUNDOFF * float(np.linalg.norm(sizes / scales))
    decomposition = count * functions * UNIT_ROUNDOFF * float(singular[0])
    return Certificate(float(singular[-1]), values + decomposition)


Evaluated = Callable[[Any], Any]


def _columns(functions: Sequence[Evaluated], points: Sequence[float]) -> Array:
    with mpmath.workdps(DIGITS):
        return np.array(
            [[float(function(mpmath.mpf(point))) for function in functions] for point in points]
        )


@dataclass(frozen=True)
class Relation:
    """Σ a_i f_i = constant, for some of a list of functions.

    Attributes:
        places: which of them, ascending.
        coefficients: their a_i, all non-zero.
        constant: the sum.
    """

    places: tuple[int, ...]
    coefficients: tuple[Any, ...]
    constant: Any


def relations(
    functions: Sequence[Evaluated],
    columns: Array,
    points: Sequence[float],
    *,
    of_interest: Callable[[tuple[int, ...]], bool] = lambda places: True,
) -> Iterator[Relation]:
    """Linear relations modulo constants between functions, verified, from the shortest on.

    Of a smallest set of functions that is not certified to be independent the null space has one
    dimension and no zeros, so that its coefficients can be solved for to any precision.

    Args:
        functions: from x to f(x), with mpmath's current precision.
        columns: their values at `points`, shape (J, k).
        points: where they were taken.
        of_interest: which sets of functions to look at.
    """
    small: list[set[int]] = []
    for size in range(1, len(functions) + 1):
        for places in combinations(range(len(functions)), size):
            if any(known <= set(places) for known in small):
                continue
            if certificate(columns[:, places]).independent:
                continue
            small.append(set(places))
            if of_interest(places):
                relation = _refined([functions[place] for place in places], places, points)
                if relation is not None:
                    yield relation


def _refined(
    functions: Sequence[Evaluated], places: tuple[int, ...], points: Sequence[float]
) -> Relation | None:
    """The relation with a_1 = 1, if there is one at points where it was not looked for."""
    with mpmath.workdps(REFINED_DIGITS):
        values = mpmath.matrix(
            [[function(mpmath.mpf(point)) for function in functions] for point in points]
        )
        rows, terms = values.rows, values.cols
        differences = mpmath.matrix(rows - 1, terms)
        for row in range(1, rows):
            for column in range(terms):
                differences[row - 1, column] = values[row, column] - values[0, column]
        coefficients = [mpmath.mpf(1)]
        if terms > 1:
            try:
                solved = mpmath.lu_solve(differences[:, 1:], -differences[:, 0])
            except ZeroDivisionError:
                return None
            coefficients += list(solved)
        constant = sum(a * values[0, column] for column, a in enumerate(coefficients))
        relation = Relation(places, tuple(coefficients), constant)
    return relation if _holds(functions, relation) else None


def _holds(functions: Sequence[Evaluated], relation: Relation) -> bool:
    """Whether the relation holds at fresh points to `CHECKED_DIGITS` digits."""
    with mpmath.workdps(REFINED_DIGITS):
        tolerance = mpmath.mpf(10) ** -CHECKED_DIGITS
        for place in range(FRESH_POINTS):
            # Irrational, on either side, a little farther out than the others.
            point = 2 * REACH * mpmath.sin(mpmath.sqrt(2) * (place + 1))
            terms = [
                a * function(point)
                for a, function in zip(relation.coefficients, functions, strict=True)
            ]
            size = max(1, *(abs(term) for term in terms))
            if abs(sum(terms) - relation.constant) > tolerance * size:
                return False
    return True


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


Draw = tuple[tuple[float, ...], tuple[float, ...]]


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


def points(seed: int = 0) -> list[float]:
    """Where functions are compared: between -`REACH` and `REACH`, in random places."""
    rng = np.random.default_rng(seed)
    return [float(point) for point in np.sort(rng.uniform(-REACH, REACH, POINTS))]


def _terms(function: Function, b: Sequence[float], c: Sequence[float]) -> list[Evaluated]:
    def term(frequency: float, shift: float) -> Evaluated:
        return lambda point: function.exact(frequency * point + shift)

    return [term(frequency, shift) for frequency, shift in zip(b, c, strict=True)]


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
        columns = _columns(terms, where)
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
    columns = _columns(terms, where)

    def mirrored(places: tuple[int, ...]) -> bool:
        return len({abs(b[place]) for place in places}) < len(places)

    for relation in relations(terms, columns, where, of_interest=mirrored):
        return sum_words(relation, b, c)
    return ""


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
    for place, a in zip(relation.places, relation.coefficients, strict=True):
        factor = float(scale * a)
        sign = (" − " if factor < 0 else " + ") if text else "−" if factor < 0 else ""
        size = "" if abs(abs(factor) - 1) < 1e-12 else f"{abs(factor):.6g}"
        text += f"{sign}{size}φ({_argument(b[place], c[place])})"
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
    columns = _columns(functions, where)
    found = certificate(columns)
    if found.independent:
        return Product("yes", found.margin, "")
    for relation in relations(functions, columns, where, of_interest=lambda places: 0 in places):
        # a_1 = 1: the first function is φφ'.
        others = dict(zip(relation.places, relation.coefficients, strict=True))
        first, second = float(others.get(1, 0)), float(others.get(2, 0))
        constant = float(relation.constant) + first * second
        r1, r2, value = (_plain(round(each, 12) + 0.0) for each in (first, second, constant))
        words = f"r1 = {r1}, r2 = {r2}: (r1 + φ)(r2 + φ′) = {value}"
        return Product("no", found.margin, words)
    return Product("undetermined", found.margin, "")


def good_table(formulas: Mapping[str, str] = FORMULAS) -> pd.DataFrame:
    """Check each activation for being GOOD.

    Args:
        formulas: formulas of φ in x, in sympy's words, by name.

    Returns:
        A row each, with columns `COLUMNS`. Answers are "yes", "no" or "undetermined"; suprema are
        ∞ where there is none, and leave out points where the derivative does not exist;
        `bounds_method` tells how boundedness was decided; `draws` is the number of (b, c) tried, up
        to a counterexample; margins are σ_min / β; `equal_frequencies_identity` is a constant sum
        with some equal |b_i|, which (b) does not forbid; `paper` is what the paper says; `reason`
        is what decides against φ, or that nothing does.

    Raises:
        ValueError: a formula is not a real function that is smooth but for finitely many points.
    """
    rows = [_row(name, formula) for name, formula in formulas.items()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(name: str, formula: str) -> dict[str, object]:
    function = Function.parse(formula)
    slope = function.derivative()
    smooth, where = twice_differentiable(function)
    (first, method), (second, second_method) = supremum(slope), supremum(slope.derivative())
    sums, product = constant_sums(function), constant_product(function)
    bounded: Answer = "yes" if math.isfinite(first) and math.isfinite(second) else "no"
    answers = (smooth, bounded, sums.independent, product.nonconstant)
    good: Answer = (
        "no" if "no" in answers else "undetermined" if "undetermined" in answers else "yes"
    )
    against = [
        where,
        "" if math.isfinite(first) else "φ′ is unbounded",
        "" if math.isfinite(second) else "φ″ is unbounded",
        sums.counterexample,
        product.counterexample,
    ]
    return {
        "activation": name,
        "formula": formula,
        "twice_differentiable": smooth,
        "sup_derivative": first,
        "sup_second_derivative": second,
        "bounds_method": method if method == second_method else f"{method}; φ″: {second_method}",
        "draws": sums.draws,
        "sums_independent": sums.independent,
        "sums_margin": sums.margin,
        "sums_counterexample": sums.counterexample,
        "equal_frequencies_identity": equal_frequencies(function),
        "product_nonconstant": product.nonconstant,
        "product_margin": product.margin,
        "product_counterexample": product.counterexample,
        "good": good,
        "paper": WORDS[PAPER[name]] if name in PAPER else "",
        "reason": "; ".join(filter(None, against)) or "nothing against it found",
    }


def measured(files: Files, settings: Settings) -> Tables:
    """The table of the statement, which depends on nothing."""
    return {"activations": good_table()}
