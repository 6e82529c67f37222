"""The lazy layer's draws make a Gaussian matrix, and its trainings are distributed as dense ones.

Seeds are fixed, so that every run has the same outcome. What it would be with others is governed
by the error rates stated: a correct engine fails that share of choices of seeds.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from builders import CPU, dataset, recipe
from lazy_layers import EXACT, MISTAKES, check_close, look, matrices, normal, start, training
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from infwidth.measures.features import KINDS, reduce_snapshots
from infwidth.measures.spectra import spectra
from infwidth.network.initialisation import initial_network, initial_stds, learning_rates
from infwidth.network.layers import Layer
from infwidth.network.layers.initial import GaussianWeights
from infwidth.network.layers.lazy import LazyLayer, LazyMatrix
from infwidth.network.losses import LOSSES, one_hot
from infwidth.schemes import SCHEMES
from infwidth.training.train import train

ERROR_RATE = 1e-3
WIDTH = 64


@pytest.mark.parametrize("shape", [(40, 30), (30, 40)])
def test_all_answers_are_those_of_one_matrix_and_its_updates(shape: tuple[int, int]) -> None:
    """Found out at the end, when every direction has been looked at."""
    (outputs, inputs), samples, rate = shape, 3, 0.3
    draws, test_draws = (torch.Generator().manual_seed(seed) for seed in (5, 6))
    like = torch.empty(0, dtype=torch.float64)
    weights = GaussianWeights(shape, inputs**-0.5, draws, test_draws)
    matrix = LazyMatrix(weights, like, EXACT)
    x = normal(samples, inputs, seed=0)
    repeated = x[:1] + normal(1, inputs, seed=1)
    updates = torch.zeros(shape, dtype=torch.float64)
    # Each answer without the updates' part, and the query: what is left is W_0's.
    forward, backward = [(matrix.start(x), x)], []
    first = look(matrix, repeated)
    for time in range(7):
        y = normal(samples, outputs, seed=10 + time)
        y[time % samples] = 0
        answer = matrix.backward(y)
        backward.append((answer - y @ updates, y))
        # Moved by what the matrix said, as in a training.
        change = 0.1 * torch.tanh(answer) + 1e-3 * normal(samples, inputs, seed=20 + time)
        moved = matrix.step(y, x, change, rate) + x @ updates.T
        updates, x = updates - rate * y.T @ x, x + change
        forward.append((moved - x @ updates.T, change))
        check_close(matrix.evaluate(repeated), first + repeated @ updates.T, 1e-12)
    assert matrix.forward_basis.count < inputs
    everything = torch.eye(inputs, dtype=torch.float64)
    initial = matrix.evaluate(everything).T - updates
    check_close(matrix.evaluate(everything).T - updates, initial, 1e-13)
    for initially, query in [*forward, (first, repeated)]:
        check_close(initially, query @ initial.T, 1e-11)
    for initially, query in backward:
        check_close(initially, query @ initial, 1e-11)
    assert bool((initial.abs() < 5 * inputs**-0.5).all())


class Ledger(LazyLayer):
    """A layer of one replica that keeps the sum of its updates."""

    def __init__(self, layer: Layer, width: int) -> None:
        assert isinstance(layer, LazyLayer)
        super().__init__(layer.matrices)
        self.updates = torch.zeros(width, width, dtype=torch.float64)

    def step(self, y: Tensor, x: Tensor, change: Tensor, rate: float) -> Tensor:
        self.updates -= rate * y[0].T @ x[0]
        return super().step(y, x, change, rate)

    def initial(self) -> Tensor:
        """W_0, all of it."""
        everything = torch.eye(len(self.updates), dtype=torch.float64)[None]
        return self.evaluate(everything)[0].T - self.updates


def trained_matrices(scheme: str, width: int, seeds: Sequence[int]) -> Tensor:
    """W_0 of the hidden layers over their entries' deviation, completed after a training.

    What the training looks at is what earlier answers led it to. It looks in about half of all
    directions, from either side.
    """
    data, how = dataset(4, 12, 4), recipe(layer="lazy", lazy_tolerance=EXACT)
    targets = one_hot(torch.as_tensor(data.train_labels), data.classes)
    rates = learning_rates(SCHEMES[scheme], width, how)
    std = initial_stds(SCHEMES[scheme], width, how)[1]
    found = []
    for seed in seeds:
        network = initial_network(data, SCHEMES[scheme], width, [seed], how, CPU)
        ledgers = [Ledger(layer, width) for layer in network.layers[:-1]]
        network.layers[:-1] = ledgers
        for _ in range(width // 8 - 1):
            network.step(LOSSES["mse"].gradient(network.outputs, targets) / len(targets), rates)
        found += [ledger.initial() / std for ledger in ledgers]
    return torch.stack(found)


def batch_trained_matrices(width: int, seeds: Sequence[int]) -> Tensor:
    """W_0 over its entries' deviation, completed after steps of batches.

    Batches, signals and the movement of those followed depend on earlier answers.
    """
    std, rate, samples = width**-0.5, 0.3, 4
    like = torch.empty(0, dtype=torch.float64)
    found = []
    for seed in seeds:
        draws = (torch.Generator().manual_seed(2 * seed + which) for which in (0, 1))
        matrix = LazyMatrix(GaussianWeights((width, width), std, *draws), like, EXACT)
        told = answer = matrix.start(normal(samples, width, seed=0))
        updates = torch.zeros(width, width, dtype=torch.float64)
        for time in range(width // 8 - 1):
            x = torch.tanh(2 * answer) + 0.5 * normal(samples, width, seed=1 + time)
            answer = matrix.forward(x)
            y = torch.tanh(3 * answer)
            answer = answer + matrix.backward(y)
            matrix.update(rate)
            updates -= rate * y.T @ x
            if time % 2:
                told = told + matrix.follow(0.1 * torch.tanh(told))
        everything = torch.eye(width, dtype=torch.float64)
        found.append((matrix.evaluate(everything).T - updates) / std)
    return torch.stack(found)


def summaries(drawn: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Of each matrix; unusual rows or columns, or relations between them, show in these."""
    size = drawn.shape[-1]
    rows, columns = (m @ m.swapaxes(1, 2) for m in (drawn, drawn.swapaxes(1, 2)))
    singular = np.linalg.svd(drawn, compute_uv=False)
    off = ~np.eye(size, dtype=bool)
    return {
        "sum of squares": np.square(drawn).sum(axis=(1, 2)),
        "largest singular value": singular[:, 0],
        "smallest singular value": singular[:, -1],
        "spread of row norms": np.diagonal(rows, axis1=1, axis2=2).std(axis=1),
        "spread of column norms": np.diagonal(columns, axis1=1, axis2=2).std(axis=1),
        "overlaps of rows": np.square(rows[:, off]).sum(axis=1),
        "overlaps of columns": np.square(columns[:, off]).sum(axis=1),
        "trace": np.trace(drawn, axis1=1, axis2=2),
        "symmetry": np.einsum("kij,kji->k", drawn, drawn),
    }


def p_values_of_matrices(scheme: str, count: int = 60, width: int = 32) -> dict[str, float]:
    """For each property, how likely a Gaussian matrix is to show this much of a difference.

    Of a scheme's training, or of steps of batches.
    """
    if scheme == "batches":
        ours = batch_trained_matrices(width, range(count)).numpy()
    else:
        ours = trained_matrices(scheme, width, range(count)).numpy()
    reference = np.random.default_rng(0).standard_normal((4000, width, width))
    p = {"entries": float(stats.kstest(ours.ravel(), "norm").pvalue)}
    chi_squared = stats.chi2(ours.size).cdf(np.square(ours).sum())
    p["variance"] = float(2 * min(chi_squared, 1 - chi_squared))
    expected = summaries(reference)
    for name, values in summaries(ours).items():
        p[name] = float(stats.ks_2samp(values, expected[name]).pvalue)
    return p


@pytest.mark.parametrize("scheme", [*SCHEMES, "batches"])
def test_a_matrix_completed_after_training_is_gaussian(scheme: str) -> None:
    """Eleven properties, each by a Kolmogorov-Smirnov or chi-squared test."""
    p = p_values_of_matrices(scheme)
    assert min(p.values()) > ERROR_RATE / len(p), p


@pytest.mark.parametrize("scheme", ["µP", "batches"])
@pytest.mark.parametrize("method", ["unprojected", "without the known part"])
def test_mistaken_draws_do_not_make_a_gaussian_matrix(
    monkeypatch: pytest.MonkeyPatch, method: str, scheme: str
) -> None:
    monkeypatch.setattr(*MISTAKES[method])
    assert min(p_values_of_matrices(scheme, count=15).values()) < 1e-9


def outcomes(
    scheme: str, layer: str, seeds: Sequence[int], batch_size: int | None
) -> dict[str, NDArray[np.float64]]:
    """Every metric at the end of a training, of each seed; batches are of other inputs."""
    how = recipe(layer=layer, steps=12, snapshots=2, precision="float32", batch_size=batch_size)
    data = dataset(4, 12, 4)
    if batch_size is not None:
        data = replace(dataset(10, 12, 4), probe_inputs=data.train_inputs)
    record = train(data, SCHEMES[scheme], WIDTH, seeds, how)
    assert not record.diverged
    factors = reduce_snapshots(record.initial, record.change[-1:])[0]
    found = spectra(factors, WIDTH, record.unit_roundoff)
    values = {name: record.curves[name][-1] for name in ("train_loss", "test_loss")}
    values["weight_change"] = record.curves["weight_change"][-1]
    for kind, layer_index in np.ndindex(found.gram.shape[:2]):
        place = f"of {KINDS[kind]}{layer_index + 1}"
        values[f"change {place}"] = found.feature_change[kind, layer_index]
        values[f"least eigenvalue {place}"] = found.gram[kind, layer_index, :, 0]
        values[f"largest eigenvalue {place}"] = found.gram[kind, layer_index, :, -1]
        values[f"space-time {place}"] = found.spacetime[kind, layer_index, :, 0]
    return values


@cache
def dense_outcomes(scheme: str, batch_size: int | None) -> dict[str, NDArray[np.float64]]:
    return outcomes(scheme, "dense", range(1000, 2200), batch_size)


def p_values_of_outcomes(
    scheme: str, lazy_seeds: int = 120, batch_size: int | None = None
) -> dict[str, float]:
    """Lazy against dense trainings of other seeds, by two-sample Kolmogorov-Smirnov tests."""
    lazy = outcomes(scheme, "lazy", range(lazy_seeds), batch_size)
    dense = dense_outcomes(scheme, batch_size)
    assert len(lazy) == 27
    return {
        name: float(stats.ks_2samp(values, dense[name]).pvalue) for name, values in lazy.items()
    }


@pytest.mark.parametrize(
    ("scheme", "batch_size"), [*((name, None) for name in SCHEMES), ("SP", 2), ("µP", 2)]
)
def test_trainings_are_distributed_as_dense_ones(scheme: str, batch_size: int | None) -> None:
    p = p_values_of_outcomes(scheme, batch_size=batch_size)
    assert min(p.values()) > ERROR_RATE / (len(p) * (len(SCHEMES) + 2)), p


@pytest.mark.parametrize(
    ("method", "batch_size"),
    [*((name, None) for name in MISTAKES), ("without the known part backward", 2)],
)
def test_mistaken_draws_are_seen_in_the_trainings(
    monkeypatch: pytest.MonkeyPatch, method: str, batch_size: int | None
) -> None:
    monkeypatch.setattr(*MISTAKES[method])
    assert min(p_values_of_outcomes("µP", 100, batch_size).values()) < 1e-9


@pytest.mark.parametrize("scheme", ["SP", "NTP", "µP"])
def test_the_precision_changes_a_training_by_rounding_only(scheme: str) -> None:
    """The same draws, for the same directions: neither hangs on the last digits."""
    single, double = (
        start(scheme, recipe(layer="lazy", precision=name)) for name in ("float32", "float64")
    )
    list(training([single, double], scheme, recipe(steps=12)))
    for ours, exact in zip(single.hidden, double.hidden, strict=True):
        check_close(ours.initial, exact.initial, 1e-5)
        check_close(ours.change, exact.change, 1e-4)
    check_close(single.test_outputs(), double.test_outputs(), 1e-4)


@pytest.mark.parametrize("batch_size", [None, 5])
def test_a_seeds_numbers_do_not_depend_on_its_companions(batch_size: int | None) -> None:
    data = dataset(16, 24, 16)
    how = recipe(layer="lazy", precision="float32", batch_size=batch_size)
    together = train(data, SCHEMES["µP"], WIDTH, (0, 1, 2), how)
    alone = train(data, SCHEMES["µP"], WIDTH, (1,), how)
    assert np.array_equal(alone.initial, together.initial[:, :, [1]])
    assert np.array_equal(alone.change, together.change[:, :, :, [1]])
    assert not np.array_equal(alone.change, together.change[:, :, :, [0]])
    for name, values in together.curves.items():
        assert np.array_equal(alone.curves[name], values[:, [1]])


@pytest.mark.parametrize("replicas", [[0, 2], [2, 1], [1]])
def test_dropping_replicas_leaves_the_others_numbers(replicas: list[int]) -> None:
    how = recipe(layer="lazy", steps=3)
    whole, kept = (start("µP", how, (0, 1, 2)) for _ in range(2))
    list(training([whole, kept], "µP", how))
    kept.keep(torch.tensor(replicas))
    (all_sizes,) = list(training([whole], "µP", how))[-1]
    (kept_sizes,) = list(training([kept], "µP", how))[-1]
    check_close(kept_sizes, all_sizes[:, replicas], 1e-12)
    for state, full in zip(kept.hidden, whole.hidden, strict=True):
        check_close(state.change, full.change[replicas], 1e-12)
    check_close(kept.test_outputs(), whole.test_outputs()[replicas], 1e-12)
    assert len(matrices(kept)) == 2 * len(replicas)
