"""Any configuration is read or refused by the name of its key; none ends in a traceback.

What is tried is drawn from the schema itself, so that a new key is covered as soon as it stands
there.
"""

import copy
import datetime
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from effort import examples
from hypothesis import example, given
from hypothesis import strategies as st
from snakemake.utils import update_config
from workflow_run import ROOT, THEORY, TINY, Checkout

from infwidth.config import ConfigError, read_experiment
from infwidth.config.values import LARGEST
from infwidth.experiment import Experiment
from infwidth.jobs.hardware import (
    feature_memory_mb,
    memory_problem,
    training_memory_mb,
    training_minutes,
)
from infwidth.jobs.provenance import figures_digest
from infwidth.network.costs import recipe_settings
from infwidth.schemes import SCHEMES
from infwidth.theory import setting

BASE: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
WHOLE: dict[str, Any] = yaml.safe_load(
    (ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8")
)
KEYS: dict[str, Any] = WHOLE["properties"]
# Those that a rule between keys, or about the data or the machine, may refuse.
CROSS = {
    *("dataset", "dataset_path", "data_root", "pool", "samples", "test_samples", "schemes"),
    *("batch_size", "hidden_layers", "precision", "device", "theory"),
    *("train_samples", "probes", "steps", "epochs", "layer"),
}
# What a strategy is made of, and what only explains.
UNDERSTOOD = {
    *("type", "enum", "anyOf", "$ref", "pattern", "minLength", "items", "minItems", "maxItems"),
    *("minimum", "exclusiveMinimum", "exclusiveMaximum", "properties", "required"),
    *("additionalProperties", "propertyNames", "minProperties"),
}
EXPLAINING = {"description", "examples", "$comment"}


def valid(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema admits.

    Raises:
        AssertionError: the schema says something that is not understood here.
    """
    assert set(schema) <= UNDERSTOOD | EXPLAINING, f"not understood: {set(schema) - UNDERSTOOD}"
    if "$ref" in schema:
        return valid(WHOLE["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    if "anyOf" in schema:
        return st.one_of([valid(variant) for variant in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([valid_kind(kind, schema) for kind in kinds])


def valid_kind(kind: str, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values of one JSON type that a schema admits."""
    match kind:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema.get("minimum", -LARGEST), LARGEST)
        case "number":
            least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
            return st.floats(
                least if least is not None else -LARGEST if above is None else above,
                schema.get("exclusiveMaximum", LARGEST),
                exclude_min=above is not None,
                exclude_max="exclusiveMaximum" in schema,
                allow_nan=False,
            )
        case "string" if "pattern" in schema:
            # The blanks around a word are not part of it.
            return st.from_regex(schema["pattern"]).filter(lambda word: word == word.strip())
        case "string":
            return st.text(min_size=schema.get("minLength", 0), max_size=20)
        case "array":
            most = schema.get("maxItems", 6)
            return st.lists(valid(schema["items"]), min_size=schema["minItems"], max_size=most)
        case "object" if "properties" in schema:
            parts = {k: valid(v) for k, v in schema["properties"].items()}
            required = {k: parts.pop(k) for k in schema["required"]}
            return st.fixed_dictionaries(required, optional=parts)
        case "object":
            names = st.from_regex(schema["propertyNames"]["pattern"])
            rows = valid(schema["additionalProperties"])
            return st.dictionaries(names, rows, min_size=schema["minProperties"], max_size=4)
    raise AssertionError(f"type {kind} is not understood")


OWN = {"init_variance": [0, -1, -1.5], "learning_rate": [0.5, -1, -1]}
# Names of schemes stand in the code's table, not in the schema.
NAMES = st.lists(
    st.sampled_from([*SCHEMES, "IP-LLR", "mup", "ntp"]), min_size=1, max_size=4, unique=True
)
VALID = {
    key: valid(schema) if key != "schemes" else valid(schema) | NAMES
    for key, schema in KEYS.items()
}

WORDS = st.sampled_from(
    [
        *(
            "",
            " ",
            "~",
            "null",
            "None",
            "true",
            "no",
            "0",
            "-0",
            "+5",
            "1_000",
            "0x10",
            "1e3",
            "1e400",
        ),
        *("1e-400", ".5", "5.", "1,5", "inf", "-.inf", ".nan", "NaN", "١٢", "５", "²", "1e", "e5"),
        *("9" * 5000, "µP", "μp", "sp", "cifar10", "npz", "[64, 128]", "{a: 1}", "a\nb", "a\0b"),
        *("{scheme}", "a{b", "}", "../..", "/", "~", "C:\\x", "x" * 300, "y/" * 3000, "\ud800"),
        *("\u2028", "\u202e", "🙂", "!!python/object/apply:os.system [true]", "http://x/{a}"),
    ]
)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**15, 10**15 + 1, -(10**400), 10**4000, 2**63, 1e15, 1e308, 5e-324, -0.0]),
)
ODD = st.sampled_from(
    [b"x", 1j, object(), frozenset({1}), datetime.date(2026, 1, 1), range(3), float, ...]
)
ATOMS = st.one_of(st.none(), st.booleans(), NUMBERS, WORDS, st.text(max_size=20), ODD)
NONSENSE = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(
            st.one_of(WORDS, st.integers(), st.none(), st.just((1, 2))), inner, max_size=3
        ),
    ),
    max_leaves=8,
)


@st.composite
def nearly_valid(draw: st.DrawFn, key: str) -> Any:
    """A valid value, a part of which was written as a word or replaced by nonsense."""
    value = copy.deepcopy(draw(VALID[key]))
    if isinstance(value, list | dict) and value:
        at = draw(st.sampled_from(range(len(value)) if isinstance(value, list) else list(value)))
        part = value[at]
        value[at] = draw(st.one_of(st.just(str(part)), NONSENSE, st.just([part]), st.just(value)))
        return value
    return draw(st.sampled_from([str(value), f" {value}\t", [value], {"x": value}, (value,)]))


@st.composite
def mutated(draw: st.DrawFn) -> tuple[dict[Any, Any], set[Any]]:
    """config.yaml with keys that are valid, nonsense, missing or unknown, and which they are."""
    config: dict[Any, Any] = copy.deepcopy(BASE)
    changed = draw(st.lists(st.sampled_from(list(KEYS)), max_size=4, unique=True))
    for key in changed:
        how = draw(st.sampled_from(["valid", "nearly", "nonsense", "missing"]))
        if how == "missing":
            del config[key]
        else:
            kinds = {"valid": VALID[key], "nearly": nearly_valid(key), "nonsense": NONSENSE}
            config[key] = draw(kinds[how])
    unknown = draw(
        st.dictionaries(st.one_of(WORDS, st.text(max_size=70), st.integers(), st.none()), NONSENSE)
        if draw(st.integers(0, 9)) == 0
        else st.just({})
    )
    return config | unknown, {*changed, *unknown}


def read(config: Mapping[Any, Any]) -> Experiment | ConfigError:
    """What becomes of a configuration on a machine without a GPU."""
    try:
        return read_experiment(config, WHOLE, base=BASE, cuda_available=lambda: False)
    except ConfigError as error:
        return error


def keys_named(error: ConfigError) -> list[str]:
    """The key at the start of each line of the message, which must have one line a problem.

    Of a key within a mapping, the mapping.
    """
    headline, *lines = str(error).split("\n")
    assert headline.startswith("The configuration has ")
    assert lines == [f"  {problem}" for problem in error.problems]
    # A terminal can show it, and nothing in it moves the cursor.
    str(error).encode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x85\u2028\u2029]", str(error))
    starts = [problem.partition(": ")[0] for problem in error.problems]
    return [start.partition(".")[0] if start.startswith("theory.") else start for start in starts]


def use(experiment: Experiment) -> None:
    """All that the workflow asks of an experiment before its first job."""
    config = experiment.to_config()
    assert read_experiment(json.loads(json.dumps(config, allow_nan=False)), WHOLE) == experiment
    assert all("\n" not in warning for warning in experiment.warnings())
    figures_digest(config)
    if experiment.theory:
        json.dumps(setting.settings(experiment, setting.OWN), allow_nan=False)
    memory_problem(experiment, 8000)
    for width in experiment.widths:
        json.dumps(recipe_settings(experiment, width), allow_nan=False)
        for cost in (training_memory_mb, feature_memory_mb, training_minutes):
            assert cost(experiment, width) > 0
        for scheme in experiment.schemes.values():
            for role in ("input", "hidden", "output"):
                at: dict[str, Any] = {"reference_width": experiment.reference_width}
                scheme.init_std(role, width, sigma=experiment.init_std, **at)
                scheme.rate(role, width, learning_rate=experiment.learning_rate, **at)


@pytest.mark.faults
@examples(200, 5000)
@given(mutated())
def test_read_or_refused_by_the_name_of_the_key(drawn: tuple[dict[Any, Any], set[Any]]) -> None:
    config, changed = drawn
    outcome = read(config)
    if isinstance(outcome, Experiment):
        use(outcome)
        return
    named = keys_named(outcome)
    assert named
    related = {key for key in changed if isinstance(key, str)} | CROSS
    unknown = len([key for key in config if key not in KEYS])
    assert len([key for key in named if key not in related]) <= unknown


@pytest.mark.faults
@examples(150, 3500)
@given(st.data())
def test_one_wrong_value_is_refused_by_its_own_key(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(list(KEYS)))
    outcome = read(BASE | {key: data.draw(NONSENSE | nearly_valid(key))})
    if isinstance(outcome, ConfigError):
        named = set(keys_named(outcome))
        # A rule between keys tells of one of them, and names the others in its text.
        told = key in CROSS or f"`{key}`" in str(outcome)
        assert key in named or (named <= CROSS and told)
    else:
        use(outcome)


@pytest.mark.faults
@examples(100, 1500)
@given(st.fixed_dictionaries(VALID))
def test_what_the_schema_admits_is_refused_by_rules_between_keys_alone(
    config: dict[str, Any],
) -> None:
    outcome = read(config)
    if isinstance(outcome, ConfigError):
        assert set(keys_named(outcome)) <= CROSS
    else:
        use(outcome)


def of_four_samples(theory: dict[str, Any]) -> dict[str, Any]:
    return theory | {"samples": 4}


# Few images, trainings of any size: what most of them would be refused for is tested above.
SMALL = {
    "dataset": st.sampled_from(["cifar10", "digits"]),
    "pool": st.integers(2, 20),
    "samples": st.integers(4, 8),
    "test_samples": st.integers(1, 8),
    "train_samples": st.none() | st.just("all") | st.integers(8, 20),
    "batch_size": st.none() | st.integers(1, 4),
    "theory": st.booleans() | valid(KEYS["theory"] | {"type": "object"}).map(of_four_samples),
    "hidden_layers": st.integers(2, LARGEST),
    "precision": st.sampled_from(["float32", "float64"]),
    "device": st.sampled_from(["auto", "cpu"]),
    "dataset_path": st.none(),
}


def of_one_length(config: dict[str, Any]) -> dict[str, Any]:
    epochs = None if config["steps"] else config["epochs"] or 2.5
    return config | {"epochs": epochs}


ACCEPTED = (
    st.fixed_dictionaries(VALID | SMALL)
    .map(of_one_length)
    .filter(lambda config: isinstance(read(config), Experiment))
)
DUMPABLE = NONSENSE.filter(lambda value: dumped(value) is not None)


def dumped(value: Any) -> str | None:
    """A value as YAML, or None where it has no place there."""
    try:
        text = yaml.safe_dump(value, allow_unicode=True)
        text.encode()
        yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeError, ValueError, TypeError):
        return None
    return text


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout.fresh(tmp_path_factory.mktemp("properties") / "checkout")


def planned(checkout: Checkout, changes: dict[str, Any]) -> int:
    """Exit code of Snakemake's dry run, which must end as `read_experiment` does."""
    config = TINY | changes
    file = checkout.root / "drawn.yaml"
    file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    run = checkout.snakemake("-n", "--quiet", files=("drawn.yaml",))
    assert "Traceback" not in run.output, run.output
    # As Snakemake lays it over config.yaml: an empty mapping changes nothing.
    merged = copy.deepcopy(BASE)
    update_config(merged, yaml.safe_load(file.read_text(encoding="utf-8")))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(checkout.root)
            read_experiment(merged, WHOLE, base=BASE, given=config)
    except ConfigError as error:
        assert run.code != 0
        for key in keys_named(error):
            assert f"\n  {key}: " in run.output
    else:
        assert run.code == 0, run.output
    return run.code


@pytest.mark.faults
@examples(1, 30)
@given(config=ACCEPTED)
@example(
    TINY
    | THEORY
    | {"dataset": "cifar10", "dataset_path": None, "data_root": "a b*"}
    | {"cifar10_urls": ["http://x/{name}"], "schemes": {"a-1": OWN, "NaN": OWN, "mup": None}}
)
def test_snakemake_plans_what_is_accepted(checkout: Checkout, config: dict[str, Any]) -> None:
    assert planned(checkout, config) == 0


@pytest.mark.faults
@examples(1, 20)
@given(key=st.sampled_from(list(KEYS)), value=DUMPABLE)
def test_snakemake_shows_what_is_refused(checkout: Checkout, key: str, value: Any) -> None:
    planned(checkout, {key: value})
