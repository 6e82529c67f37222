"""The small trainings that check the theory: the experiment's own, on fewer samples and steps."""

from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

from infwidth.datasets.prepare import PreparedDataset
from infwidth.experiment import Experiment
from infwidth.recipe import Recipe

# Sigmoid's slope is at most a quarter of tanh's, which slows training; at this multiple of the
# experiment's learning rate its features move as far in as many steps.
RATE_FACTORS: Mapping[str, float] = MappingProxyType({"sigmoid": 8.0})


def recipe_settings(experiment: Experiment) -> dict[str, Any]:
    """The fields of a `Recipe`, in JSON types: dense layers, `theory_steps` steps, on the CPU.

    The CPU, because what is looked at here, query by query, is small.
    """
    settings = experiment.settings(*(field.name for field in fields(Recipe)))
    return settings | {
        "layer": "dense",
        "lazy_tolerance": 0.0,
        "steps": experiment.theory_steps,
        "device": "cpu",
    }


def first_samples(data: PreparedDataset, count: int) -> PreparedDataset:
    """The first training inputs alone, and a single test input, which nothing here reads."""
    return PreparedDataset(
        train_inputs=data.train_inputs[:count],
        train_labels=data.train_labels[:count],
        test_inputs=data.test_inputs[:1],
        test_labels=data.test_labels[:1],
        classes=data.classes,
    )


def with_activation(recipe: Recipe, activation: str) -> Recipe:
    """The recipe with another activation, and its rate times that one's of `RATE_FACTORS`."""
    rate = recipe.learning_rate * RATE_FACTORS.get(activation, 1.0)
    return replace(recipe, activation=activation, learning_rate=rate)
