"""An activation as a formula: its smooth pieces, the kinks between them, its values."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import sympy  # type: ignore[import-untyped]
from numpy.typing import NDArray
from sympy.parsing.sympy_parser import parse_expr  # type: ignore[import-untyped]

Array = NDArray[np.float64]

X = sympy.Symbol("x", real=True)

# A function is looked at on a grid up to here.
SEARCHED = 40.0
SEARCH_POINTS = 8001


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
        if np.isnan(function.values(grid())).any():
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
            return part.args[choose(range(len(at)), key=lambda index: float(at[index]))]
        side = 1 if at[0] > 0 else -1
        if isinstance(part, sympy.Abs):
            return side * part.args[0]
        return sympy.Integer(side) if isinstance(part, sympy.sign) else sympy.Integer(side > 0)

    return whole.replace(lambda part: isinstance(part, _KINKED), branch)


def grid() -> Array:
    """Where suprema are searched for; not symmetric, so that no likely kink or pole lies on it."""
    return np.linspace(-SEARCHED, SEARCHED + 1e-3, SEARCH_POINTS)
