"""The training that is timed: its sizes, its recipe, its data, and what its steps ask for."""

import functools

import numpy as np

from infwidth.datasets.prepare import PreparedDataset
from infwidth.recipe import Recipe

SAMPLES = 32
DIMENSION = 3072
CLASSES = 10
HIDDEN_LAYERS = 3
LEARNING_RATE = 0.5
TOLERANCE = 0.01


def recipe(layer: str, *, tolerance: float = TOLERANCE, precision: str = "float32") -> Recipe:
    """The training that is timed; steps and snapshots are the caller's business."""
    return Recipe(
        hidden_layers=HIDDEN_LAYERS,
        activation="tanh",
        loss="mse",
        learning_rate=LEARNING_RATE,
        reference_width=1,
        init_std=1,
        steps=0,
        batch_size=None,
        snapshots=2,
        layer=layer,
        lazy_tolerance=tolerance,
        precision=precision,
        device="cpu",
    )


@functools.cache
def random_data() -> PreparedDataset:
    """Unit inputs of random direction and every label in turn: time does not depend on images."""
    inputs = np.random.default_rng(0).standard_normal((SAMPLES + 1, DIMENSION))
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    labels = np.arange(SAMPLES + 1) % CLASSES
    return PreparedDataset(
        inputs[:SAMPLES], labels[:SAMPLES], inputs[SAMPLES:], labels[SAMPLES:], CLASSES
    )


def operations(width: int) -> float:
    """Of one step of one replica's n x n matrices: two products and an update, on N inputs."""
    return 6.0 * width**2 * SAMPLES * (HIDDEN_LAYERS - 1)


def traffic(width: int) -> float:
    """Bytes that a dense step has to move for one replica's n x n matrices.

    Each weight is read for the backward product, then read and written by the update; the forward
    product can use what the update has just made.
    """
    return 3.0 * 4 * width**2 * (HIDDEN_LAYERS - 1)
