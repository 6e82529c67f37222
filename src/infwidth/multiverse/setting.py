"""The keys of a multiverse, checked: factors with their levels, readings, how many worlds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from infwidth.config import ConfigError, read_changes, read_experiment
from infwidth.config.checks import Sizes
from infwidth.config.reading import load_schema
from infwidth.config.values import Schema, UnusableError, plain
from infwidth.config.wording import OF_WORLDS, missing, nearest, show
from infwidth.experiment import Experiment
from infwidth.multiverse.readings import Reading

# Of an experiment's rules; those of a multiverse stand in its readings.
THRESHOLDS = ("stable_exponent", "small_change", "collapse_ratio")
# What worlds have in common: their name, Table 1's rows, the machine.
COMMON = (
    *("experiment", "schemes", "theory", "device", "checkpoint_seconds"),
    *("data_root", "cifar10_urls", "cifar10_sha256"),
)
# Columns of the tables, and what stands beside the factors there.
TAKEN = ("world", "status", "error", "point", "reading", "theorem")
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
                name: [{level.label: _in_lists(level.changes)} for level in levels]
                for name, levels in self.factors.items()
            },
            "readings": {name: dict(vars(reading)) for name, reading in self.readings.items()},
        }


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
        config: key -> value, of an experiment's keys and `OF_WORLDS`.
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
    rest = {key: value for key, value in config.items() if key not in OF_WORLDS}
    lines: list[str] = []
    try:
        experiment = read_experiment(
            rest, schema, base=base, sizes=sizes, cuda_available=cuda_available, **how
        )
    except ConfigError as error:
        lines += error.problems
    else:
        lines += _without_effect(experiment, base)
    counts, problems = read_changes(
        {key: config[key] for key in ("worlds", "draw") if key in config}, own_schema
    )
    problems += [
        (key, missing(key, own_schema["properties"][key]))
        for key in ("worlds", "draw")
        if key not in config
    ]
    factors = _read_factors(config.get("factors"), schema, problems)
    readings = _read_readings(config.get("readings"), own_schema["$defs"]["reading"], problems)
    lines += [f"{key}: {text}" for key, text in problems]
    if lines:
        raise ConfigError(lines)
    schemes = plain(config["schemes"], schema["properties"]["schemes"])
    return Multiverse(experiment, schemes, **counts, factors=factors, readings=readings)


def _without_effect(experiment: Experiment, base: Mapping[str, Any]) -> Iterator[str]:
    """What was asked for in vain: a multiverse has other words for it, or none."""
    if experiment.theory:
        yield "theory: is not checked in a multiverse; write `theory: false`"
    for key in THRESHOLDS:
        found = getattr(experiment, key)
        if found != base.get(key, found):
            yield (
                f"{key}: found {found:g}, which no world is judged by; write it in a reading, "
                f"`readings: {{ours: {{{key}: {found:g}}}}}`"
            )


def _read_factors(
    found: object, schema: Schema, problems: list[Problem]
) -> dict[str, tuple[Level, ...]]:
    """The factors that are right; what is wrong with others joins the problems."""
    factors: dict[str, tuple[Level, ...]] = {}
    if not isinstance(found, Mapping) or not found:
        problems.append(
            ("factors", f"found {_shown(found)}; it must map each factor to {LEVELS}, {EXAMPLE}")
        )
        return factors
    setting: dict[str, str] = {}
    for given, levels in found.items():
        name, key = _label(given), f"factors.{_name(given)}"
        if wrong := _unfit(name):
            problems.append((key, wrong))
        if not isinstance(levels, list | tuple) or not levels:
            problems.append((key, f"found {_shown(levels)}; it must be {LEVELS}, {EXAMPLE}"))
            continue
        read = [*_read_levels(name, levels, schema, problems)]
        for changed in sorted({changed for level in read for changed in level.changes}):
            other = setting.setdefault(changed, name)
            if other != name:
                problems.append((key, f"sets {changed}, as factors.{other} does; keep one"))
        labels = {level.label: level for level in read}
        twice = {level.label: None for level in read if labels[level.label] != level}
        problems += [
            (key, f"two different levels are called {show(label)}; rename one") for label in twice
        ]
        factors[name] = tuple(read)
    return factors


LEVELS = "a list of its levels: values of the key that it is called after, or names with keys"
EXAMPLE = (
    "for example `factors: {activation: [tanh, relu], probes: [{trained: {}}, {held out: "
    "{train_samples: 64, probes: test}}]}`"
)


def _read_levels(
    factor: str, levels: list[Any] | tuple[Any, ...], schema: Schema, problems: list[Problem]
) -> Iterator[Level]:
    key = f"factors.{_name(factor)}"
    for level in levels:
        if isinstance(level, Mapping):
            if len(level) != 1 or not isinstance(changes := next(iter(level.values())), Mapping):
                text = "one name with its keys, for example `{full: {batch_size: null}}`"
                problems.append((key, f"found the level {_shown(level)}; it must be {text}"))
                continue
            label = _label(next(iter(level)))
        elif factor not in schema["properties"]:
            close, label = nearest(factor, schema["properties"]), _label(level)
            text = (
                f"level {show(label)} has no keys, and there is no key of the factor's name (did "
                f"you mean {close}?); write what it sets, `{{{label}: {{{close}: ...}}}}`"
            )
            problems.append((key, text))
            continue
        else:
            label, changes = _label(level), {factor: level}
        values, wrong = read_changes(changes, schema)
        wrong += [(each, why) for each in values if (why := _no_choice(each))]
        if unfit := _unfit(label):
            wrong.append(("its name", unfit))
        problems += [(key, f"level {show(label)}: {each}: {text}") for each, text in wrong]
        if not wrong:
            yield Level(label, values)


def _no_choice(key: str) -> str | None:
    """Why worlds cannot differ in a key."""
    if key in THRESHOLDS:
        return "it judges worlds and makes none; give it to one of the `readings`"
    return "it is the same in all worlds; leave it out" if key in COMMON else None


def _unfit(name: str) -> str | None:
    """Why the tables cannot hold something of this name."""
    if name in TAKEN:
        return "the tables have a column of this name; choose another"
    if not name.strip() or not name.isprintable():
        return "a name must be text on one line; choose another"
    return None


def _read_readings(found: object, schema: Schema, problems: list[Problem]) -> dict[str, Reading]:
    """The readings, each laid over the first."""
    needed = [field.name for field in fields(Reading)]
    if not isinstance(found, Mapping) or not found:
        names = ", ".join(needed)
        problems.append(
            ("readings", f"found {_shown(found)}; it must have a first reading, with {names}")
        )
        return {}
    readings: dict[str, Reading] = {}
    first: dict[str, Any] = {}
    for place, (given, changes) in enumerate(found.items()):
        name, key = _label(given), f"readings.{_name(given)}"
        if not name.strip() or not name.isprintable():
            problems.append((key, "a name must be text on one line; choose another"))
        if not isinstance(changes, Mapping):
            text = "it must be a mapping of what it changes, for example `{kind: x}`"
            problems.append((key, f"found {_shown(changes)}; {text}"))
            continue
        values, wrong = read_changes(changes, schema)
        problems += [(f"{key}.{each}", text) for each, text in wrong]
        if place == 0:
            problems += [
                (f"{key}.{each}", missing(each, schema["properties"][each]))
                for each in needed
                if each not in changes
            ]
            first = values
        if set(first | values) >= set(needed):
            readings[name] = Reading(**{**first, **values})
    return readings


def _label(value: object) -> str:
    """What a level or factor is called: text as it is, other values as YAML has them."""
    return value if isinstance(value, str) else _shown(value)


def _name(value: object) -> str:
    """As a part of a key, in quotes where it is no plain text."""
    label = _label(value)
    return label if label.isprintable() and label.strip() else show(label)


def _shown(value: object) -> str:
    """A value in an error."""
    try:
        return show(plain(value, {}))
    except UnusableError as error:
        return str(error)


def _in_lists(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: [*value] if isinstance(value, tuple) else value for key, value in changes.items()}
