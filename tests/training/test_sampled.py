"""Trainings on batches of a training set, with probes that follow."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from builders import CPU, PlainNetwork, dataset, dense_weights, rates_by_role, recipe, with_probes
from lazy_layers import looked_at_lazily
from scipy import stats
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.measures.features import Features
from infwidth.measures.spectra import Spectra, spectra_of
from infwidth.network import probed
from infwidth.network.initialisation import initial_probed_network
from infwidth.network.probed import ProbedNetwork, step_sizes
from infwidth.network.randomness import stream
from infwidth.schemes import SCHEMES, Scheme
from infwidth.training import train as training
from infwidth.training.record import TrainingRecord
from infwidth.training.train import train

OWN = Scheme(init_variance=(0.1, -1, -0.8), learning_rate=(0.3, -0.4, -0.9))
# More inputs than pixels, and fewer.
MANY, FEW = dataset(40, 14, 6), dataset(10, 14, 6)


def raw_weights(network: ProbedNetwork, data: PreparedDataset, replica: int) -> Tensor:
    """An n x d matrix that acts on all inputs as the replica's input layer does."""
    layer = network.input_layer
    images = [layer.preactivations(len(data.train_inputs)), layer.initial]
    given = torch.cat([*images, layer.test_preactivations()], dim=1)[replica].double()
    inputs = np.concatenate([data.train_inputs, data.probes, data.test_inputs])
    weights: Tensor = given.T @ torch.linalg.pinv(torch.as_tensor(inputs).T, rtol=1e-9)
    torch.testing.assert_close(torch.as_tensor(inputs) @ weights.T, given, rtol=1e-10, atol=1e-10)
    return weights


@pytest.mark.parametrize("data", [MANY, FEW], ids=["many", "few"])
@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("batch_size", [None, 3])
@pytest.mark.parametrize("inputs_between_looks", [1, 10, 1000])
def test_a_training_is_plain_stochastic_gradient_descent(
    data: PreparedDataset,
    held_out: bool,
    batch_size: int | None,
    inputs_between_looks: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Movement and curves at every snapshot, against raw inputs, autograd and loops."""
    monkeypatch.setattr(probed, "MOST_INPUTS", inputs_between_looks)
    data, width, seeds = with_probes(data, 5, held_out=held_out), 20, (3, 0)
    how = recipe(batch_size=batch_size, steps=9, snapshots=4, init_std=1.3)
    record = train(data, OWN, width, seeds, how)
    network = initial_probed_network(data, OWN, width, seeds, how, CPU)
    labels, shown = torch.as_tensor(data.train_labels), min(len(data.train_labels), 6)
    tensors = {
        name: torch.as_tensor(inputs)
        for name, inputs in (
            ("train", data.train_inputs), ("probes", data.probes), ("test", data.test_inputs)
        )
    }  # fmt: skip
    for replica, seed in enumerate(seeds):
        one = PlainNetwork(
            [raw_weights(network, data, replica), *dense_weights(network, replica)],
            rates_by_role(OWN, width, how), how.activation, how.loss,
        )  # fmt: skip
        start = one.forward(tensors["probes"])[0]
        order = stream(seed, "batches")
        queue: list[int] = []
        for step in range(how.steps + 1):
            if step in record.steps:
                index = record.steps.tolist().index(step)
                for layer, (h, origin) in enumerate(
                    zip(one.forward(tensors["probes"])[0], start, strict=True)
                ):
                    np.testing.assert_allclose(
                        record.change[index, 0, layer, replica],
                        (h - origin).detach(),
                        rtol=0,
                        atol=1e-11 * float(abs(h - origin).max()),
                    )
                for name, inputs, truth in (
                    ("train", tensors["train"][:shown], labels[:shown]),
                    ("test", tensors["test"], torch.as_tensor(data.test_labels)),
                ):
                    outputs = one.forward(inputs)[1]
                    assert record.curves[f"{name}_loss"][index, replica] == pytest.approx(
                        float(one.losses(outputs, truth).mean()), rel=1e-9
                    )
                    right = (outputs.argmax(dim=0) == truth).double().mean()
                    assert record.curves[f"{name}_accuracy"][index, replica] == float(right)
            if batch_size is None:
                taken = list(range(len(labels)))
            else:
                while len(queue) < batch_size:
                    queue += torch.randperm(len(labels), generator=order).tolist()
                taken, queue = queue[:batch_size], queue[batch_size:]
            one.step(tensors["train"][taken], labels[taken])


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("batch_size", [None, 3])
def test_where_all_are_probed_it_is_the_training_of_the_probes(
    scheme: str, batch_size: int | None
) -> None:
    how = recipe(steps=30, batch_size=batch_size)
    one, other = (
        train(data, SCHEMES[scheme], 48, (0, 2), how) for data in (FEW, with_probes(FEW, 10))
    )
    scale = abs(one.change).max(axis=(-1, -2), keepdims=True)
    assert abs(one.change - other.change).max() > 0 or not scale.any()
    np.testing.assert_allclose(
        other.change / (scale + 1e-300), one.change / (scale + 1e-300), atol=1e-11
    )
    np.testing.assert_allclose(
        other.curves["weight_change"], one.curves["weight_change"], rtol=1e-9, atol=1e-15
    )


@pytest.mark.parametrize("batch", [2, 50])
def test_the_size_of_a_step_is_that_of_its_updates(batch: int) -> None:
    """Of few inputs, whose Gram matrices are small, and of many."""
    units, rates = (7, 9, 3), (0.5, 2.0)
    generator = torch.Generator().manual_seed(0)
    x0, x1, y1, y2 = (
        torch.randn(2, batch, each, generator=generator, dtype=torch.float64)
        for each in (units[0], units[1], units[1], units[2])
    )
    sizes = step_sizes([y1, y2], [x0, x1], rates)
    for size, y, x, rate in zip(sizes, (y1, y2), (x0, x1), rates, strict=True):
        for replica in range(2):
            update = rate * torch.einsum("bi,bj->ij", y[replica], x[replica])
            assert float(size[replica]) == pytest.approx(float(torch.linalg.norm(update)))


def measured(record: TrainingRecord) -> Spectra:
    return spectra_of(Features.of_record(record))


def deviation(single: Spectra, exact: Spectra) -> float:
    """The largest, relative, of what single precision tells to five digits."""
    found = [abs(single.feature_change[1:] / exact.feature_change[1:] - 1).max()]
    for name, limit in (("gram", "resolution"), ("spacetime", "spacetime_resolution")):
        ours, theirs = (getattr(each, name)[1:, ..., 0] for each in (single, exact))
        # Eigenvalues are squares of singular values, whose absolute error is the same for all.
        told = ours > 1e8 * getattr(single, limit)[1:]
        assert told.mean() > 0.5
        found.append(abs(ours / theirs - 1)[told].max())
    return float(max(found))


def lazily(*start: Any) -> ProbedNetwork:
    """The initial network, whose hidden weights are looked at lazily."""
    dense = initial_probed_network(*start)
    layers = looked_at_lazily(dense.layers, 1e-6)
    return ProbedNetwork(dense.input_layer, layers, dense.activation, dense.dtype)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", ["dense", "lazy"])
def test_every_metric_is_that_of_float64(
    scheme: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = with_probes(dataset(64, 80, 6), 8)
    how = recipe(batch_size=16, steps=60, snapshots=4)
    exact = measured(train(data, SCHEMES[scheme], 256, (0, 1), how))
    if kind == "lazy":
        monkeypatch.setattr(training, "initial_probed_network", lazily)
    how = replace(how, precision="float32")
    single = measured(train(data, SCHEMES[scheme], 256, (0, 1), how))
    assert deviation(single, exact) < 1e-5


def test_small_movement_keeps_its_accuracy_over_many_epochs() -> None:
    """SP's first layer, whose weights in float32 are nearly those that they were."""
    data = with_probes(dataset(64, 80, 2), 8)
    how = recipe(batch_size=16, steps=80, snapshots=3, hidden_layers=2)
    single, exact = (
        train(data, SCHEMES["SP"], 1024, (0,), replace(how, precision=precision))
        for precision in ("float32", "float64")
    )
    ours, theirs = single.change[-1, 0, 0, 0], exact.change[-1, 0, 0, 0]
    assert np.linalg.norm(theirs) < 1e-3 * np.linalg.norm(exact.initial[0, 0, 0])
    assert np.linalg.norm(ours - theirs) < 1e-5 * np.linalg.norm(theirs)


def by_hand(
    data: PreparedDataset, scheme: Scheme, width: int, seed: int, steps: int, batch: int, eta: float
) -> tuple[float, float]:
    """Feature change of the last layer's probes, and training loss, by NumPy alone."""
    rng = np.random.default_rng([seed, 7])
    sizes = [data.train_inputs.shape[1], width, width, data.classes]
    powers = zip(scheme.init_variance, scheme.learning_rate, strict=True)
    (v0, c0), (v1, c1), (v2, c2) = powers
    weights = [
        rng.standard_normal((sizes[i + 1], sizes[i])) * width ** (v / 2)
        for i, v in enumerate((v0, v1, v2))
    ]
    rates = [eta * width**c for c in (c0, c1, c2)]
    targets = np.eye(data.classes)[data.train_labels]

    def hidden(inputs: np.ndarray) -> list[np.ndarray]:
        first = inputs @ weights[0].T
        return [first, np.tanh(first) @ weights[1].T]

    before = hidden(data.probes)[1]
    order: list[int] = []
    for _ in range(steps):
        if len(order) < batch:
            order = rng.permutation(len(targets)).tolist()
        taken, order = order[:batch], order[batch:]
        x = data.train_inputs[taken]
        h1, h2 = hidden(x)
        error = (np.tanh(h2) @ weights[2].T - targets[taken]) / batch
        d2 = error @ weights[2] * (1 - np.tanh(h2) ** 2)
        d1 = d2 @ weights[1] * (1 - np.tanh(h1) ** 2)
        gradients = (d1.T @ x, d2.T @ np.tanh(h1), error.T @ np.tanh(h2))
        for weight, gradient, rate in zip(weights, gradients, rates, strict=True):
            weight -= rate * gradient
    after = hidden(data.probes)[1]
    moved = np.linalg.norm(after - before, axis=1) / np.linalg.norm(before, axis=1)
    shown = data.train_inputs[: len(data.test_labels)]
    outputs = np.tanh(hidden(shown)[1]) @ weights[2].T
    loss = 0.5 * ((outputs - targets[: len(shown)]) ** 2).sum(axis=1).mean()
    return float(moved.mean()), float(loss)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_its_distribution_is_that_of_an_independent_program(scheme: str) -> None:
    """Eight seeds against eight others': neither draws nor formulas are shared."""
    data, seeds = with_probes(dataset(48, 20, 12), 6, held_out=True), range(8)
    how = recipe(batch_size=8, steps=60, snapshots=2, hidden_layers=2, learning_rate=1.0)
    record = train(data, SCHEMES[scheme], 64, seeds, how)
    change = measured(record).feature_change[-1, 0, -1]
    theirs = np.array([by_hand(data, SCHEMES[scheme], 64, seed, 60, 8, 1.0) for seed in seeds])
    for ours, others in ((change, theirs[:, 0]), (record.curves["train_loss"][-1], theirs[:, 1])):
        # One in a thousand, for each of eight comparisons; a wrong rate by a tenth is beyond it.
        assert stats.ttest_ind(ours, others, equal_var=False).pvalue > 1e-3
        assert 1 / 6 < np.std(ours) / np.std(others) < 6


def test_a_replica_that_diverges_leaves_the_others_alone() -> None:
    data = with_probes(MANY, 5)
    wild = Scheme((0.0, -1.0, -1.0), (0.45, 0.45, 0.45))
    how = recipe(batch_size=4, steps=7, snapshots=5, learning_rate=0.1)
    record = train(data, wild, 48, range(6), how)
    gone = sorted(record.diverged)
    assert 0 < len(gone) < 6, "this test needs a rate at which some diverge"
    left = [seed for seed in range(6) if seed not in gone]
    alone = train(data, wild, 48, left, how)
    np.testing.assert_allclose(record.change[:, :, :, left], alone.change, rtol=1e-7, atol=1e-9)
    assert np.isnan(record.change[-1, 0, 0, gone]).all()
    assert np.isnan(record.curves["train_loss"][-1, gone]).all()
