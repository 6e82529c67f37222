"""Certificates of independence against exact singular values; relations that are found."""

from functools import partial
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest

from infwidth.theory.activations.function import Function
from infwidth.theory.activations.relations import UNIT_ROUNDOFF, certificate, points, relations


def exact_sigma(columns: "mpmath.matrix") -> float:
    """The least singular value of columns less their means, over their norms, with 60 digits."""
    with mpmath.workdps(60):
        rows, count = columns.rows, columns.cols
        scaled = mpmath.matrix(rows, count)
        for column in range(count):
            values = [columns[row_, column] for row_ in range(rows)]
            centred = [value - mpmath.fsum(values) / rows for value in values]
            norm = mpmath.norm(centred)
            for row_ in range(rows):
                scaled[row_, column] = centred[row_] / norm
        squares = mpmath.eigsy(scaled.T * scaled, eigvals_only=True)
        return float(mpmath.sqrt(abs(min(squares))))


def random_columns(seed: int, offset: float, distance: float) -> "mpmath.matrix":
    """Three columns, the last `distance` off the span of the others and a constant."""
    rng = np.random.default_rng(seed)
    with mpmath.workdps(60):
        columns = mpmath.matrix(rng.standard_normal((20, 3)).tolist())
        for row_ in range(20):
            first, second, noise = (columns[row_, place] for place in range(3))
            columns[row_, 2] = first - 3 * second + mpmath.mpf(1) / 3 + distance * noise
            columns[row_, 0] = first + offset
        return columns


@pytest.mark.parametrize("offset", [0.0, 1e5])
@pytest.mark.parametrize("distance", [0.0, 1e-8, 1.0])
def test_the_bound_holds_against_exact_singular_values(offset: float, distance: float) -> None:
    for seed in range(4):
        exact = random_columns(seed, offset, distance)
        rounded = np.array(exact.tolist(), dtype=np.float64)
        found = certificate(rounded)
        assert abs(found.sigma_min - exact_sigma(exact)) <= found.bound
        assert found.independent == (distance > 0)
    assert found.bound < (1e-13 if offset == 0 else 1e-7)


def test_the_bound_is_the_one_stated() -> None:
    columns = np.random.default_rng(0).standard_normal((20, 2)) + np.array([0, 30])
    centred = columns - columns.mean(axis=0)
    scales = np.linalg.norm(centred, axis=0)
    ratio = np.linalg.norm(np.linalg.norm(columns, axis=0) / scales)
    largest = np.linalg.norm(centred / scales, 2)
    bound = (2 * 24 * ratio + 40 * largest) * UNIT_ROUNDOFF
    assert certificate(columns).bound == pytest.approx(bound, rel=1e-12)


def test_a_constant_column_is_not_independent() -> None:
    columns = np.random.default_rng(0).standard_normal((20, 2))
    columns[:, 1] = 1 / 3
    assert not certificate(columns).independent


def at(function: Function, b: float, point: Any) -> Any:
    return function.exact(b * point)


def test_a_constant_sum_may_leave_terms_out() -> None:
    """max(x, 0) with b = 1, -2, 4: the second term plays no part."""
    function = Function.parse("Max(x, 0)")
    terms = [partial(at, function, b) for b in (1, -2, 4)]
    where = points()
    columns = np.array([[float(term(mpmath.mpf(point))) for term in terms] for point in where])
    (relation,) = relations(terms, columns, where)
    assert relation.indices == (0, 2)
    assert float(relation.coefficients[1]) == pytest.approx(-0.25)
    assert relation.constant == 0
