"""The small trainings that check the theory: the experiment's own, on fewer samples and steps."""

from dataclasses import fields
from typing import Any

from infwidth.datasets.prepare import PreparedDataset
from infwidth.experiment import Experiment
from infwidth.recipe import Recipe


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
