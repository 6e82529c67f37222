"""A configuration checked as a whole: an `Experiment`, or every problem at once."""

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema
import yaml

from infwidth.config import paths, wording
from infwidth.config.checks import Sizes, cross_problems
from infwidth.config.misread import Misread, misread
from infwidth.config.schemes import read_schemes
from infwidth.config.training_set import Problem, settle
from infwidth.config.values import Schema, UnusableError, every_key, is_text, plain, typed
from infwidth.experiment import Experiment, Theory, steps_of

# Sets of numbers, however they were written down.
WIDTHS = ("widths", "theory.widths")
# What YAML makes of some texts without quotes.
NO_TEXT = (int, float, datetime.date, type(None))


class ConfigError(ValueError):
    """A configuration that cannot be run.

    Attributes:
        problems: one line per problem, each starting with its key.
    """

    def __init__(self, problems: list[str]) -> None:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"The configuration has {count} (config.yaml explains every key):{lines}")
        self.problems = problems


def read_experiment(
    config: Mapping[str, Any],
    schema: Schema | Path,
    *,
    base: Mapping[str, Any] = MappingProxyType({}),
    given: Collection[str] = (),
    files: Iterable[Path] = (),
    sizes: Sizes | None = None,
    cuda_available: Callable[[], bool] | None = None,
) -> Experiment:
    """Check a configuration.

    Args:
        config: key -> value, as YAML files or the command line gave it; numbers may be words.
        schema: the JSON schema, or its YAML file.
        base: what it was laid over. A mapping there is what `true` stands for here, and has what
            a mapping here leaves out.
        given: the keys that were laid over it: of `steps` and `epochs`, they decide.
        files: the YAML files that it comes from, which tell how numbers were written.
        sizes: (dataset, dataset_path) -> numbers of training and test images;
            `infwidth.datasets.sources.sizes` if not given (which reads a user's file whole).
        cuda_available: whether a GPU can be used; PyTorch is asked if not given. Pass
            `lambda: True` where jobs run on another machine.

    Returns:
        The experiment.

    Raises:
        ConfigError: anything that is wrong with it, all of it at once.
    """
    if isinstance(schema, Path):
        schema = load_schema(schema)
    if not isinstance(config, Mapping):
        raise ConfigError(["the whole: it must be a mapping, key: value"])
    known = [*every_key(schema)]
    numbers = misread(files, {name for key in known for name in key.split(".")})
    values, problems = _read_keys(config, schema, base, numbers)
    problems += _read_schemes(values)
    # A user's file is read for it.
    sizes = cache(sizes or _sizes)
    settle(values, given, lambda: sizes(values["dataset"], values["dataset_path"])[0])
    problems += cross_problems(values, sizes, cuda_available or _cuda_available)
    if problems:
        order = [*known, *(key for key, _ in problems)]
        problems.sort(key=lambda problem: order.index(problem[0]))
        raise ConfigError([f"{key}: {text}" for key, text in problems])
    values["steps"], theory = steps_of(values), values.pop("theory")
    return Experiment(**values, theory=Theory(**theory) if theory else None)


def read_changes(
    changes: Mapping[str, Any], schema: Schema
) -> tuple[dict[str, Any], list[Problem]]:
    """Keys by themselves, of whatever is to be laid over a configuration.

    Args:
        changes: key -> value, as somebody wrote it.
        schema: as for `read_experiment`.

    Returns:
        The values that are right, with their keys' types, and what is wrong: (key, text).
    """
    known: Mapping[str, Schema] = schema["properties"]
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, found in changes.items():
        if key not in known:
            problems.append(wording.unknown_key(key, known))
            continue
        value, wrong = _read_key(key, found, known[key], None, ())
        problems += wrong
        if not wrong:
            values[key] = value
    return values, problems


@lru_cache
def load_schema(path: Path) -> Schema:
    """The schema in a YAML file."""
    schema: Schema = yaml.safe_load(path.read_text(encoding="utf-8"))
    return schema


def _read_keys(
    config: Mapping[str, Any],
    schema: Schema,
    base: Mapping[str, Any],
    misread: Sequence[Misread],
    within: str = "",
) -> tuple[dict[str, Any], list[Problem]]:
    """The keys whose value is right by itself, in the schema's order, and what is wrong.

    Those of the mapping `theory` stand `within` "theory.".
    """
    known: Mapping[str, Schema] = schema["properties"]
    unknown = (wording.unknown_key(key, known) for key in config if key not in known)
    problems = [(f"{within}{key}", text) for key, text in unknown]
    values: dict[str, Any] = {}
    for name, inner in known.items():
        key = f"{within}{name}"
        if name in config:
            value, wrong = _read_key(key, config[name], inner, base.get(name), misread)
        else:
            value, wrong = None, [(key, wording.missing(key, inner))]
        problems += wrong
        # What is right in a mapping counts, though another part of it is wrong.
        if not wrong or isinstance(value, dict):
            values[name] = value
    return values, problems


def _read_key(
    key: str, found: object, schema: Schema, base: object, misread: Sequence[Misread]
) -> tuple[Any, list[Problem]]:
    if "properties" in schema and isinstance(found, Mapping):
        whole = {**(base if isinstance(base, Mapping) else {}), **found}
        return _read_keys(whole, schema, {}, misread, f"{key}.")
    value, wrong = _read_value(key, found, schema)
    if "properties" in schema and value is True:
        return _read_key(key, {}, schema, base, misread)
    name = key.rpartition(".")[2]
    wrong = wrong or [str(each) for each in misread if each.key == name and each.is_in(found)]
    return value, [(key, text) for text in wrong]


def _read_value(key: str, found: object, schema: Schema) -> tuple[Any, list[str]]:
    hint = wording.in_quotes(key) if _wants_text(schema) and isinstance(found, NO_TEXT) else ""
    try:
        value = plain(found, schema)
        if key in paths.KEYS and isinstance(value, str) and value:
            value = paths.expanded(value)
    except paths.PathError as error:
        return None, [str(error)]
    except UnusableError as error:
        return None, [wording.unusable(key, str(error), schema) + hint]
    if key == "schemes":
        return value, []
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(value))
    if errors:
        in_entries = all(error.path for error in errors)
        entries = [error.instance for error in errors] if in_entries else []
        return None, [wording.refused(key, value, schema, entries=entries) + hint]
    value = typed(value, schema)
    return tuple(sorted(set(value))) if key in WIDTHS else value, []


def _read_schemes(values: dict[str, Any]) -> list[Problem]:
    """Put schemes in the place of what was given for them; what is wrong with it.

    After the other keys, since a scheme may depend on the depth; on a wrong one, nothing is run.
    """
    if "schemes" not in values:
        return []
    schemes, wrong = read_schemes(values.pop("schemes"), values.get("hidden_layers", 1))
    if schemes:
        values["schemes"] = schemes
    return [("schemes", text) for text in wrong]


def _wants_text(schema: Schema) -> bool:
    return is_text(schema) and "enum" not in schema


def _sizes(dataset: str, dataset_path: str | None) -> tuple[int, int]:
    from infwidth.datasets.sources import sizes

    return sizes(dataset, dataset_path)


def _cuda_available() -> bool:
    # PyTorch takes seconds to import, so only a configuration that names cuda pays for it.
    import torch

    return torch.cuda.is_available()
