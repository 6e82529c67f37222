"""The lazy layer against written-down matrices, its products from both sides, and its replicas."""

import copy
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from builders import CPU, dataset, recipe
from lazy_layers import (
    DATA,
    EXACT,
    MISTAKES,
    SEEDS,
    WIDTH,
    check_close,
    look,
    matrices,
    normal,
    start,
    start_on_known_weights,
    training,
)
from torch import Tensor

from infwidth.network.initialisation import initial_network
from infwidth.network.layers.initial import GaussianWeights, KnownWeights
from infwidth.network.layers.lazy import FLOOR, LazyMatrix
from infwidth.schemes import SCHEMES
from infwidth.training.train import train


@pytest.mark.parametrize("batch_size", [None, 2])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_trajectory_is_that_of_the_dense_layer(scheme: str, batch_size: int | None) -> None:
    """By steps that move outputs by their own size; all answers, on the same matrices."""
    how = recipe(layer="dense", learning_rate=2.0, steps=12, batch_size=batch_size)
    dense, lazy = start(scheme, how), start_on_known_weights(scheme, how, EXACT)
    first = dense.outputs
    for step, norms in enumerate(training([dense, lazy], scheme, how)):
        check_close(norms[1], norms[0], 1e-9)
        for ours, exact in zip(lazy.hidden, dense.hidden, strict=True):
            check_close(ours.initial, exact.initial, 1e-12)
            for name in ("change", "feature_change", "feature"):
                check_close(getattr(ours, name), getattr(exact, name), 1e-9)
        check_close(lazy.outputs, dense.outputs, 1e-9)
        # Not at every step, so that movement drawn for the test inputs' sake is not all there is.
        if step % 3 == 1:
            check_close(lazy.test_outputs(), dense.test_outputs(), 1e-9)
    assert float((dense.outputs - first).norm()) > 0.3


def worst_relative_error(ours: Tensor, exact: Tensor) -> float:
    """The largest ‖cᵀ (ours - exact)‖ / ‖cᵀ exact‖ over combinations c of samples."""
    axes, sizes, _ = torch.linalg.svd(exact, full_matrices=False)
    whitened = (axes / sizes.clamp(min=FLOOR * float(sizes[0]))).T @ (ours - exact)
    return float(torch.linalg.matrix_norm(whitened, 2))


@pytest.mark.parametrize("batch_size", [None, 2])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_movement_has_the_relative_accuracy_of_the_tolerance_in_every_direction_of_sample_space(
    scheme: str, batch_size: int | None
) -> None:
    tolerance = 1e-2
    how = recipe(layer="dense", steps=12, batch_size=batch_size)
    dense, lazy = start(scheme, how), start_on_known_weights(scheme, how, tolerance)
    errors = []
    for _ in training([dense, lazy], scheme, how):
        for ours, exact in zip(lazy.hidden, dense.hidden, strict=True):
            for change, expected in zip(ours.change, exact.change, strict=True):
                errors.append(worst_relative_error(change, expected))
        check_close(lazy.test_outputs(), dense.test_outputs(), tolerance)
    # The errors of a layer's features add to its successor's.
    assert max(errors) < 4 * tolerance
    # It was not for want of anything to leave out.
    assert max(errors) > tolerance / 10
    if batch_size is None:
        for matrix in matrices(lazy):
            assert matrix.forward_basis.count < WIDTH
            assert matrix.backward_basis.count < WIDTH


def adjoint_defect(matrix: LazyMatrix, seed: int) -> float:
    """The largest relative difference of <y, W x> and <y W, x>, whichever is asked first."""
    samples = len(DATA.train_labels)
    arbitrary = normal(samples, WIDTH, seed=seed)
    bases = (matrix.forward_basis.all, matrix.backward_basis.all)
    x_inside, y_inside = (normal(samples, len(q), seed=seed + 1) @ q for q in bases)
    worst = 0.0
    for x in (arbitrary, x_inside, arbitrary + x_inside):
        for y in (arbitrary, y_inside, arbitrary - y_inside):
            for forward_first in (True, False):
                # The matrix of the training sees nothing of this.
                probed = copy.deepcopy(matrix)
                if forward_first:
                    forward, backward = look(probed, x), probed.backward(y)
                else:
                    backward, forward = probed.backward(y), probed.evaluate(x)
                # Asked again, it answers the same.
                for answer in (probed.evaluate(x), forward):
                    defect = (answer @ y.T - x @ backward.T).norm()
                    worst = max(worst, float(defect / (answer.norm() * y.norm())))
    return worst


def adjoint_defects(scheme: str) -> list[float]:
    how = recipe(layer="lazy", steps=11)
    network = start(scheme, how, SEEDS[:1])
    defects = []
    for step, _ in enumerate(training([network], scheme, how)):
        if step % 5 == 0:
            defects += [adjoint_defect(matrix, step) for matrix in matrices(network)]
    return defects


@pytest.mark.parametrize("scheme", SCHEMES)
def test_products_from_both_sides_are_one_matrix_s(scheme: str) -> None:
    assert max(adjoint_defects(scheme)) < 1e-13


@pytest.mark.parametrize("method", MISTAKES)
def test_mistaken_draws_are_not_one_matrix_s(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(*MISTAKES[method])
    assert min(adjoint_defects("µP")) > 1e-4


def test_nothing_is_left_out_but_undrawn_parts() -> None:
    """At a rough tolerance; the part along what was looked at from the other side is never."""
    n, samples = 40, 3
    weights = normal(n, n, seed=0)
    matrix = LazyMatrix(KnownWeights(weights), weights, tolerance=0.4)
    forward, backward = matrix.forward_basis, matrix.backward_basis
    x = normal(samples, n, seed=1)
    told, left_out = matrix.start(x), 0.0
    for time in range(1, 9):
        probe, mostly_old = normal(2, samples, n, seed=time)
        # Signals and movement of which some, but not all, is new enough to be looked at.
        y = 3 * backward.split(mostly_old)[0] @ backward.all + probe / 3
        answer = matrix.backward(y)
        rest = forward.split(backward.split(y)[1] @ weights)[1]
        check_close(answer, y @ weights - rest, 1e-12)
        change = normal(samples, n, seed=-time) @ torch.diag((torch.arange(n) < 4 * time).double())
        told, x = told + matrix.step(y, x, change, 0.0), x + change
        rest = backward.split(forward.split(x)[1] @ weights.T)[1]
        check_close(told, x @ weights.T - rest, 1e-12)
        left_out = max(left_out, float(rest.norm()))
        other = x + probe / 9
        answer = matrix.evaluate(other)
        rest = backward.split(forward.split(other)[1] @ weights.T)[1]
        check_close(answer, other @ weights.T - rest, 1e-12)
    assert left_out > 1


@pytest.mark.parametrize("scheme", ["SP", "µP"])
def test_float32_bases_stay_orthogonal_through_a_long_training(scheme: str) -> None:
    data, width = dataset(16, 40, 4), 1024
    how = recipe(layer="lazy", precision="float32", steps=40, hidden_layers=2)
    network = initial_network(data, SCHEMES[scheme], width, (0,), how, CPU)
    list(training([network], scheme, how, data, width))
    (matrix,) = matrices(network)
    for basis in (matrix.forward_basis, matrix.backward_basis):
        rows = basis.all.double()
        assert len(rows) > 40
        assert float((rows @ rows.T - torch.eye(len(rows))).abs().max()) < 1e-5
    match = re.fullmatch(r"(\d+) \+ (\d+) directions, .*", network.layers[0].status())
    assert match
    assert int(match[1]) == matrix.forward_basis.count
    assert int(match[2]) == matrix.backward_basis.count


@pytest.mark.parametrize("batch_size", [None, 2])
def test_measuring_changes_no_training(batch_size: int | None) -> None:
    """However often features are measured, and on however many test inputs."""
    data = dataset(6, 12, 40)
    records = [
        train(
            replace(data, test_inputs=data.test_inputs[:some], test_labels=data.test_labels[:some]),
            SCHEMES["µP"],
            128,
            SEEDS,
            recipe(layer="lazy", steps=20, snapshots=snapshots, batch_size=batch_size),
        )
        for some, snapshots in ((1, 2), (40, 2), (1, 21), (40, 21))
    ]
    for record in records:
        assert np.array_equal(record.initial, records[0].initial)
        assert np.array_equal(record.change[-1], records[0].change[-1])
        for name in ("train_loss", "train_accuracy", "weight_change"):
            assert np.array_equal(record.curves[name][-1], records[0].curves[name][-1])


def test_what_no_look_has_determined_stays_as_it_was_told() -> None:
    """Answers change where training has looked in between alone, and agree with what it saw."""
    n, samples = 60, 3
    half = torch.arange(n) < n // 2
    draws, test_draws = (torch.Generator().manual_seed(seed) for seed in (1, 2))
    like = torch.empty(0, dtype=torch.float64)
    matrix = LazyMatrix(GaussianWeights((n, n), 1.0, draws, test_draws), like, EXACT)
    x, tests = normal(samples, n, seed=0) * half, normal(2, n, seed=1) * ~half
    matrix.start(x)
    first = matrix.evaluate(tests)
    check_close(matrix.evaluate(tests), first, 1e-13)
    look(matrix, normal(samples, n, seed=2) * half)
    check_close(matrix.evaluate(tests), first, 1e-13)
    y = normal(samples, n, seed=3)
    seen = matrix.backward(y)
    again = matrix.evaluate(tests)
    check_close(again @ y.T, tests @ seen.T, 1e-12)
    changed, kept = matrix.backward_basis.split(again - first)
    assert float(changed.norm()) > 1
    assert float(kept.norm()) < 1e-12
    assert float((look(matrix, tests[:1]) - again[:1]).norm()) > 1


@pytest.mark.parametrize(
    ("scheme", "width", "samples", "rate"), [("NTP", 32, 16, 1.0), ("IP", 128, 4, 4.0)]
)
def test_dead_units_end_no_training(scheme: str, width: int, samples: int, rate: float) -> None:
    """Of ReLU: coordinates that no feature has, so that a basis of all others is complete."""
    how = {"activation": "relu", "lazy_tolerance": 1e-5, "learning_rate": rate, "steps": 60}
    record = train(
        dataset(samples, 20, 4),
        SCHEMES[scheme],
        width,
        (0,),
        recipe(layer="lazy", precision="float32", **how),
    )
    assert bool(np.isfinite(record.curves["train_loss"]).all())
