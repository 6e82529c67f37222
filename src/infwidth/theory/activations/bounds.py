"""Part (a) of Assumption 4.3: whether φ'' exists everywhere, and φ' and φ'' are bounded.

Given φ as a formula, that is decided by its derivatives, its kinks and its limits.
"""

import math
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
import sympy  # type: ignore[import-untyped]
from scipy.optimize import minimize_scalar

from infwidth.theory.activations.function import Function, Piece, X, grid
from infwidth.theory.activations.names import Answer

DIGITS = 40  # where float64 would overflow or cancel
# Where sympy finds no limits, suprema are searched for beyond the grid as well, and close to kinks,
# at these powers of ten.
POWERS = range(2, 9)
# What is this many times larger there than on the grid is taken to grow for ever.
GROWTH = 100.0

LIMITS = "limits at ±∞ and at kinks (sympy), sup by grid and Brent"
SEARCH = "grid and Brent to |x| = 40, then powers of ten, to 10^8 and to 10^-8 from every kink"


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
        missing = _missing(before, after)
        if missing is None:
            answer, why = "undetermined", f"no limits of φ or its derivatives at x = {after.left}"
        elif missing:
            return "no", f"{missing} does not exist at x = {after.left}"
    return answer, why


def _missing(before: Piece, after: Piece) -> str | None:
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
            return ("φ", "φ′", "φ″", None)[order + oscillates]
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


def _limit(expression: Any, point: Any, side: str) -> tuple[Any, ...] | None:
    """A limit from one side, as the values it lies between; None if sympy does not find it."""
    try:
        found = sympy.limit(expression, X, point, side)
    except (NotImplementedError, ValueError, TypeError, ArithmeticError, RecursionError):
        return None
    ends = tuple(dict.fromkeys(found.args if isinstance(found, sympy.AccumBounds) else [found]))
    known = all(end.is_number and (end.is_finite or end.is_infinite) for end in ends)
    return ends if known and not found.has(sympy.Limit) else None


def _searched(function: Function) -> tuple[float, float]:
    """The largest |f| on a grid, and between the points next to it."""
    points = grid()
    sizes = np.abs(function.values(points))
    index = int(sizes.argmax())
    near = points[max(index - 1, 0)], points[min(index + 1, len(points) - 1)]
    best = minimize_scalar(
        lambda point: -abs(float(function.values(np.array([point]))[0])),
        bounds=near,
        method="bounded",
        options={"xatol": 1e-10},
    )
    return float(sizes[index]), max(float(sizes[index]), -float(best.fun))


def _outside(function: Function) -> float:
    """The largest |f| where a grid does not reach: far out, and close to kinks."""
    with mpmath.workdps(DIGITS):
        distances = [(power, sign) for power in POWERS for sign in (1, -1)]
        points = [sign * mpmath.mpf(10) ** power for power, sign in distances]
        for _, after in function.kinks:
            kink = mpmath.mpf(str(sympy.N(after.left, DIGITS)))
            points += [kink + sign * mpmath.mpf(10) ** -power for power, sign in distances]
        return max(float(abs(function.exact(point))) for point in points)
