"""The lazy layer under batches of other inputs than those that it follows."""

import copy
from dataclasses import replace

import pytest
import torch
from builders import CPU, dataset, recipe
from lazy_layers import EXACT, check_close, looked_at_lazily, matrices, normal
from torch import Tensor

from infwidth.network import probed
from infwidth.network.initialisation import initial_probed_network, learning_rates
from infwidth.network.layers import Layer
from infwidth.network.layers.dense import DenseLayer
from infwidth.network.layers.initial import GaussianWeights, KnownWeights
from infwidth.network.layers.lazy import LazyLayer, LazyMatrix
from infwidth.network.probed import ProbedNetwork
from infwidth.schemes import SCHEMES
from infwidth.training.descent import SampledDescent

REPLICAS, FOLLOWED, BATCH, RATE = 2, 3, 4, 0.3
SHAPE = OUTPUTS, INPUTS = 48, 56
WIDTH = 160


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


def descents(scheme: str, rate: float, tolerance: float) -> tuple[SampledDescent, SampledDescent]:
    """Trainings with the same batches on the same matrices, dense and looked at lazily."""
    seeds, how = (3, 0), recipe(learning_rate=rate)
    data = dataset(12, 12, 5)
    data = replace(data, probe_inputs=dataset(4, 12).train_inputs)
    found = []
    for lazy in (False, True):
        net = initial_probed_network(data, SCHEMES[scheme], WIDTH, seeds, how, CPU)
        if lazy:
            layers = looked_at_lazily(net.layers, tolerance)
            net = ProbedNetwork(net.input_layer, layers, net.activation, net.dtype)
        rates = learning_rates(SCHEMES[scheme], WIDTH, how)
        found.append(SampledDescent(net, data, rates, seeds, how.loss, 2))
    return found[0], found[1]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("rate", "tolerance", "accuracy"), [(2.0, EXACT, 1e-8), (0.5, 1e-2, 1e-2)])
def test_the_trajectory_is_that_of_dense_layers(
    scheme: str, rate: float, tolerance: float, accuracy: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of batches and probes; these are looked at in steps between looks, too."""
    monkeypatch.setattr(probed, "MOST_INPUTS", 6)
    dense, lazy = descents(scheme, rate, tolerance)
    first = dense.losses
    for step in range(40):
        exact, ours = (descent.advance(norms=True) for descent in (dense, lazy))
        assert exact is not None
        assert ours is not None
        check_close(ours, exact, accuracy)
        if step % 5 == 1:
            check_close(lazy.network.test_outputs(), dense.network.test_outputs(), accuracy)
        if step % 10 == 9:
            dense.look()
            lazy.look()
            check_close(lazy.losses, dense.losses, accuracy)
            check_close(lazy.network.outputs, dense.network.outputs, accuracy)
            for found, expected in zip(lazy.network.hidden, dense.network.hidden, strict=True):
                check_close(found.change, expected.change, accuracy)
                check_close(found.feature_change, expected.feature_change, accuracy)
    assert bool((dense.losses < 0.95 * first).all()) or scheme == "IP"
    for matrix in matrices(lazy.network):
        assert matrix.forward_basis.count < WIDTH
