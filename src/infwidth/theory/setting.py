"""The small trainings that check the theory: the experiment's own, on fewer samples and steps."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

from infwidth.datasets.prepare import PreparedDataset
from infwidth.experiment import Experiment, Theory
from infwidth.recipe import Recipe
from infwidth.theory.statement import Statement

# Sigmoid's slope is at most a quarter of tanh's, which slows training; at this multiple of the
# experiment's learning rate its features move as far in as many steps.
RATE_FACTORS: Mapping[str, float] = MappingProxyType({"sigmoid": 8.0})


def _recipe(experiment: Experiment, theory: Theory) -> dict[str, Any]:
    """The fields of a `Recipe`, in JSON types: dense layers, `theory.steps` steps, on the CPU.

    The CPU, because what is looked at here, query by query, is small. Full batch with
    `train_samples`, whose batches are larger than all that is trained on here.
    """
    settings = experiment.settings(*(field.name for field in fields(Recipe)))
    batch_size = experiment.batch_size if experiment.train_samples is None else None
    return settings | {
        "layer": "dense",
        "lazy_tolerance": 0.0,
        "steps": theory.steps,
        "batch_size": batch_size,
        "device": "cpu",
    }


def _experiment_recipe(experiment: Experiment, theory: Theory) -> dict[str, Any]:
    """As `_recipe`, but with the experiment's own steps and batches."""
    own = {"steps": experiment.steps, "batch_size": experiment.batch_size}
    return _recipe(experiment, theory) | own


# What statements can depend on beside the experiment's keys: name -> its value in JSON types. The
# theory's own trainings are meant where nothing else is said.
OWN: Mapping[str, Callable[[Experiment, Theory], Any]] = MappingProxyType(
    {
        "recipe": _recipe,
        "experiment_recipe": _experiment_recipe,
        "widths": lambda _, theory: list(theory.widths),
        "width": lambda _, theory: min(theory.widths),
        "seeds": lambda _, theory: theory.seeds,
        "few_seeds": lambda _, theory: min(theory.seeds, 2),
        "samples": lambda _, theory: theory.samples,
        "activations": lambda _, theory: list(theory.activations),
        "strains": lambda _, __: ["samples", "steps", "rates"],
        "all_samples": lambda experiment, _: experiment.samples,
    }
)


def settings(experiment: Experiment, names: Iterable[str]) -> dict[str, Any]:
    """Values of settings in JSON types: of `OWN`, or keys of the experiment.

    Raises:
        KeyError: there is no such setting.
        ValueError: the experiment leaves the checks of the theory out.
    """
    theory = experiment.theory
    if theory is None:
        raise ValueError("theory is false: the checks have no settings")
    return {
        name: OWN[name](experiment, theory) if name in OWN else experiment.settings(name)[name]
        for name in names
    }


def parts(experiment: Experiment, statement: Statement) -> list[str]:
    """The names of a statement's parts; none if it has none."""
    if statement.parts is None:
        return []
    over = statement.parts.over
    return list(settings(experiment, [over])[over])


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
