"""Losses by slow loops, their gradients against autograd."""

import math
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor

from infwidth.network.losses import LOSSES, accuracy, one_hot

SCHEMA = Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml"
LABELS = torch.tensor([2, 0, 1, 2, 2])
REPLICAS, CLASSES, SAMPLES = 2, 4, 5


def outputs(scale: float = 2.0) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (REPLICAS, SAMPLES, CLASSES)
    return scale * torch.randn(shape, generator=generator, dtype=torch.float64)


def slow_loss(name: str, f: list[float], label: int) -> float:
    """Loss of one sample with outputs f."""
    if name == "mse":
        return sum((value - (k == label)) ** 2 for k, value in enumerate(f)) / 2
    return -math.log(math.exp(f[label]) / sum(math.exp(value) for value in f))


def test_the_table_is_the_configs() -> None:
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    assert sorted(LOSSES) == sorted(schema["properties"]["loss"]["enum"])


def test_one_hot_rows() -> None:
    assert one_hot(LABELS, CLASSES).tolist() == [
        [0, 0, 1, 0],
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 1, 0],
    ]
    assert one_hot(LABELS, CLASSES).dtype == torch.float64


@pytest.mark.parametrize("name", LOSSES)
def test_values_are_those_of_a_loop(name: str) -> None:
    f = outputs()
    losses = LOSSES[name].per_sample(f, one_hot(LABELS, CLASSES))
    assert losses.shape == (REPLICAS, SAMPLES)
    for replica in range(REPLICAS):
        for sample, label in enumerate(LABELS.tolist()):
            expected = slow_loss(name, f[replica, sample].tolist(), label)
            assert losses[replica, sample].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_autograds(name: str) -> None:
    f = outputs().requires_grad_(True)
    targets = one_hot(LABELS, CLASSES)
    (expected,) = torch.autograd.grad(LOSSES[name].per_sample(f, targets).sum(), f)
    gradient = LOSSES[name].gradient(f.detach(), targets)
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", LOSSES)
def test_large_outputs_have_finite_losses(name: str) -> None:
    targets = one_hot(LABELS, CLASSES)
    assert LOSSES[name].per_sample(outputs(1e5), targets).isfinite().all()
    assert LOSSES[name].gradient(outputs(1e5), targets).isfinite().all()


def test_accuracy_is_the_fraction_of_largest_outputs_at_the_label() -> None:
    f = torch.zeros(REPLICAS, SAMPLES, CLASSES, dtype=torch.float64)
    for replica, guesses in enumerate(([2, 0, 1, 2, 3], [0, 0, 3, 3, 3])):
        for sample, guess in enumerate(guesses):
            f[replica, sample, guess] = 0.1
    assert accuracy(f, LABELS).tolist() == [0.8, 0.2]
    assert accuracy(f - 5, LABELS).tolist() == [0.8, 0.2]
