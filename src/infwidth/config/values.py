"""Plain values from what YAML and the command line deliver.

`--config widths='[64,128]'` arrives as ['64', '128'], and YAML reads 1e-3 as a word.
"""

import datetime
import math
import re
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

NULLS = {"", "~", "null"}
BOOLS = {"true": True, "false": False}
WHOLE_NUMBER = re.compile(r"[-+]?[0-9]+")
NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.?(nan|inf|infinity)")
# A list in a mapping in a mapping is the deepest that a key holds.
DEEPEST = 4
# Beyond this, numbers are typing errors; some are too long even to print.
LARGEST = 10**15


class UnusableError(ValueError):
    """A value that no key can hold; its text describes what was found."""


def kinds(schema: Schema) -> set[str]:
    """The JSON types that a schema admits at its top: {"integer", "null"}, ..."""
    if "anyOf" in schema:
        return set().union(*(kinds(variant) for variant in schema["anyOf"]))
    kind = schema.get("type", [])
    return {kind} if isinstance(kind, str) else set(kind)


def is_text(schema: Schema) -> bool:
    """Whether a schema asks for text; one that admits a number, too, has a word in its place."""
    return "string" in kinds(schema) and "integer" not in kinds(schema)


def every_key(schema: Schema) -> dict[str, Schema]:
    """The schema of each key, followed by those within its mapping, as `key.name`."""
    found: dict[str, Schema] = {}
    for key, inner in schema["properties"].items():
        found[key] = inner
        found |= {f"{key}.{name}": each for name, each in inner.get("properties", {}).items()}
    return found


def plain(value: object, schema: Schema) -> Any:
    """A key's value, with words that stand for numbers, null and truth values converted.

    Args:
        value: anything.
        schema: the key's schema; where it asks for text, words stay words (without the blanks
            around them). Numbers stay numbers: how they were written is no longer known.

    Returns:
        A value of JSON types, not yet checked against the schema.

    Raises:
        UnusableError: not finite, too large, nested too deeply or of a type that JSON lacks.
    """
    admitted = kinds(schema)
    entries = schema.get("items", {})
    text = any(map(is_text, (schema, entries))) or (
        "anyOf" in schema and isinstance(value, list | tuple)
    )
    return _convert(value, text=text, null="null" in admitted or not text, depth=0)


def typed(value: Any, schema: Schema) -> Any:
    """A valid value with its key's own type: int, float, and tuple for a list."""
    if isinstance(value, list):
        return tuple(typed(entry, schema["items"]) for entry in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if "integer" in kinds(schema) else float(value)
    return value


def _convert(value: object, *, text: bool, null: bool, depth: int) -> Any:
    if depth > DEEPEST:
        raise UnusableError("lists or mappings nested too deeply")
    if isinstance(value, Mapping):
        return {
            _name(key): _convert(entry, text=text, null=null, depth=depth + 1)
            for key, entry in value.items()
        }
    if isinstance(value, list | tuple):
        return [_convert(entry, text=text, null=null, depth=depth + 1) for entry in value]
    if isinstance(value, str):
        value = _word(value, text=text, null=null)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        _check_number(value)
        return value
    if isinstance(value, datetime.date):
        raise UnusableError(f"the date {value}")
    raise UnusableError(f"a value of type {type(value).__name__}")


def _word(word: str, *, text: bool, null: bool) -> str | int | float | bool | None:
    lower = word.strip().lower()
    if null and lower in NULLS:
        return None
    if text:
        return word.strip()
    if lower in BOOLS:
        return BOOLS[lower]
    if WHOLE_NUMBER.fullmatch(lower) and len(lower) <= len(str(LARGEST)):
        return int(lower)
    if NUMBER.fullmatch(lower):
        return float(lower)
    if NOT_FINITE.fullmatch(lower):
        return math.nan
    return word.strip()


def _name(key: object) -> str:
    if isinstance(key, str):
        return key
    raise UnusableError(f"a name of type {type(key).__name__} (put names in quotes)")


def _check_number(number: int | float) -> None:
    if isinstance(number, float) and not math.isfinite(number):
        raise UnusableError("a number that is not finite")
    if abs(number) > LARGEST:
        raise UnusableError(f"a number beyond {LARGEST:.0e}")
