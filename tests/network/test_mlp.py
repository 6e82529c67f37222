"""The network's steps against a plain implementation, and the accuracy of its movement."""

from collections.abc import Sequence

import pytest
import torch
from builders import CPU, PlainNetwork, all_inputs, both, dataset, rates_by_role, recipe
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.activations import ACTIVATIONS
from infwidth.network.initialisation import initial_network, initial_stds, learning_rates
from infwidth.network.layers.dense import DenseLayer
from infwidth.network.layers.input import InputGeometry
from infwidth.network.losses import LOSSES, one_hot
from infwidth.network.mlp import Network
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES, Scheme

# No two layers alike, so that no layer's rate can stand in for another's.
OWN = Scheme(init_variance=(0.1, -1, -0.8), learning_rate=(0.3, -0.4, -0.9))
WIDTH = 16
SEEDS = (3, 0)
GEOMETRIES = {
    "more dimensions than inputs": dataset(5, 14, 4),
    "as many": dataset(5, 9, 4),
    "all training inputs span": dataset(7, 4, 5),
    "train and test inputs span": dataset(4, 7, 9),
    "one sample": dataset(1, 3, 2),
    "one dimension": dataset(3, 1, 2),
    "duplicate training inputs": dataset(6, 14, 4, repeated=[(1, 0), (4, 2)]),
    "duplicates that span": dataset(6, 4, 4, repeated=[(1, 0), (4, 2)]),
    "a training input as test input": dataset(4, 14, 4, repeated=[(4, 2)]),
    "a training input among many test inputs": dataset(4, 9, 20, repeated=[(4, 2)]),
    "equal test inputs among many": dataset(4, 9, 20, repeated=[(5, 4), (6, 4)]),
    "training set as test set": dataset(4, 9, 4, repeated=[(4, 0), (5, 1), (6, 2), (7, 3)]),
}


def advance(network: Network, data: PreparedDataset, how: Recipe, rates: Sequence[float]) -> Tensor:
    """One full-batch step."""
    targets = one_hot(torch.as_tensor(data.train_labels), data.classes)
    signal = LOSSES[how.loss].gradient(network.outputs, targets) / len(data.train_labels)
    norms = network.step(signal, tuple(rates), norms=True)
    assert norms is not None
    return norms


def close(actual: Tensor, expected: Tensor, relative: float = 1e-10) -> None:
    """Their difference's norm, as a part of the expected norm, is at most `relative`."""
    assert actual.shape == expected.shape
    error = torch.linalg.norm(actual.double() - expected)
    assert error <= relative * torch.linalg.norm(expected), f"error {error:.2e}"


def check_trajectory(data: PreparedDataset, how: Recipe, steps: int = 6) -> None:
    """Everything the network says of itself, at every step, is the plain network's."""
    network, plain = both(data, OWN, WIDTH, SEEDS, how)
    inputs, labels = torch.as_tensor(data.train_inputs), torch.as_tensor(data.train_labels)
    test_inputs = torch.as_tensor(data.test_inputs)
    rates = learning_rates(OWN, WIDTH, how)
    assert rates == rates_by_role(OWN, WIDTH, how)
    starts = [one.forward(inputs)[0] for one in plain]
    activation = ACTIVATIONS[how.activation].value
    for step in range(steps + 1):
        for replica, (one, start) in enumerate(zip(plain, starts, strict=True)):
            hidden, outputs = one.forward(inputs)
            assert len(network.hidden) == len(hidden) == how.hidden_layers
            for state, h, h0 in zip(network.hidden, hidden, start, strict=True):
                close(state.initial[replica].T, h0)
                close((state.initial + state.change)[replica].T, h)
                close(state.feature[replica].T, activation(h))
                if step:
                    close(state.change[replica].T, h - h0)
                    close(state.feature_change[replica].T, activation(h) - activation(h0))
            close(network.outputs[replica].T, outputs)
            close(network.test_outputs()[replica].T, one.forward(test_inputs)[1])
        moved = advance(network, data, how, rates)
        for replica, one in enumerate(plain):
            norms = torch.tensor(one.step(inputs, labels), dtype=torch.float64)
            torch.testing.assert_close(moved[:, replica], norms, rtol=1e-9, atol=0)


@pytest.mark.parametrize("hidden_layers", [1, 2, 3])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_trajectories_are_those_of_plain_gradient_descent(
    activation: str, loss: str, hidden_layers: int
) -> None:
    how = recipe(activation=activation, loss=loss, hidden_layers=hidden_layers)
    check_trajectory(GEOMETRIES["more dimensions than inputs"], how)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_trajectories_for_every_geometry_of_the_inputs(geometry: str) -> None:
    check_trajectory(GEOMETRIES[geometry], recipe(hidden_layers=2))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_reduced_inputs_have_the_inner_products_of_the_inputs(geometry: str) -> None:
    """Which is all that the distribution of a Gaussian layer's pre-activations depends on."""
    data = GEOMETRIES[geometry]
    reduced = InputGeometry.of(
        torch.as_tensor(data.train_inputs), torch.as_tensor(data.test_inputs)
    )
    train = torch.zeros(len(reduced.test), reduced.train.shape[1], dtype=torch.float64)
    train[: len(reduced.train)] = reduced.train
    together = torch.cat([train, reduced.test], dim=1)
    inputs = torch.as_tensor(all_inputs(data))
    torch.testing.assert_close(together.T @ together, inputs @ inputs.T, rtol=0, atol=1e-12)
    samples = len(data.train_inputs)
    torch.testing.assert_close(reduced.gram, (inputs @ inputs.T)[:samples, :samples])
    torch.testing.assert_close(reduced.cross_gram, (inputs @ inputs.T)[:samples, samples:])


def test_initial_weights_are_independent_and_of_the_schemes_size() -> None:
    width, seeds = 300, (0, 1, 5)
    data, how = dataset(8, 20, 8, classes=10), recipe(init_std=1.7, reference_width=10.0)
    network = initial_network(data, OWN, width, seeds, how, CPU)
    stds = initial_stds(OWN, width, how)
    first = network.hidden[0].initial.mT
    basis = torch.linalg.pinv(network.input_layer.geometry.train)
    drawn = [first @ basis]
    for layer in network.layers:
        assert isinstance(layer, DenseLayer)
        drawn.append(layer.weights)
    assert [tuple(w.shape) for w in drawn[1:]] == [(3, 300, 300)] * 2 + [(3, 10, 300)]
    roles = ("input", "hidden", "hidden", "output")
    units = []
    for role, std, weights in zip(roles, stds, drawn, strict=True):
        expected = OWN.init_std(role, width, sigma=1.7, reference_width=10)  # type: ignore[arg-type]
        assert std == expected
        units.append(weights / std)
        spread = 1 / weights.numel() ** 0.5
        assert abs(float(units[-1].mean())) < 5 * spread
        assert abs(float(units[-1].square().mean()) - 1) < 5 * 2**0.5 * spread
    for one, other in ((units[1], units[2]), (units[1][0], units[1][1]), (units[2], units[2].mT)):
        assert abs(float((one * other).mean())) < 0.03


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_initial_preactivations_are_gaussian_in_the_inputs(geometry: str) -> None:
    """Their covariance over units is σ² times the inner products, training and test together."""
    data, width, seeds, how = GEOMETRIES[geometry], 500, (0, 1, 5, 7), recipe(hidden_layers=1)
    network = initial_network(data, SCHEMES["µP"], width, seeds, how, CPU)
    test = network.input_layer.test_preactivations()
    images = torch.cat([network.hidden[0].initial, test], dim=1).mT.flatten(0, 1)
    inputs = torch.as_tensor(all_inputs(data))
    # An entry's standard deviation is at most sqrt(2 / 2000) = 0.03.
    covariance = images.T @ images / len(images)
    torch.testing.assert_close(covariance, inputs @ inputs.T, rtol=0, atol=0.15)


def error(actual: Tensor, expected: Tensor) -> float:
    return float(torch.linalg.norm(actual.double() - expected) / torch.linalg.norm(expected))


def test_a_float32_movement_has_float32s_relative_accuracy_however_small_it_is() -> None:
    """SP's first layer moves by 1e-5 of itself, layer by layer to 1e-5 of that movement."""
    # At this width every standard deviation is a power of two: the same weights in any precision.
    width, steps, data = 256, 20, dataset(8, 20, 2)
    inputs, labels = torch.as_tensor(data.train_inputs), torch.as_tensor(data.train_labels)
    how = recipe(learning_rate=0.02, precision="float32")
    network, (exact,) = both(data, SCHEMES["SP"], width, [0], how)
    rates = learning_rates(SCHEMES["SP"], width, how)
    naive = PlainNetwork([w.float() for w in exact.weights], rates, "tanh", "mse")
    start, naive_start = exact.forward(inputs)[0], naive.forward(inputs.float())[0]
    for _ in range(steps):
        advance(network, data, how, rates)
        exact.step(inputs, labels)
        naive.step(inputs.float(), labels)
    states = zip(
        network.hidden,
        start,
        exact.forward(inputs)[0],
        naive_start,
        naive.forward(inputs.float())[0],
        strict=True,
    )
    for layer, (state, h0, h, naive_h0, naive_h) in enumerate(states):
        ours = error(state.change[0].T, h - h0)
        assert ours < 1e-5
        assert error(naive_h - naive_h0, h - h0) > 10 * ours
        if layer == 0:
            assert 0 < float((h - h0).norm() / h0.norm()) < 1e-5


@pytest.mark.parametrize("replicas", [[0, 2], [2, 1], [1]])
def test_dropping_replicas_leaves_the_others_numbers(replicas: list[int]) -> None:
    data, how = dataset(16, 64, 16, classes=16), recipe(precision="float32")
    rates = learning_rates(OWN, 64, how)
    whole, kept = (initial_network(data, OWN, 64, (0, 1, 2), how, CPU) for _ in range(2))
    for network in (whole, kept):
        for _ in range(2):
            advance(network, data, how, rates)
    kept.keep(torch.tensor(replicas))
    for _ in range(3):
        moved = advance(whole, data, how, rates)[:, replicas]
        assert torch.equal(advance(kept, data, how, rates), moved)
    for state, full in zip(kept.hidden, whole.hidden, strict=True):
        for name in ("initial", "initial_feature", "change", "feature", "feature_change"):
            assert torch.equal(getattr(state, name), getattr(full, name)[replicas])
    assert torch.equal(kept.outputs, whole.outputs[replicas])
    assert torch.equal(kept.test_outputs(), whole.test_outputs()[replicas])
