"""Trainings that come to rest, against a plain network; what is concluded from them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from builders import PlainNetwork, both, dataset, rates_by_role, recipe
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset, parallel_pairs
from infwidth.network.initialisation import initial_norms
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES, Scheme
from infwidth.theory.finding import Finding
from infwidth.theory.rest.judge import ZERO, with_few_samples
from infwidth.theory.rest.measure import MOST_STEPS, rest_table, with_conflict
from infwidth.theory.rest.names import DUPLICATE, REGULAR, REST, RUN, STATIONARY
from infwidth.training.batches import Batches

DATA = dataset(4, 12, 1)
WIDTH = 64
SEEDS = (0, 3)
RECIPE = recipe(learning_rate=0.5)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return rest_table(DATA, WIDTH, SEEDS, RECIPE, ["tanh", "silu"])


def run_of(
    table: pd.DataFrame, *, rate: float = 0.5, batch_size: int = 4, seed: int = 0
) -> pd.DataFrame:
    """A regular tanh run, by step."""
    chosen = (table["case"] == REGULAR) & (table["activation"] == "tanh")
    chosen &= table["learning_rate"] == rate
    run = table[chosen & (table["batch_size"] == batch_size) & (table["seed"] == seed)]
    assert len(run) > 5
    return run.set_index("step")


def jacobians(network: PlainNetwork, data: PreparedDataset) -> list[Tensor]:
    """∂f / ∂W of each layer, by automatic differentiation; (N classes, entries)."""
    weights = [weight.requires_grad_(True) for weight in network.weights]
    outputs = network.forward(torch.as_tensor(data.train_inputs))[1].T.reshape(-1)
    rows = [torch.autograd.grad(output, weights, retain_graph=True) for output in outputs]
    return [torch.stack(each).flatten(1) for each in zip(*rows, strict=True)]


def expected_step(
    network: PlainNetwork, data: PreparedDataset, how: Recipe, weights: Tensor, norms: Tensor
) -> dict[str, float]:
    """All that a step's row says, from Jacobians and Gram matrices; the network is moved on."""
    inputs, labels = torch.as_tensor(data.train_inputs), torch.as_tensor(data.train_labels)
    hidden, outputs = network.forward(inputs)
    error = (outputs.T - torch.nn.functional.one_hot(labels, data.classes)).detach()
    signal = (error * weights[:, None]).reshape(-1)
    derived = jacobians(network, data)
    kernel = torch.stack(
        [
            rate / how.learning_rate * each @ each.T
            for rate, each in zip(network.rates, derived, strict=True)
        ]
    ).sum(dim=0)
    feature = torch.tanh(hidden[-1].detach()).numpy()
    moves = [rate * each.T @ signal for rate, each in zip(network.rates, derived, strict=True)]
    network.weights = [
        weight.detach() - move.reshape(weight.shape)
        for weight, move in zip(network.weights, moves, strict=True)
    ]
    change = torch.stack([move.norm() for move in moves]) / norms
    return {
        "weight_change": float(change.mean()),
        "error_signal": float(error.norm(dim=1).max()),
        "movement_per_error": math.sqrt(signal @ kernel @ signal / (signal @ signal)),
        "train_loss": float(0.5 * error.square().sum(dim=1).mean()),
        "feature_min_eig": float(np.linalg.eigvalsh(feature.T @ feature)[0]) / feature.shape[0],
    }


def expected_run(rate: float, batch_size: int, steps: int) -> pd.DataFrame:
    """A plain training of seed 3, each step by itself."""
    how = replace(RECIPE, learning_rate=rate, activation="tanh")
    _, (plain,) = both(DATA, SCHEMES["µP"], WIDTH, [3], how)
    batches = Batches([3], 4, None if batch_size == 4 else batch_size)
    # The input weights are arbitrary off the inputs, so W_0's size is that of its distribution.
    norms = initial_norms(DATA, SCHEMES["µP"], WIDTH, how)
    assert plain.rates == rates_by_role(SCHEMES["µP"], WIDTH, how)
    rows = [expected_step(plain, DATA, how, next(batches)[0], norms) for _ in range(steps)]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_every_number_is_that_of_a_plain_network(table: pd.DataFrame, rate: float) -> None:
    run = run_of(table, rate=rate, seed=3)
    expected = expected_run(rate, 4, steps=9)
    seen = [step for step in run.index if step < len(expected)]
    assert {0, 1, 2} < set(seen)
    for name in map(str, expected.columns):
        np.testing.assert_allclose(run.loc[seen, name], expected.loc[seen, name], rtol=1e-7)
    largest = expected["weight_change"].cummax()
    assert (run.loc[seen, "largest_change"] >= largest[seen] * (1 - 1e-9)).all()


def test_mini_batches_count_by_the_pass(table: pd.DataFrame) -> None:
    run = run_of(table, batch_size=2, seed=3)
    expected = expected_run(0.5, 2, steps=9)
    # Batches of 2 of 4 samples: any three steps in a row hold a whole pass.
    expected["weight_change"] = expected["weight_change"].rolling(3, min_periods=1).max()
    least = expected["movement_per_error"].rolling(3, min_periods=1).min()
    expected["movement_per_error"] = least
    seen = [step for step in run.index if step < len(expected)]
    for name in map(str, expected.columns):
        np.testing.assert_allclose(run.loc[seen, name], expected.loc[seen, name], rtol=1e-7)


def test_independent_features_bound_the_movement_per_error(table: pd.DataFrame) -> None:
    full = table[table["batch_size"] == table["samples"]]
    regular = full[full["case"] == REGULAR]
    square = regular["movement_per_error"] ** 2
    assert (square >= regular["feature_min_eig"] * (1 - 1e-9)).all()
    # The bound says something: it is within two orders of what is bounded.
    assert (square < 100 * regular["feature_min_eig"]).any()


def test_runs_end_at_rest_and_do_not_depend_on_each_other(table: pd.DataFrame) -> None:
    mup = table[(table["scheme"] == "µP") & (table["activation"] == "tanh")]
    ends = mup.groupby([*RUN])["step"].max()
    assert ends.nunique() > 4, "each stopped by itself"
    alone = rest_table(DATA, WIDTH, [3], RECIPE, ["tanh"])
    together = table[(table["seed"] == 3) & (table["activation"] == "tanh")]
    together = together[together["scheme"].isin(["µP"]) | (together["case"] == STATIONARY)]
    # What little rounding differs is a larger part of r_t where opposite errors cancel.
    alone, together = (
        each[each["case"] != DUPLICATE].reset_index(drop=True) for each in (alone, together)
    )
    pd.testing.assert_frame_equal(alone, together, rtol=1e-5, atol=1e-30)


def test_conflict_is_one_input_twice() -> None:
    data = with_conflict(DATA)
    assert parallel_pairs(data.train_inputs) == [(0, 4)]
    assert data.train_labels[0] != data.train_labels[4]
    assert not parallel_pairs(DATA.train_inputs)


def verdicts(found: Sequence[Finding]) -> list[str]:
    return [each.verdict for each in found]


def test_everything_holds(table: pd.DataFrame) -> None:
    found = with_few_samples(table)
    assert [each.source for each in found] == ["Corollary 4.6"] * 2 + ["here"] * 2
    assert verdicts(found) == ["verified"] * 4
    assert all(each.evidence and not each.evidence.endswith(".") for each in found)
    assert "8 of 8 runs" in found[0].evidence


def judged(table: pd.DataFrame, **values: Any) -> str:
    """The verdict on the rows, with some of their columns changed."""
    (found,) = with_few_samples(table.assign(**values))
    return found.verdict


@pytest.fixture
def mup(table: pd.DataFrame) -> pd.DataFrame:
    regular = (table["case"] == REGULAR) & (table["scheme"] == "µP")
    return table[regular & (table["activation"] == "tanh")]


def test_rest_on_an_error_would_speak_against_the_corollary(mup: pd.DataFrame) -> None:
    first = mup.groupby(RUN)["error_signal"].transform("first")
    floored = mup["error_signal"].clip(lower=2 * ZERO * first)
    one = (mup["seed"] == 0) & (mup["learning_rate"] == 1)
    assert judged(mup) == "verified"
    assert judged(mup, error_signal=floored) == "refuted"
    assert judged(mup, error_signal=floored.where(one, mup["error_signal"])) == "refuted"


def test_without_rest_nothing_is_concluded(mup: pd.DataFrame) -> None:
    moving = mup["weight_change"].clip(lower=2 * REST * mup["largest_change"])
    assert judged(mup, weight_change=moving) == "undetermined"
    # Nor where but one run is still under way: 7 of 8 are not all.
    one = (mup["seed"] == 0) & (mup["learning_rate"] == 1)
    assert judged(mup, weight_change=moving.where(one, mup["weight_change"])) == "undetermined"
    assert judged(mup, parallel_pairs=1) == "undetermined"


def test_real_rest_on_an_error_is_seen(table: pd.DataFrame) -> None:
    """The conflict, passed off as a training of separate inputs."""
    conflict = table[table["case"] == DUPLICATE]
    assert judged(conflict, case=REGULAR, parallel_pairs=0) == "refuted"
    assert judged(conflict, case=REGULAR) == "undetermined"


def test_conflict_must_rest_on_its_error_with_dependent_features(table: pd.DataFrame) -> None:
    conflict = table[table["case"] == DUPLICATE]
    assert np.allclose(conflict.groupby("seed")["error_signal"].last(), math.sqrt(0.5))
    assert judged(conflict) == "verified"
    assert judged(conflict, feature_min_eig=1e-3) == "refuted"
    assert judged(conflict, parallel_pairs=0) == "refuted"
    fitting = conflict["error_signal"].where(conflict["step"] < 50, 0.1)
    assert judged(conflict, error_signal=fitting) == "refuted"
    assert judged(conflict, weight_change=conflict["largest_change"]) == "undetermined"


def test_stationary_start_must_vanish_with_the_width(table: pd.DataFrame) -> None:
    still = table[table["case"] == STATIONARY]
    assert sorted(set(still["width"])) == [WIDTH, 2 * WIDTH, 4 * WIDTH]
    assert judged(still) == "verified"
    wider = still["movement_per_error"] * still["width"]
    assert judged(still, movement_per_error=wider) == "refuted"
    assert judged(still, error_signal=np.exp(-still["step"])) == "refuted"
    assert judged(still[still["seed"] == 0]) == "undetermined"


def test_ips_start_follows_its_law() -> None:
    """IP's movement per error at the start is a power -(L - 2)/2 of the width; µP's is none."""
    slopes = {}
    for name in ("IP", "µP"):
        ratios = []
        for width in (128, 1024):
            how = replace(RECIPE, hidden_layers=4)
            sizes = [_first_ratio(SCHEMES[name], width, seed, how) for seed in range(8)]
            ratios.append(np.log(sizes).mean())
        slopes[name] = (ratios[1] - ratios[0]) / math.log(1024 / 128)
    assert slopes["IP"] == pytest.approx(-1, abs=0.15)
    assert slopes["µP"] == pytest.approx(0, abs=0.15)


def _first_ratio(scheme: Scheme, width: int, seed: int, how: Recipe) -> float:
    """r_0 from plain backpropagation in float32, layer by layer, with weights of its own."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.as_tensor(DATA.train_inputs, dtype=torch.float32)
    sizes = [inputs.shape[1], *[width] * how.hidden_layers, DATA.classes]
    roles = ["input", *["hidden"] * (how.hidden_layers - 1), "output"]
    features, x = [inputs], inputs
    weights = []
    for role, fan_in, fan_out in zip(roles, sizes[:-1], sizes[1:], strict=True):
        std = scheme.init_std(role, width)  # type: ignore[arg-type]
        weights.append(std * torch.randn(fan_out, fan_in, generator=generator))
        x = x @ weights[-1].T
        if role != "output":
            x = torch.tanh(x)
            features.append(x)
    target = torch.nn.functional.one_hot(torch.as_tensor(DATA.train_labels), DATA.classes)
    error = signal = x - target
    square = 0.0
    for role, feature, weight in zip(roles[::-1], features[::-1], weights[::-1], strict=True):
        gradient = signal.T @ feature
        square += scheme.rate(role, width) * float(gradient.square().sum())  # type: ignore[arg-type]
        signal = (signal @ weight) * (1 - feature * feature)
    return math.sqrt(square) / float(error.norm())


def test_divergence_is_no_rest() -> None:
    how = replace(RECIPE, learning_rate=400.0)
    found = rest_table(DATA, 16, [0], how, ["silu"])
    assert np.isfinite(found.select_dtypes("number")).all(axis=None)
    regular = found[(found["case"] == REGULAR)]
    assert regular["step"].max() < MOST_STEPS
    assert judged(regular) != "verified"
