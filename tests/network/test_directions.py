"""Growing bases, and which combinations of vectors stand out, against brute force."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from torch import Tensor

from infwidth.network.layers.directions import (
    ORTHOGONAL,
    PORTION,
    Basis,
    Rows,
    gram,
    padded,
    significant,
)

# As in the workflow, whose trainings have one thread each.
torch.set_num_threads(1)

DTYPES = (torch.float32, torch.float64)


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def basis_of(vectors: Tensor) -> Basis:
    basis = Basis(vectors.shape[1], vectors)
    basis.extend(vectors)
    return basis


def overlaps(basis: Basis) -> float:
    """The largest entry of QQᵀ - I."""
    rows = basis.all.double()
    return float((rows @ rows.T - torch.eye(len(rows), dtype=torch.float64)).abs().max())


def part_outside(vectors: Tensor, basis: Basis) -> float:
    """The largest norm of what a vector has beyond the basis."""
    # Made orthonormal in float64, whatever it was.
    columns = torch.linalg.qr(basis.all.double().T)[0]
    return float((vectors.double() - vectors.double() @ columns @ columns.T).norm(dim=1).max())


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_are_kept_in_order_however_they_come(dtype: torch.dtype) -> None:
    rows = Rows(3, torch.empty(0, dtype=dtype))
    assert rows.all.shape == (0, 3)
    everything = torch.empty(0, 3, dtype=dtype)
    # Portions that fill the room to the last row, run over it by one, and are larger than it.
    for index, count in enumerate((1, 0, PORTION - 1, 1, 3 * PORTION, 2, 0, PORTION)):
        new = normal(count, 3, seed=index, dtype=dtype)
        rows.append(new)
        new += 1
        everything = torch.cat([everything, new - 1])
        assert rows.count == len(everything)
        assert rows.all.dtype == dtype
        torch.testing.assert_close(rows.all, everything)


def test_padding_puts_zeros_after_the_entries() -> None:
    assert padded(torch.ones(1, 2), (3, 4)).tolist() == [[1, 1, 0, 0], [0] * 4, [0] * 4]
    assert padded(torch.empty(0, 0), (2, 1)).tolist() == [[0], [0]]


def test_inner_products_are_those_of_the_exact_vectors() -> None:
    """Products of float32 numbers, rounded as float64: 1e-8 beside 1 is not lost."""
    vectors = torch.tensor([[1.0, 1e-4], [1.0, 0.0]])
    exact = gram(vectors)
    assert exact.dtype == torch.float64
    assert float(exact[0, 0] - exact[1, 1]) == pytest.approx(1e-8, rel=1e-6)


def test_vectors_split_into_their_part_in_a_basis_and_the_rest() -> None:
    basis, vectors = basis_of(normal(7, 20)), normal(4, 20, seed=1)
    coordinates, rest = basis.split(vectors)
    torch.testing.assert_close(coordinates @ basis.all + rest, vectors)
    assert float((rest @ basis.all.T).abs().max()) < 1e-14
    assert part_outside(vectors - rest, basis) < 1e-13
    empty = Basis(20, vectors).split(vectors)
    assert empty[0].shape == (4, 0)
    assert torch.equal(empty[1], vectors)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("beyond", [1.0, 1e-2, 1e-4])
def test_orthogonality_does_not_wear_off(dtype: torch.dtype, beyond: float) -> None:
    """Vectors of which all but a part `beyond` was looked at before, hundreds of times."""
    columns, times = 512, 220
    basis = basis_of(normal(2, columns, dtype=dtype))
    for time in range(times):
        new = normal(2, columns, seed=time + 1, dtype=dtype) / math.sqrt(columns)
        weights = normal(2, basis.count, seed=-time - 1, dtype=dtype) / math.sqrt(basis.count)
        vectors = weights @ basis.all + beyond * new
        rows = basis.extend(vectors)
        assert rows.shape == (2, columns)
        assert torch.equal(basis.all[-2:], rows)
        if time % 60 == 0:
            assert part_outside(vectors, basis) < 20 * torch.finfo(dtype).eps
    assert basis.count == 2 * times + 2
    rounding = ORTHOGONAL * torch.finfo(dtype).eps
    assert 0 < basis.defect <= rounding
    assert overlaps(basis) <= 1.1 * rounding


def test_nearly_equal_vectors_give_orthonormal_directions() -> None:
    first = normal(1, 50)
    vectors = torch.cat([first, first + 1e-9 * normal(1, 50, seed=1)])
    basis = basis_of(normal(10, 50, seed=2))
    basis.extend(vectors)
    assert overlaps(basis) < 1e-14
    assert part_outside(vectors, basis) < 1e-13


@pytest.mark.parametrize("room", [0, 1, 2])
def test_a_basis_ends_with_the_whole_space(room: int) -> None:
    """The last vectors count: the first here has nothing new."""
    basis = basis_of(torch.eye(10, dtype=torch.float64)[: 10 - room])
    vectors = torch.cat([basis.all[:1], normal(2, 10, seed=1)])
    assert basis.extend(vectors).shape == (room, 10)
    assert basis.count == 10
    assert overlaps(basis) < 1e-14
    assert basis.extend(normal(3, 10, seed=2)).shape == (0, 10)


@pytest.mark.parametrize("vector", [[1.0, 0, 0, 0], [0, 0, 0, 0]])
def test_of_what_holds_nothing_new_nothing_is_taken(vector: list[float]) -> None:
    """Where not even rounding leads out of the basis."""
    basis = basis_of(torch.eye(4, dtype=torch.float64)[:3])
    nothing = torch.tensor([vector], dtype=torch.float64)
    assert basis.extend(nothing).shape == (0, 4)
    new = torch.tensor([[0, 0, 3.0, 4.0]], dtype=torch.float64)
    [taken] = basis.extend(torch.cat([nothing, new, nothing]))[-1:]
    torch.testing.assert_close(taken.abs(), torch.eye(4, dtype=torch.float64)[3])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("new", [0, 2])
def test_dead_units_leave_no_further_directions(dtype: torch.dtype, new: int) -> None:
    """Coordinates that are zero in every vector, and a basis that spans all but `new` others."""
    columns, live = 200, 40
    vectors = torch.zeros(live, columns, dtype=dtype)
    vectors[:, :live] = normal(live, live, dtype=dtype)
    basis = basis_of(vectors[: live - new])
    inside = normal(5, live - new, seed=1, dtype=dtype) @ basis.all
    rows = basis.extend(torch.cat([inside, vectors[live - new :], inside]))
    assert rows.shape == (new, columns)
    assert basis.count == live
    assert not bool(basis.all[:, live:].any())
    assert overlaps(basis) <= 1.1 * ORTHOGONAL * torch.finfo(dtype).eps
    assert part_outside(vectors, basis) < 1e3 * torch.finfo(dtype).eps


def test_what_does_not_become_orthogonal_is_an_error() -> None:
    basis = basis_of(torch.eye(4, dtype=torch.float64)[:3])
    with pytest.raises(ArithmeticError, match="not independent"):
        basis.extend(torch.tensor([[0, 0, 0, math.nan]], dtype=torch.float64))
    assert basis.count == 3


def rest_and_scale(samples: int, columns: int, spread: float, seed: int) -> tuple[Tensor, Tensor]:
    """Rests of a few percent, of movements whose directions span `spread` orders of magnitude."""
    sizes = torch.logspace(0, -spread, samples, dtype=torch.float64)
    mixing = torch.linalg.qr(normal(samples, samples, seed=seed))[0]
    movement = mixing @ (sizes[:, None] * normal(samples, columns, seed=seed + 1))
    parts = torch.logspace(-4, -0.5, samples, dtype=torch.float64)
    order = torch.randperm(samples, generator=torch.Generator().manual_seed(seed))
    other = normal(samples, columns, seed=seed + 2)
    rest = mixing @ ((sizes * parts[order])[:, None] * other)
    return rest, gram(movement)


def brute_force(
    rest: Tensor, scale: Tensor, tolerance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ratios ‖cᵀ rest‖² / cᵀ scale c above tolerance², and unit vectors cᵀ rest, ascending."""
    ratios, combinations = eigh((rest @ rest.T).numpy(), scale.numpy())
    vectors = (combinations.T @ rest.numpy())[ratios > tolerance**2]
    ratios = ratios[ratios > tolerance**2]
    return ratios, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tolerance", [1e-3, 1e-2, 1e-1, 1.0])
@pytest.mark.parametrize("spread", [0.0, 2.5])
def test_what_stands_out_is_what_the_generalised_eigenproblem_says(
    spread: float, tolerance: float, seed: int
) -> None:
    rest, scale = rest_and_scale(8, 40, spread, seed)
    found = significant(rest, scale, tolerance).numpy()
    ratios, expected = brute_force(rest, scale, tolerance)
    assert found.shape == (len(ratios), 40)
    if tolerance == 1:
        assert len(found) == 0
    elif tolerance == 1e-2:
        assert 0 < len(found) < 8
    # Whatever combinations represent them, their span is the same.
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)
    columns = np.linalg.qr(found.T)[0]
    np.testing.assert_allclose(columns @ columns.T @ expected.T, expected.T, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tolerance", [1e-3, 1e-2, 1e-1])
def test_what_is_orthogonal_to_it_does_not_stand_out(
    tolerance: float, seed: int, dtype: torch.dtype
) -> None:
    rest, scale = rest_and_scale(8, 40, 2.5, seed)
    rest = rest.to(dtype)
    directions = significant(rest, scale, tolerance)
    assert directions.dtype == dtype

    def worst(rows: Tensor) -> float:
        """The largest ‖cᵀ rest‖ / √(cᵀ scale c), without the part of rest in these rows."""
        left = basis_of(rows).split(rest)[1].double() if len(rows) else rest.double()
        combinations = normal(2000, 8, seed=seed)
        sizes = torch.einsum("ki,ij,kj->k", combinations, scale, combinations).sqrt()
        sampled = float(((combinations @ left).norm(dim=1) / sizes).max())
        exact = float(np.sqrt(eigh((left @ left.T).numpy(), scale.numpy(), eigvals_only=True)[-1]))
        assert sampled <= exact * (1 + 1e-9)
        return exact

    assert worst(directions) <= tolerance * (1 + 1e-4)
    # Each of them is needed.
    for index in range(len(directions)):
        others = torch.cat([directions[:index], directions[index + 1 :]])
        assert worst(others) > tolerance


def test_a_small_direction_of_sample_space_stands_out_though_no_sample_does() -> None:
    """Two samples move nearly alike; half of what tells them apart is new."""
    common, apart, new = torch.eye(3, dtype=torch.float64)
    movement = torch.stack([common + 2e-3 * apart, common - 2e-3 * apart])
    rest = torch.stack([1e-3 * new, -1e-3 * new])
    assert bool((rest.norm(dim=1) < 1e-2 * movement.norm(dim=1)).all())
    (found,) = significant(rest, gram(movement), 1e-2)
    torch.testing.assert_close(found.abs(), new)


def test_directions_below_the_floor_are_measured_against_it() -> None:
    """Of sizes 1 and 1e-5, with rests of 2 % and 20 %; at a floor of 1e-3 the second is 0.2 %."""
    scale = torch.diag(torch.tensor([1.0, 1e-10], dtype=torch.float64))
    rest = torch.diag(torch.tensor([2e-2, 2e-6], dtype=torch.float64))
    assert len(significant(rest, scale, 1e-2)) == 2
    assert len(significant(rest, scale, 1e-2, 1e-3)) == 1
    assert len(significant(rest, scale, 1.9e-3, 1e-3)) == 2
    assert len(significant(rest, scale, 2.1e-3, 1e-3)) == 1


@pytest.mark.parametrize("floor", [0.0, 1e-3])
def test_samples_without_size_have_no_directions(floor: float) -> None:
    """Those outside a batch have a row of zeros."""
    rest, scale = torch.zeros(3, 5, dtype=torch.float64), torch.zeros(3, 3, dtype=torch.float64)
    assert significant(rest, scale, 1e-2, floor).shape == (0, 5)
    rest[1, 2] = scale[1, 1] = 1.0
    torch.testing.assert_close(
        significant(rest, scale, 1e-2, floor).abs(), torch.eye(5, dtype=torch.float64)[2:3]
    )


@pytest.mark.parametrize("overflow", [math.inf, math.nan])
def test_nothing_stands_out_of_numbers_that_overflowed(overflow: float) -> None:
    sound, overflown = torch.eye(2), torch.diag(torch.tensor([1.0, overflow]))
    assert significant(overflown, sound.double(), 1e-2).shape == (0, 2)
    assert significant(sound, overflown.double(), 1e-2).shape == (0, 2)
