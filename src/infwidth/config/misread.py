"""Numbers that YAML 1.1 reads in a base that nobody means: 010 in base 8, 1:30 in base 60.

The value does not tell, 010 arrives as 8; so the files it may come from are read again, as text.
"""

import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infwidth.config.wording import printable

NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
ODD_BASE = re.compile(r"[-+]?0[0-7_]+|.+:.+")


@dataclass(frozen=True)
class Misread:
    """A number of a file.

    Attributes:
        key: a key that it stands under, however deep: a module's configuration is part of another.
        written: as it stands there.
        number: what YAML takes it for.
    """

    key: str
    file: Path
    written: str
    number: int | float

    def __str__(self) -> str:
        """The problem and the remedy."""
        return (
            f"found {self.written} in {printable(str(self.file))}, which YAML takes for "
            f"{self.number} (a leading 0 is base 8, a colon base 60); write the number in plain "
            "decimal digits"
        )

    def is_in(self, value: Any) -> bool:
        """Whether a value of JSON types holds the number: another file may have put it right."""
        if isinstance(value, dict):
            value = [*value.values()]
        if isinstance(value, list):
            return any(map(self.is_in, value))
        return bool(value == self.number)


def misread(files: Iterable[Path], known: Set[str]) -> list[Misread]:
    """The numbers of an odd base under known keys of YAML or JSON files.

    A file that is neither has none.
    """
    found = []
    for file in files:
        try:
            root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except (yaml.YAMLError, OSError, UnicodeError):
            continue
        for keys, node in _scalars(root, known):
            if node.tag in NUMBERS and ODD_BASE.fullmatch(node.value):
                number = yaml.safe_load(node.value)
                found += [Misread(key, file, node.value, number) for key in sorted(keys)]
    return found


def _scalars(
    root: yaml.Node | None, known: Set[str]
) -> Iterator[tuple[frozenset[str], yaml.ScalarNode]]:
    """Every scalar with the known keys that it stands under."""
    pending = [(frozenset[str](), root)]
    # An alias may stand in many places, and even within what it stands for.
    seen = set()
    while pending:
        keys, node = pending.pop()
        if (keys, id(node)) in seen:
            continue
        seen.add((keys, id(node)))
        if isinstance(node, yaml.ScalarNode):
            yield keys, node
        elif isinstance(node, yaml.SequenceNode):
            pending += [(keys, entry) for entry in node.value]
        elif isinstance(node, yaml.MappingNode):
            pending += [
                (keys | ({name.value} & known if isinstance(name.value, str) else set()), entry)
                for name, entry in node.value
            ]
