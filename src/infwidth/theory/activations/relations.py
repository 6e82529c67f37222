"""Whether functions are linearly independent modulo constants; linear relations where they are not.

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

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# From x to f(x), with mpmath's current precision.
Evaluated = Callable[[Any], Any]

UNIT_ROUNDOFF = 2.0**-53
DIGITS = 40  # of the values that are then rounded to float64
REFINED_DIGITS = 70  # of the coefficients of a relation
CHECKED_DIGITS = 50  # to which a relation has to be one
# All these functions do what is theirs within a few units of zero.
REACH = 6.0
POINTS = 48
FRESH_POINTS = 16


def points(seed: int = 0) -> list[float]:
    """Where functions are compared: between -`REACH` and `REACH`, in random places."""
    rng = np.random.default_rng(seed)
    return [float(point) for point in np.sort(rng.uniform(-REACH, REACH, POINTS))]


def values_at(functions: Sequence[Evaluated], points: Sequence[float]) -> Array:
    """The functions' values, shape (J, k), as the certificate wants them."""
    with mpmath.workdps(DIGITS):
        return np.array(
            [[float(function(mpmath.mpf(point))) for function in functions] for point in points]
        )


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


@dataclass(frozen=True)
class Relation:
    """Σ a_i f_i = constant, for some of a list of functions.

    Attributes:
        indices: which of them, ascending.
        coefficients: their a_i, all non-zero.
        constant: the sum.
    """

    indices: tuple[int, ...]
    coefficients: tuple[Any, ...]
    constant: Any


def relations(
    functions: Sequence[Evaluated],
    columns: Array,
    points: Sequence[float],
    *,
    of_interest: Callable[[tuple[int, ...]], bool] = lambda indices: True,
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
        for indices in combinations(range(len(functions)), size):
            if any(known <= set(indices) for known in small):
                continue
            if certificate(columns[:, indices]).independent:
                continue
            small.append(set(indices))
            if of_interest(indices):
                relation = _refined([functions[index] for index in indices], indices, points)
                if relation is not None:
                    yield relation


def _refined(
    functions: Sequence[Evaluated], indices: tuple[int, ...], points: Sequence[float]
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
        relation = Relation(indices, tuple(coefficients), constant)
    return relation if _holds(functions, relation) else None


def _holds(functions: Sequence[Evaluated], relation: Relation) -> bool:
    """Whether the relation holds at fresh points to `CHECKED_DIGITS` digits."""
    with mpmath.workdps(REFINED_DIGITS):
        tolerance = mpmath.mpf(10) ** -CHECKED_DIGITS
        for index in range(FRESH_POINTS):
            # Irrational, on either side, a little farther out than the others.
            point = 2 * REACH * mpmath.sin(mpmath.sqrt(2) * (index + 1))
            terms = [
                a * function(point)
                for a, function in zip(relation.coefficients, functions, strict=True)
            ]
            size = max(1, *(abs(term) for term in terms))
            if abs(sum(terms) - relation.constant) > tolerance * size:
                return False
    return True
