"""Problems in words: what was found, what is allowed, and what to write instead."""

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from infwidth.config.values import Schema, kinds

LONGEST = 60
# Keys that only many experiments at once have.
OF_WORLDS = ("worlds", "draw", "factors", "readings")


def show(value: Any) -> str:
    """A value as it would be written in YAML, cut where it is long."""
    shown = printable(json.dumps(value, ensure_ascii=False))
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}..."


def printable(text: str) -> str:
    """A text on one line, with escapes for what a terminal cannot show or would obey."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like this one, whatever the case."""
    start = word[:LONGEST].casefold()
    spellings = {name.casefold(): name for name in reversed(list(known))}
    return spellings[difflib.get_close_matches(start, spellings, n=1, cutoff=0)[0]]


def unknown_name(kind: str, word: str, known: Iterable[str]) -> str:
    """An unknown name, the nearest known one, and all of them."""
    names = list(known)
    return (
        f"unknown {kind} {show(word)}; did you mean {nearest(word, names)}? "
        f"Known: {', '.join(names)}"
    )


def unknown_key(key: object, known: Mapping[str, Schema]) -> tuple[str, str]:
    """A key that no configuration has, printable, and what to say about it."""
    if not isinstance(key, str):
        return f"a key of type {type(key).__name__}", "keys are words"
    name = key if key.isidentifier() and len(key) <= LONGEST else show(key)
    for outer, schema in known.items():
        inner = key.removeprefix(f"{outer}_")
        if inner != key and inner in schema.get("properties", ()):
            line = f"{outer}: {{{inner}: ...}}"
            command = f"--config {outer}='{{{inner}: ...}}'"
            return name, f"write `{line}`, on the command line `{command}`"
    if key in OF_WORLDS:
        return name, "only worlds have it; add `--configfile config/multiverse.yaml`"
    return name, f"unknown key; did you mean {nearest(key, known)}?"


def missing(key: str, schema: Schema) -> str:
    """A key that is absent."""
    return f"missing; add a line such as `{example(key, schema)}`"


def refused(key: str, found: Any, schema: Schema, *, entries: Iterable[Any] = ()) -> str:
    """A key's value that its schema does not admit.

    Args:
        key: the key.
        found: its value.
        schema: the key's schema.
        entries: the offending entries, if the value is a list that is wrong in these only.
    """
    if "enum" in schema and isinstance(found, str):
        return unknown_name(key, found, schema["enum"])
    wrong = ", ".join(dict.fromkeys(show(entry) for entry in entries)) or show(found)
    return unusable(key, wrong, schema)


def unusable(key: str, wrong: str, schema: Schema) -> str:
    """The same for a value that is already in words."""
    return f"found {wrong}; it must be {allowed(schema)}, for example `{example(key, schema)}`"


def in_quotes(key: str) -> str:
    """What to write where a text was read as something else."""
    # Snakemake takes the quotes off what it gets from the command line; a tag stays.
    return (
        ". A text that reads as a number, a date or a truth value (YAML makes 202401 of 2024_01, "
        f"8 of 010, 750 of 12:30) needs quotes in a file, `{key}: '2024_01'`, and its type on the "
        f"command line, `--config {key}='!!str 2024_01'`"
    )


def example(key: str, schema: Schema) -> str:
    """A line of YAML that would be right; of a key within a mapping, with the mapping."""
    outer, _, inner = key.rpartition(".")
    line = f"{inner}: {_flow(schema['examples'][0])}"
    return f"{outer}: {{{line}}}" if outer else line


def allowed(schema: Schema) -> str:
    """What a schema admits, in words."""
    admitted = kinds(schema)
    if "anyOf" in schema:
        words = "a list of names, or a mapping from names to exponents"
    elif "enum" in schema:
        words = f"one of {', '.join(schema['enum'])}"
    elif "array" in admitted:
        words = f"a list of at least one entry, each {allowed(schema['items'])}"
    elif "boolean" in admitted:
        words = "true or false"
        if "properties" in schema:
            words += f", or a mapping of {', '.join(schema['properties'])}"
    elif "string" in admitted:
        words = schema.get("$comment", "text")
    else:
        words = "a whole number" if "integer" in admitted else "a number"
        words += _bounds(schema)
    return f"{words}, or null" if "null" in admitted and "anyOf" not in schema else words


def _bounds(schema: Schema) -> str:
    bounds = {"minimum": "of at least", "exclusiveMinimum": "above", "exclusiveMaximum": "below"}
    stated = [f"{words} {schema[bound]:g}" for bound, words in bounds.items() if bound in schema]
    return f" {' and '.join(stated)}" if stated else ""


def _flow(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
