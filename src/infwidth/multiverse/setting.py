"""The keys of a multiverse, checked: factors with their levels, readings, how many worlds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from infwidth.config import ConfigError, read_changes, read_experiment
from infwidth.config.checks import Sizes
from infwidth.config.reading import load_schema
from infwidth.config.values import Schema, UnusableError, plain
from infwidth.config.wording import missing, nearest, show
from infwidth.experiment import Experiment
from infwidth.multiverse.readings import Reading

# Keys that a multiverse has beside an experiment's.
OWN = ("worlds", "draw", "factors", "readings")
# What worlds have in common, and what judges them.
NO_FACTORS = frozenset(
    {"experiment", "schemes", "theory", "stable_exponent", "small_change", "collapse_ratio"}
)
Problem = tuple[str, str]


@dataclass(frozen=True)
class Level:
    """A choice: what it is called, and the config keys that it sets."""

    label: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Multiverse:
    """Choices that an experiment could have been made by, and ways to read it.

    Attributes:
        base: what no factor sets.
        schemes: of every world, as they were given: some depend on its depth.
        worlds: how many.
        draw: the seed that they are drawn by.
        factors: name -> levels; one that stands there twice is drawn twice as often.
        readings: name -> how trainings are read; the first is the one that is told.
    """

    base: Experiment
    schemes: Any
    worlds: int
    draw: int
    factors: Mapping[str, tuple[Level, ...]]
    readings: Mapping[str, Reading]

    def to_config(self) -> dict[str, Any]:
        """The configuration in canonical form, JSON types alone; reading it gives this again."""
        return self.base.to_config() | {
            "schemes": self.schemes,
            "worlds": self.worlds,
            "draw": self.draw,
            "factors": {
                name: [{level.label: dict(level.changes)} for level in levels]
                for name, levels in self.factors.items()
            },
            "readings": {name: dict(vars(reading)) for name, reading in self.readings.items()},
        }


def is_multiverse(config: Mapping[str, Any]) -> bool:
    """Whether a configuration is that of a multiverse."""
    return "factors" in config


def read_multiverse(
    config: Mapping[str, Any],
    schemas: Path,
    *,
    base: Mapping[str, Any],
    sizes: Sizes | None = None,
    cuda_available: Callable[[], bool] | None = None,
    **how: Any,
) -> Multiverse:
    """Check the configuration of a multiverse.

    Args:
        config: key -> value, of an experiment's keys and `OWN`.
        schemas: the folder of the schemas.
        base: as for `read_experiment`, like the others.
        sizes: likewise.
        cuda_available: likewise.
        **how: likewise.

    Raises:
        ConfigError: anything that is wrong with it.
    """
    schema, own_schema = (
        load_schema(schemas / f"{name}.schema.yaml") for name in ("config", "multiverse")
    )
    rest = {key: value for key, value in config.items() if key not in OWN}
    experiment = read_experiment(
        rest, schema, base=base, sizes=sizes, cuda_available=cuda_available, **how
    )
    counts, problems = read_changes(
        {key: config[key] for key in ("worlds", "draw") if key in config}, own_schema
    )
    problems += [
        (key, missing(key, own_schema["properties"][key])) for key in OWN if key not in config
    ]
    if experiment.theory:
        problems.append(("theory", "has no part in a multiverse; write `theory: false`"))
    factors = _read_factors(config.get("factors"), schema, problems)
    readings = _read_readings(config.get("readings"), own_schema["$defs"]["reading"], problems)
    if problems:
        raise ConfigError([f"{key}: {text}" for key, text in problems])
    schemes = plain(config["schemes"], schema["properties"]["schemes"])
    return Multiverse(experiment, schemes, **counts, factors=factors, readings=readings)


def _read_factors(
    found: object, schema: Schema, problems: list[Problem]
) -> dict[str, tuple[Level, ...]]:
    """The factors that are right; what is wrong with others joins the problems."""
    factors: dict[str, tuple[Level, ...]] = {}
    if not isinstance(found, Mapping) or not found:
        problems.append(("factors", f"found {show(_plain(found))}; {FACTORS}"))
        return factors
    setting: dict[str, str] = {}
    for name, levels in found.items():
        key = f"factors.{name}"
        if not isinstance(levels, list | tuple) or not levels:
            problems.append((key, f"found {show(_plain(levels))}; {FACTORS}"))
            continue
        read = [*_read_levels(str(name), levels, schema, problems)]
        for changed in sorted({changed for level in read for changed in level.changes}):
            other = setting.setdefault(changed, str(name))
            if other != name:
                problems.append((key, f"sets {changed}, as factors.{other} does; keep one"))
        labels = {level.label: level for level in read}
        if any(labels[level.label] != level for level in read):
            problems.append((key, "two different levels are called the same; rename one"))
        factors[str(name)] = tuple(read)
    return factors


FACTORS = (
    "it must be a mapping from each factor to the list of its levels, values of the key of its "
    "name or a name with keys, for example `factors: {activation: [tanh, relu], probes: "
    "[{trained: {}}, {held out: {train_samples: 64, probes: test}}]}`"
)


def _read_levels(
    factor: str, levels: list[Any] | tuple[Any, ...], schema: Schema, problems: list[Problem]
) -> Iterator[Level]:
    key = f"factors.{factor}"
    for level in levels:
        if isinstance(level, Mapping):
            if len(level) != 1 or not isinstance(changes := next(iter(level.values())), Mapping):
                problems.append((key, f"found the level {show(_plain(level))}; {FACTORS}"))
                continue
            label = str(next(iter(level)))
        elif factor not in schema["properties"]:
            close = nearest(factor, schema["properties"])
            text = f"no key is called so (the nearest is {close}): give its levels names and keys"
            problems.append((key, f"{text}, `{factor}: [{{some name: {{{close}: ...}}}}]`"))
            return
        else:
            label, changes = str(level), {factor: level}
        values, wrong = read_changes(changes, schema)
        wrong += [
            (each, "is the same in all worlds; leave it out")
            for each in values
            if each in NO_FACTORS
        ]
        problems += [(key, f"level {show(label)}: {each}: {text}") for each, text in wrong]
        if not wrong:
            yield Level(label, values)


def _read_readings(found: object, schema: Schema, problems: list[Problem]) -> dict[str, Reading]:
    """The readings, each laid over the first."""
    needed = [field.name for field in fields(Reading)]
    if not isinstance(found, Mapping) or not found:
        names = ", ".join(needed)
        problems.append(("readings", f"found {show(_plain(found))}; the first needs {names}"))
        return {}
    readings: dict[str, Reading] = {}
    first: dict[str, Any] = {}
    for name, changes in found.items():
        key = f"readings.{name}"
        if not isinstance(changes, Mapping):
            problems.append((key, f"found {show(_plain(changes))}; it must be a mapping"))
            continue
        values, wrong = read_changes(changes, schema)
        problems += [(f"{key}.{each}", text) for each, text in wrong]
        if not first:
            problems += [
                (f"{key}.{each}", missing(each, schema["properties"][each]))
                for each in needed
                if each not in changes
            ]
            first = values
        if not wrong and set(first) >= set(needed):
            readings[str(name)] = Reading(**{**first, **values})
    return readings


def _plain(value: object) -> Any:
    """As it can be shown."""
    try:
        return plain(value, {})
    except UnusableError as error:
        return str(error)
