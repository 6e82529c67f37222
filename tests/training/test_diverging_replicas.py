"""Trainings whose replicas diverge, and the files that trainings leave."""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import both, dataset, recipe
from torch import Tensor

from infwidth.measures.features import Features
from infwidth.measures.tables import Curves
from infwidth.network.losses import LOSSES, Loss
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.training import descent
from infwidth.training.record import CURVES, TrainingRecord
from infwidth.training.train import train

# Sizes at which replicas are multiples of 64 bytes apart: the same to the last bit wherever.
DATA = dataset(16, 64, 16, classes=16)
WIDTH = 64
SEEDS = (0, 1, 2, 3, 4)


def hot(learning_rate: float, precision: str = "float32") -> Recipe:
    """Snapshots at every step of a training at too large a rate."""
    return recipe(
        activation="silu",
        reference_width=64.0,
        learning_rate=learning_rate,
        steps=8,
        snapshots=100,
        precision=precision,
    )


def run(learning_rate: float, seeds: Sequence[int] = SEEDS) -> TrainingRecord:
    return train(DATA, SCHEMES["µP"], WIDTH, seeds, hot(learning_rate))


def assert_nan_from_the_recorded_steps(record: TrainingRecord) -> None:
    for replica, seed in enumerate(record.seeds.tolist()):
        going = record.steps < record.diverged.get(seed, len(record.steps))
        curves = [record.curves[name][:, replica] for name in CURVES]
        for values in (record.change[:, :, :, replica], *curves):
            assert np.isfinite(values[going]).all()
            assert np.isnan(values[~going]).all()
    assert np.isfinite(record.initial).all()


def test_the_others_go_on_as_if_the_diverged_had_not_been_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    record = run(3.0)
    assert list(record.diverged) == [4], "this test needs a learning rate at which one diverges"
    assert 1 < record.diverged[4] < 8
    assert [message for message in caplog.messages if "diverged" in message] == [
        f": seed 4 diverged at step {record.diverged[4]}, it stops here"
    ]
    assert_nan_from_the_recorded_steps(record)
    others = run(3.0, SEEDS[:4])
    assert others.diverged == {}
    np.testing.assert_array_equal(record.change[:, :, :, :4], others.change)
    for name in CURVES:
        np.testing.assert_array_equal(record.curves[name][:, :4], others.curves[name])


@pytest.mark.parametrize(
    ("learning_rate", "batch_size", "seeds"), [(4.0, None, SEEDS), (2.5, 8, (4, 6, 8, 1, 3))]
)
def test_seeds_that_diverge_at_steps_of_their_own(
    learning_rate: float, batch_size: int | None, seeds: tuple[int, ...]
) -> None:
    """Mini-batches: those that go on keep their own batches, too."""
    how = dataclasses.replace(hot(learning_rate), batch_size=batch_size)
    record = train(DATA, SCHEMES["µP"], WIDTH, seeds, how)
    assert len(set(record.diverged.values())) > 1
    assert_nan_from_the_recorded_steps(record)
    for replica, seed in enumerate(seeds):
        alone = train(DATA, SCHEMES["µP"], WIDTH, [seed], how)
        assert alone.diverged.get(seed) == record.diverged.get(seed)
        np.testing.assert_array_equal(record.change[:, :, :, [replica]], alone.change)
        for name in CURVES:
            np.testing.assert_array_equal(record.curves[name][:, [replica]], alone.curves[name])


def test_diverged_is_a_loss_a_million_times_the_initial_one() -> None:
    """The initial loss counting as at least one; against plain gradient descent."""
    seeds, how = (0, 1, 2, 3), hot(4.0, "float64")
    record = train(DATA, SCHEMES["µP"], WIDTH, seeds, how)
    inputs, labels = torch.as_tensor(DATA.train_inputs), torch.as_tensor(DATA.train_labels)
    for one, seed in zip(both(DATA, SCHEMES["µP"], WIDTH, seeds, how)[1], seeds, strict=True):
        losses = []
        for _ in range(9):
            losses.append(float(one.losses(one.forward(inputs)[1], labels).mean()))
            one.step(inputs, labels)
        limit = 1e6 * max(losses[0], 1.0)
        assert record.diverged[seed] == next(
            step for step, loss in enumerate(losses) if not loss <= limit
        )


def test_the_limit_is_each_replicas_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """With losses made up for the test: of three replicas at each step, until they diverge."""
    made_up = iter(
        [
            [1e-3, 20.0, 5e3],
            [0.99e6, 2.01e7, 4.9e9],
            [1e-3, 1e9],
            [1.01e6, 3.0],
            [4.9e9],
            [5.1e9],
        ]
    )

    def per_sample(outputs: Tensor, targets: Tensor) -> Tensor:
        of_test_set = len(targets) == 8
        losses = [0.0] * len(outputs) if of_test_set else next(made_up)
        return torch.tensor(losses, dtype=torch.float64)[:, None].expand(-1, len(targets))

    loss = Loss(per_sample, LOSSES["mse"].gradient)
    monkeypatch.setattr(descent, "LOSSES", {"made up": loss})
    data, how = dataset(16, 64, 8), recipe(loss="made up", steps=7, snapshots=100)
    assert train(data, SCHEMES["µP"], 8, [5, 3, 4], how).diverged == {3: 1, 5: 3, 4: 5}


@pytest.mark.parametrize("layer", ["dense", "lazy"])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_an_overflow_is_a_divergence(loss: str, layer: str) -> None:
    how = recipe(
        loss=loss, layer=layer, learning_rate=1e30, activation="relu", precision="float32", steps=3
    )
    record = train(DATA, SCHEMES["µP"], WIDTH, (0, 7), how)
    assert set(record.diverged) == {0, 7}
    assert set(record.diverged.values()) <= {1, 2}
    assert np.isfinite(record.curves["train_loss"][0]).all()
    assert np.isnan(record.curves["train_loss"][2:]).all()


def test_what_is_saved_is_what_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    record = run(3.0)
    record.save(tmp_path / "snapshots.npz", tmp_path / "curves.npz")
    curves = Curves.load(tmp_path / "curves.npz")
    assert curves.steps.tolist() == record.steps.tolist() == list(range(9))
    assert curves.seeds.tolist() == list(SEEDS)
    assert curves.diverged.tolist() == [[4, record.diverged[4]]]
    for name, values in zip(CURVES, curves.values, strict=True):
        np.testing.assert_array_equal(values, record.curves[name])
    features = Features.of_snapshots(tmp_path / "snapshots.npz")
    assert (features.width, features.unit_roundoff) == (WIDTH, 2.0**-24)
    assert features.steps.tolist() == list(range(9))
    assert features.seeds.tolist() == list(SEEDS)
    assert features.factors.shape == (9, 2, 3, 5, 32, 32)
    for index in np.ndindex(9, 2, 3, 5):
        factor = features.factors[index]
        if index[0] >= record.diverged.get(index[3], 9):
            assert np.isnan(factor).all()
            continue
        stacked = np.concatenate([record.initial[index[1:]], record.change[index]], axis=1)
        gram = stacked.astype(np.float64).T @ stacked.astype(np.float64)
        np.testing.assert_allclose(factor.T @ factor, gram, atol=1e-12 * abs(gram).max())


def test_nothing_diverged_is_saved_as_an_empty_list(tmp_path: Path) -> None:
    record = train(DATA, SCHEMES["µP"], 4, (0,), recipe(steps=1))
    record.save(tmp_path / "snapshots.npz", tmp_path / "curves.npz")
    assert Curves.load(tmp_path / "curves.npz").diverged.shape == (0, 2)
