"""Worlds: one level of every factor each, spread evenly over all combinations.

They are read off a scrambled Sobol sequence (Sobol 1967; Owen 1998), one dimension a factor, whose
beginning does not depend on how many points follow: more worlds leave the others as they are. A
combination that a rule between config keys forbids has no world; the next point takes its place.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import count, islice
from typing import Any

from scipy.stats import qmc

from infwidth.config import ConfigError
from infwidth.config.checks import Sizes, cross_problems
from infwidth.config.schemes import read_schemes
from infwidth.config.training_set import settle
from infwidth.datasets.prepare import COUNTS
from infwidth.experiment import Experiment, steps_of
from infwidth.multiverse.setting import Level, Multiverse
from infwidth.network.costs import recipe_settings

# Points that are drawn at a time: a power of two, which Sobol sequences are balanced over.
BLOCK = 1024
# Points tried for one world before the rules are said to forbid them all.
PATIENCE = 2 * BLOCK


@dataclass(frozen=True)
class World:
    """One choice of every factor.

    Attributes:
        number: from 0.
        point: of the sequence, from 0; some were forbidden where it is larger than the number.
        levels: factor -> label of its level.
        experiment: an ordinary one.
    """

    number: int
    point: int
    levels: Mapping[str, str]
    experiment: Experiment

    @property
    def data(self) -> str:
        """A name for its inputs: the same for all worlds with the same."""
        settings = json.dumps(
            self.experiment.settings("dataset", "dataset_path", *COUNTS), sort_keys=True
        )
        return hashlib.sha256(settings.encode()).hexdigest()[:12]

    @property
    def training(self) -> dict[str, Any]:
        """What `infwidth.multiverse.run.run` needs besides the data, in JSON types."""
        its = self.experiment
        return {
            "schemes": {name: its.exponents(name) for name in its.schemes},
            "recipes": [[width, recipe_settings(its, width)] for width in its.widths],
            "seeds": its.seeds,
        }

    @property
    def identity(self) -> dict[str, Any]:
        """What `infwidth.multiverse.tables.rows` needs besides the record, in JSON types."""
        its = self.experiment
        settings = its.settings("hidden_layers", "samples", "steps", "fit_width_ratio")
        return {
            "number": self.number,
            "point": self.point,
            "levels": dict(self.levels),
            "settings": {"schemes": list(its.schemes), **settings},
        }


@dataclass(frozen=True)
class Drawn:
    """The worlds of a multiverse, and why points of the sequence have none: problem -> how many."""

    worlds: tuple[World, ...]
    forbidden: Mapping[str, int]


def draw(multiverse: Multiverse, sizes: Sizes) -> Drawn:
    """All worlds.

    Args:
        multiverse: what they are drawn from.
        sizes: (dataset, dataset_path) -> numbers of images.

    Raises:
        ConfigError: `PATIENCE` points in a row are forbidden.
    """
    forbidden: Counter[str] = Counter()
    worlds = tuple(islice(_allowed(multiverse, cache(sizes), forbidden), multiverse.worlds))
    return Drawn(worlds, dict(forbidden))


def _allowed(multiverse: Multiverse, sizes: Sizes, forbidden: Counter[str]) -> Iterator[World]:
    number, last = 0, -1
    make = _Maker(multiverse, sizes)
    for point, levels in enumerate(_combinations(multiverse)):
        made = make(levels)
        if isinstance(made, Experiment):
            labels = {name: level.label for name, level in levels.items()}
            named = replace(made, experiment=f"{multiverse.base.experiment}-{number}")
            yield World(number, point, labels, named)
            number, last = number + 1, point
            continue
        forbidden[made] += 1
        if point - last > PATIENCE:
            raise ConfigError(
                [f"factors: {PATIENCE} combinations in a row are forbidden, such as by {made}"]
            )


def _combinations(multiverse: Multiverse) -> Iterator[Mapping[str, Level]]:
    factors = multiverse.factors
    sequence = qmc.Sobol(len(factors), scramble=True, rng=multiverse.draw)
    for _ in count():
        for point in sequence.random(BLOCK):
            yield {
                name: levels[int(part * len(levels))]
                for part, (name, levels) in zip(point, factors.items(), strict=True)
            }


class _Maker:
    """Lays levels over what worlds have in common."""

    def __init__(self, multiverse: Multiverse, sizes: Sizes) -> None:
        self.sizes = sizes
        base = multiverse.base
        self.common = {field.name: getattr(base, field.name) for field in fields(Experiment)}
        if base.epochs is not None:
            self.common["steps"] = None
        self.schemes = cache(lambda layers: read_schemes(multiverse.schemes, layers)[0])

    def __call__(self, levels: Mapping[str, Level]) -> Experiment | str:
        """The experiment, or the rule that forbids it."""
        given = {key: value for level in levels.values() for key, value in level.changes.items()}
        values = self.common | given
        values["schemes"] = self.schemes(values["hidden_layers"])
        settle(values, given, lambda: self.sizes(values["dataset"], values["dataset_path"])[0])
        # Asked of what is common to all: is there a GPU?
        for key, text in cross_problems(values, self.sizes, lambda: True):
            return f"{key}: {text}"
        return Experiment(**values | {"steps": steps_of(values)})
