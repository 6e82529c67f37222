"""The reference of all keys: what config.yaml says of each, and what its schema admits.

Both files are read, so that nothing said in them is said a second time:

    python -m infwidth.config.reference config.yaml workflow/schemas/config.schema.yaml

writes the reference as Markdown to standard output. Files named after these two are laid over
config.yaml; their values are shown beside its own.
"""

import html
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from textwrap import dedent
from typing import Any

import yaml

from infwidth.config import wording
from infwidth.config.reading import load_schema
from infwidth.config.values import Schema, every_key

# A ruled comment with a heading at its end: `# ------ data`.
RULE = re.compile(r"# -{4,} (?P<heading>.+)")
# A key of a mapping is set in by two blanks.
KEY = re.compile(r"(?P<within>  )?(?P<key>[a-z0-9_]+):(\s|$)")


@dataclass(frozen=True)
class Entry:
    """One key of config.yaml.

    Attributes:
        key: its name; within a mapping, after that one's: `theory.steps`.
        section: the heading it stands under.
        comment: the lines of the comment above it, without their `# `.
    """

    key: str
    section: str
    comment: tuple[str, ...]


@dataclass(frozen=True)
class Documented:
    """config.yaml as a reader finds it.

    Attributes:
        preamble: the comment at its head.
        entries: its keys, in order.
    """

    preamble: tuple[str, ...]
    entries: tuple[Entry, ...]


def documented(text: str) -> Documented:
    """Take config.yaml apart.

    Args:
        text: its content; every key stands at the start of a line, or set in where it is part of a
            mapping, under the comment that explains it, and below a ruled heading.

    Raises:
        ValueError: a key has no comment or no heading.
    """
    preamble: tuple[str, ...] = ()
    entries: list[Entry] = []
    section = outer = ""
    comment: list[str] = []
    for line in text.splitlines():
        if rule := RULE.fullmatch(line):
            if not section:
                preamble = tuple(comment)
            section, comment = rule["heading"], []
        elif line.lstrip().startswith("#"):
            comment.append(line.lstrip().removeprefix("#").removeprefix(" "))
        elif key := KEY.match(line):
            if not section or not comment:
                raise ValueError(f"{key['key']}: no comment above it, or no heading")
            name = f"{outer}.{key['key']}" if key["within"] else key["key"]
            outer = name.partition(".")[0]
            entries.append(Entry(name, section, tuple(comment)))
            comment = []
    return Documented(preamble, tuple(entries))


def reference(text: str, schema: Schema, others: Mapping[str, str]) -> str:
    """The reference as Markdown: a section per heading of config.yaml, a subsection per key.

    Args:
        text: content of config.yaml.
        schema: the schema.
        others: name -> content of files that are laid over config.yaml.

    Raises:
        ValueError: config.yaml and the schema do not hold the same keys.
    """
    found = documented(text)
    known = every_key(schema)
    keys = [entry.key for entry in found.entries]
    if odd := set(keys) ^ set(known):
        raise ValueError(f"in only one of config.yaml and its schema: {', '.join(sorted(odd))}")
    files = {name: _flat(content) for name, content in {"config.yaml": text, **others}.items()}
    lines = [*_prose(found.preamble), ""]
    section = ""
    for entry in found.entries:
        if entry.section != section:
            section = entry.section
            lines += [f"## {section[0].upper()}{section[1:]}", ""]
        lines += [f"### `{entry.key}` {{ #{entry.key} }}", ""]
        lines += [*_prose(entry.comment), ""]
        lines += [*_facts(entry.key, known[entry.key], files), ""]
    return "\n".join(lines)


def _facts(key: str, schema: Schema, files: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What may stand there, and what does."""
    yield f"- may be: {wording.allowed(schema)}"
    for name, values in files.items():
        if key in values:
            yield f"- in `{name}`: `{_written(values[key])}`"


def _flat(text: str) -> dict[str, Any]:
    """A file's values by the names of keys, those within a mapping as `key.name`, too."""
    values: dict[str, Any] = yaml.safe_load(text) or {}
    mappings = {key: value for key, value in values.items() if isinstance(value, dict)}
    return values | {
        f"{key}.{name}": value for key, inner in mappings.items() for name, value in inner.items()
    }


def _written(value: Any) -> str:
    """A value as YAML, on one line."""
    flow: str = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=sys.maxsize, sort_keys=False
    )
    return flow.removesuffix("\n").removesuffix("\n...")


def _prose(comment: Sequence[str]) -> Iterator[str]:
    """A comment's lines as Markdown: those set in further than the rest become a block of code."""
    for is_code, lines in groupby(comment, key=lambda line: line.startswith("  ")):
        text = "\n".join(lines)
        if is_code:
            yield from ("", "```", dedent(text), "```", "")
        else:
            # "<" starts an HTML element in Markdown.
            yield html.escape(text, quote=False).replace("+-", "±")


def main(arguments: Sequence[str]) -> None:
    """Write the reference: config.yaml, its schema, then the files laid over it."""
    config, schema, *others = map(Path, arguments)
    texts = {path.as_posix(): path.read_text(encoding="utf-8") for path in others}
    print(reference(config.read_text(encoding="utf-8"), load_schema(schema), texts))


if __name__ == "__main__":
    main(sys.argv[1:])
