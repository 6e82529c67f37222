"""Parts of products with W_0, against Gram-Schmidt over all queries of a plain dense training."""

from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations_with_replacement

import numpy as np
import pytest
import torch
from builders import CPU, PlainNetwork, both, dataset, recipe
from numpy.typing import NDArray
from torch import Tensor

from infwidth.network.initialisation import initial_network, initial_stds
from infwidth.network.layers.directions import Basis
from infwidth.network.layers.initial import KnownWeights
from infwidth.schemes import SCHEMES
from infwidth.theory.covariance.measure import covariance_error, sampling_error
from infwidth.theory.innovations.matrix import ObservedMatrix, ObservedWeights
from infwidth.theory.innovations.training import (
    Observation,
    close_steps,
    observe,
    observed_network,
)
from infwidth.training.train import train

Array = NDArray[np.float64]

WIDTH = 48
SEED = 3
EXACT = 1e-9
DATA = dataset(3, 12, 1)
HOW = recipe(learning_rate=2.0, steps=4, snapshots=12)


@dataclass(frozen=True)
class Query:
    """Vectors that W_0 (forward) or its transpose (backward) met, (N, n), and when."""

    forward: bool
    step: int
    vectors: Array


@dataclass(frozen=True)
class Slow:
    """The innovations of one matrix, one direction at a time, in plain numpy."""

    sides: dict[bool, tuple[Array, Array, Array]]

    @classmethod
    def of(cls, weights: Array, queries: list[Query]) -> "Slow":
        """Gram-Schmidt over the queries in the order of their being asked."""
        bases: dict[bool, list[Array]] = {True: [], False: []}
        news: dict[bool, list[Array]] = {True: [], False: []}
        known: dict[bool, list[int]] = {True: [], False: []}
        for query in queries:
            matrix = weights if query.forward else weights.T
            for vector in query.vectors:
                rest = vector.copy()
                for _ in range(2):
                    for direction in bases[query.forward]:
                        rest -= (direction @ rest) * direction
                if np.linalg.norm(rest) < 1e-9 * np.linalg.norm(vector):
                    continue
                direction = rest / np.linalg.norm(rest)
                answer = matrix @ direction
                for other in bases[not query.forward]:
                    answer -= (other @ answer) * other
                bases[query.forward].append(direction)
                news[query.forward].append(answer)
                known[query.forward].append(len(bases[not query.forward]))
        return cls(
            {
                side: (np.array(bases[side]), np.array(news[side]), np.array(known[side]))
                for side in (True, False)
            }
        )

    def gaussian(self, forward: bool, vectors: Array, *, unbiased: bool = False) -> Array:
        directions, news, known = self.sides[forward]
        size = news.shape[1]
        factors = np.sqrt(size / (size - known)) if unbiased else np.ones(len(known))
        parts: Array = vectors @ directions.T @ (factors[:, None] * news)
        return parts


@dataclass(frozen=True)
class History:
    """A plain training, all float64: features and signals by step and hidden layer, (N, n)."""

    weights: list[list[Array]]
    features: list[list[Array]]
    preactivations: list[list[Array]]
    signals: list[list[Array]]

    def queries(self, layer: int) -> list[Query]:
        """What W_0 of layer 2, 3, ... met, in order."""
        first = self.features[0][layer - 2]
        asked = [Query(True, 0, first)]
        for step, signals in enumerate(self.signals):
            if step:
                asked.append(Query(True, step, self.features[step][layer - 2] - first))
            asked.append(Query(False, step, signals[layer - 1]))
        return asked


def plain_history(plain: PlainNetwork, steps: int) -> History:
    inputs, labels = torch.as_tensor(DATA.train_inputs), torch.as_tensor(DATA.train_labels)
    history = History([], [], [], [])
    for _ in range(steps + 1):
        for weights in plain.weights:
            weights.requires_grad_(True)
        hidden, outputs = plain.forward(inputs)
        signals = torch.autograd.grad(plain.losses(outputs, labels).mean(), hidden)
        history.weights.append([weights.detach().numpy().copy() for weights in plain.weights])
        history.preactivations.append([h.detach().numpy().T.copy() for h in hidden])
        history.features.append([np.tanh(h) for h in history.preactivations[-1]])
        history.signals.append([signal.numpy().T.copy() for signal in signals])
        plain.step(inputs, labels)
    return history


@cache
def histories(scheme: str) -> tuple[History, Observation]:
    _, (plain,) = both(DATA, SCHEMES[scheme], WIDTH, (SEED,), HOW)
    seen = observe(DATA, SCHEMES[scheme], WIDTH, SEED, HOW, tolerance=EXACT)
    return plain_history(plain, HOW.steps), seen


def close(actual: Array, expected: Array, relative: float) -> None:
    assert actual.shape == expected.shape
    error = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
    assert error <= relative, f"error {error:.1e}"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_parts_are_those_of_gram_schmidt_over_all_queries(scheme: str) -> None:
    history, seen = histories(scheme)
    assert seen.close_steps == (0, 1, 2, 4)
    for layer in (2, 3):
        weights, queries = history.weights[0][layer - 1], history.queries(layer)
        slow = Slow.of(weights, queries)
        # It took something away: signals were known when the last movements were looked at.
        assert slow.sides[True][2].max() >= 3 * HOW.steps
        for query in queries:
            snapshot = seen.snapshots.get((query.step, layer))
            if snapshot is None:
                continue
            product = snapshot.forward if query.forward else snapshot.backward
            vectors = query.vectors
            whole = vectors @ (weights.T if query.forward else weights)
            gaussian = slow.gaussian(query.forward, vectors)
            close(product.vectors, vectors, 1e-7)
            close(product.whole, whole, 1e-7)
            close(product.gaussian, gaussian, 1e-5)
            unbiased = slow.gaussian(query.forward, vectors, unbiased=True)
            close(product.unbiased, unbiased, 1e-5)
            if query.forward and query.step:
                close(snapshot.onsager, whole - gaussian, 1e-5)
                moved = history.weights[query.step][layer - 1] - weights
                features = history.features[query.step][layer - 2]
                close(snapshot.learned, features @ moved.T, 1e-5)


@pytest.mark.parametrize("scheme", ["NTP", "µP"])
def test_onsager_parts_are_combinations_of_earlier_signals(scheme: str) -> None:
    history, seen = histories(scheme)
    for layer in (2, 3):
        signals = np.concatenate([each[layer - 1] for each in history.signals[:2]])
        onsager = seen.snapshots[2, layer].onsager
        coefficients = np.linalg.lstsq(signals.T, onsager.T, rcond=None)[0]
        close(coefficients.T @ signals, onsager, 1e-5)
        gaussian = seen.snapshots[2, layer].forward.gaussian
        assert np.linalg.norm(onsager) > 0.1 * np.linalg.norm(gaussian)
        assert not seen.snapshots[0, layer].onsager.any()


@pytest.mark.parametrize("batch_size", [None, 2])
@pytest.mark.parametrize(("tolerance", "limit"), [(EXACT, 1e-7), (1e-2, 4e-2)])
def test_the_training_is_the_dense_one(
    batch_size: int | None, tolerance: float, limit: float
) -> None:
    how = recipe(learning_rate=2.0, steps=12, batch_size=batch_size)
    seen = observe(DATA, SCHEMES["µP"], 64, SEED, how, tolerance=tolerance)
    dense = train(DATA, SCHEMES["µP"], 64, [SEED], how)
    assert list(seen.changes) == dense.steps.tolist()
    for index, step in enumerate(dense.steps.tolist()):
        for layer, change in enumerate(seen.changes[step]):
            close(seen.initial[layer], dense.initial[0, layer, 0].T, 1e-9)
            if step:
                close(change, dense.change[index, 0, layer, 0].T, limit)
    assert np.linalg.norm(change) > 0.1 * np.linalg.norm(seen.initial[-1])


def test_vectors_of_close_steps_are_looked_at_in_full() -> None:
    """With a tolerance that leaves much out in between; signals shrink as the loss does."""
    how = recipe(learning_rate=1.0, steps=60, snapshots=5)
    data = dataset(6, 24, 1)
    seen = observe(data, SCHEMES["µP"], 256, SEED, how, tolerance=0.1)
    first, last = seen.snapshots[0, 2].backward.vectors, seen.snapshots[60, 2].backward.vectors
    assert np.linalg.norm(last) < 0.2 * np.linalg.norm(first)
    assert seen.close_steps[-1] == 60
    _, matrices = observed_network(data, SCHEMES["µP"], 256, SEED, how, 0.1)
    weights = matrices[0].weights.matrix.numpy()
    for step in seen.close_steps[1:]:
        snapshot = seen.snapshots[step, 2]
        # Without what is left out, W_0 δx of the training is W_0 δx.
        moved = snapshot.forward.gaussian + snapshot.onsager
        close(moved, snapshot.forward.vectors @ weights.T, 1e-3)


def test_weights_and_deviations_are_those_of_the_scheme() -> None:
    seen = observe(DATA, SCHEMES["IP"], WIDTH, SEED, replace(HOW, steps=1))
    network = initial_network(DATA, SCHEMES["IP"], WIDTH, (SEED,), HOW, CPU)
    assert seen.stds == dict(enumerate(initial_stds(SCHEMES["IP"], WIDTH, HOW)[1:-1], 2))
    for ours, theirs in zip(seen.initial, network.hidden, strict=True):
        close(ours, theirs.initial[0].numpy(), 1e-9)


def test_a_training_that_diverges_ends_there(caplog: pytest.LogCaptureFixture) -> None:
    how = recipe(activation="relu", learning_rate=30.0, steps=50)
    seen = observe(DATA, SCHEMES["µP"], WIDTH, SEED, how)
    assert 0 < max(seen.changes) < 50
    assert set(seen.close_steps) <= set(seen.changes)
    assert "diverged" in caplog.text


def test_directions_that_use_up_the_space_leave_no_news() -> None:
    """3 inputs a step in 12 dimensions: from then on all is known, and nothing is divided by 0."""
    how = recipe(learning_rate=2.0, steps=10)
    seen = observe(DATA, SCHEMES["µP"], 12, SEED, how, tolerance=EXACT)
    assert seen.known == 1
    for snapshot in seen.snapshots.values():
        for product in (snapshot.forward, snapshot.backward):
            assert np.isfinite(product.unbiased).all()


def beside_sampling(seen: list[Observation], direction: str) -> float:
    """The error of covariances against the same network's vectors, over that of a sample."""
    ratios = []
    for each in seen:
        for layer, std in each.stds.items():
            for steps in combinations_with_replacement(each.close_steps, 2):
                early, late = (getattr(each.snapshots[step, layer], direction) for step in steps)
                error = covariance_error(early, late, early.unbiased, late.unbiased, std)
                ratios.append(error / sampling_error(early, late))
    return float(np.sqrt(np.mean(np.square(ratios))))


def unprojected(self: ObservedWeights, rows: Tensor, known: Basis) -> Tensor:
    """The wrong news, W_0 q_k: nothing is taken off them."""
    self.forward_news.append(rows @ self.matrix.T)
    self.known_backward += [0] * len(rows)
    return KnownWeights.forward(self, rows, known)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_covariance_is_that_of_the_networks_own_vectors(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By construction, in every scheme and at every width: what it says is of the code alone."""
    how, data = recipe(steps=8, snapshots=4, learning_rate=1.0), dataset(5, 24, 1)

    def trained() -> list[Observation]:
        return [
            observe(data, SCHEMES[scheme], width, seed, how)
            for width in (64, 256)
            for seed in range(4)
        ]

    seen = trained()
    for direction in ("forward", "backward"):
        assert 0.6 < beside_sampling(seen, direction) < 1.4
        # A variance off by a power of the width, or by a factor.
        for power, factor in ((-0.5, 1.0), (0.5, 1.0), (0.0, 2.0)):
            wrong = [
                replace(
                    each,
                    stds={
                        layer: std * factor * each.width**power for layer, std in each.stds.items()
                    },
                )
                for each in seen
            ]
            assert beside_sampling(wrong, direction) > 2
    monkeypatch.setattr(ObservedWeights, "forward", unprojected)
    assert beside_sampling(trained(), "forward") > 2 or scheme == "IP"


def test_close_steps_of_short_trainings() -> None:
    assert close_steps([0]) == (0,)
    assert close_steps([0, 1]) == (0, 1)
    assert close_steps([0, 1, 3, 9, 30]) == (0, 1, 3, 30)


def test_news_have_the_rows_of_the_directions() -> None:
    matrix = ObservedMatrix(torch.randn(20, 30, dtype=torch.float64), EXACT)
    matrix.start(torch.randn(3, 30, dtype=torch.float64))
    matrix.backward(torch.randn(2, 20, dtype=torch.float64))
    assert matrix.weights.forward_news.all.shape == (3, 20)
    assert matrix.weights.backward_news.all.shape == (2, 30)
    assert matrix.weights.known_backward == [0, 0, 0]
    assert matrix.weights.known_forward == [3, 3]
    assert matrix.used == 0.1
