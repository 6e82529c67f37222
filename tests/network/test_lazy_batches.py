"""The lazy layer under batches of other inputs than those that it follows."""

import copy

import torch
from lazy_layers import EXACT, check_close, normal
from torch import Tensor

from infwidth.network.layers import Layer
from infwidth.network.layers.dense import DenseLayer
from infwidth.network.layers.initial import GaussianWeights, KnownWeights
from infwidth.network.layers.lazy import LazyLayer, LazyMatrix

REPLICAS, FOLLOWED, BATCH, RATE = 2, 3, 4, 0.3
SHAPE = OUTPUTS, INPUTS = 48, 56


def some(seed: int, samples: int, units: int, time: int) -> Tensor:
    """Vectors of different sizes, in a space that grows with time and is not round."""
    sizes = torch.logspace(0, -1, samples, dtype=torch.float64)[:, None]
    axes = torch.logspace(0, -4, units, dtype=torch.float64) * (torch.arange(units) < 6 * time)
    return sizes * normal(REPLICAS, samples, units, seed=seed) * axes


def both(tolerance: float) -> tuple[DenseLayer, LazyLayer]:
    """On the same matrices."""
    weights = normal(REPLICAS, *SHAPE, seed=0) / INPUTS**0.5
    matrices = [LazyMatrix(KnownWeights(each.clone()), each, tolerance) for each in weights]
    return DenseLayer(weights), LazyLayer(matrices)


def answers(layer: Layer, time: int) -> dict[str, Tensor]:
    """What a layer says in a step of a batch: of it, and of others."""
    x, y = some(time, BATCH, INPUTS, time), some(-time, BATCH, OUTPUTS, time)
    found = {"forward": layer.forward(x), "backward": layer.backward(y)}
    layer.update(y, x, RATE)
    found["evaluate"] = layer.evaluate(normal(REPLICAS, 2, INPUTS, seed=100 + time))
    if time % 3 == 2:
        # Small beside the features, and in directions that no batch has had, too.
        found["follow"] = layer.follow(1e-3 * some(200 + time, FOLLOWED, INPUTS, time + 2))
    return found


def test_answers_are_those_of_the_dense_layer() -> None:
    layers = both(EXACT)
    x = some(1, FOLLOWED, INPUTS, 1)
    check_close(layers[1].start(x), layers[0].start(x), 1e-12)
    for time in range(1, 13):
        exact, ours = (answers(layer, time) for layer in layers)
        for name, values in ours.items():
            check_close(values, exact[name], 1e-8)
        if time == 8:
            for matrix in layers[1].matrices:
                assert 30 < matrix.forward_basis.count < INPUTS
                assert 30 < matrix.backward_basis.count <= OUTPUTS


def test_what_is_left_out_is_small_beside_what_was_asked() -> None:
    """Beside a batch's features or signals, and beside the movement of those followed."""
    tolerance = 1e-2
    dense, lazy = both(tolerance)
    x = some(1, FOLLOWED, INPUTS, 1)
    told = torch.stack([dense.start(x), lazy.start(x)])
    told.zero_()
    errors = []
    for time in range(1, 13):
        exact, ours = answers(dense, time), answers(lazy, time)
        if "follow" in ours:
            told += torch.stack([exact["follow"], ours["follow"]])
            exact["follow"], ours["follow"] = told
        for name, values in ours.items():
            errors.append((values - exact[name]).norm(dim=-1) / exact[name].norm(dim=-1))
    worst = max(float(each.max()) for each in errors)
    assert tolerance / 10 < worst < 2 * tolerance
    for matrix in lazy.matrices:
        assert matrix.forward_basis.count < 0.7 * INPUTS
        assert matrix.backward_basis.count < 0.7 * OUTPUTS


def test_nothing_is_left_out_but_undrawn_parts() -> None:
    """Of what those followed were told, too, whichever batch had it drawn."""
    weights = normal(*SHAPE, seed=0)
    matrix = LazyMatrix(KnownWeights(weights), weights, tolerance=0.4)

    def undrawn(asked: Tensor) -> Tensor:
        rest = matrix.forward_basis.split(asked)[1]
        return matrix.backward_basis.split(rest @ weights.T)[1]

    x = some(1, FOLLOWED, INPUTS, 8)[0]
    told = matrix.start(x)
    for time in range(1, 13):
        batch, y = (some(time, BATCH, units, 8)[0] for units in SHAPE[::-1])
        answer = matrix.forward(batch)
        check_close(answer, batch @ weights.T - undrawn(batch), 1e-12)
        beyond = matrix.forward_basis.split(batch)[1].norm(dim=1)
        assert bool((beyond <= 0.4 * batch.norm(dim=1)).all())
        matrix.backward(y)
        matrix.update(0.0)
        if time % 3 == 0:
            change = some(200 + time, FOLLOWED, INPUTS, 8)[0]
            told, x = told + matrix.follow(change), x + change
            check_close(told, x @ weights.T - undrawn(x), 1e-12)
            assert float(undrawn(x).norm()) > 1e-2


def test_a_layer_goes_on_from_its_state_to_the_same_bytes() -> None:
    def layer(seed: int) -> LazyLayer:
        def matrix(replica: int) -> LazyMatrix:
            draws = (torch.Generator().manual_seed(9 * seed + 2 * replica + i) for i in (0, 1))
            return LazyMatrix(GaussianWeights(SHAPE, 0.1, *draws), like, 1e-2)

        like = torch.empty(0, dtype=torch.float64)
        return LazyLayer([matrix(replica) for replica in range(REPLICAS)])

    whole, other = layer(0), layer(1)
    x = some(1, FOLLOWED, INPUTS, 1)
    whole.start(x)
    other.start(x)
    for time in range(1, 5):
        answers(whole, time)
    other.restore(copy.deepcopy(whole.state()))
    for time in range(5, 9):
        expected, found = answers(whole, time), answers(other, time)
        assert all(torch.equal(found[name], values) for name, values in expected.items())
