"""The list of statements, in the order of the argument.

What is assumed comes first, then where training starts, what it does, where it ends. The workflow
reads the list whenever it is started, so it imports nothing that takes long.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from infwidth.theory.statement import Statement

NAMES = (
    "inputs",
    "activations",
    "kernels",
    "independence",
    "linearised",
    "covariance",
    "decomposition",
    "rest",
    "limits",
)


def _statement(name: str) -> Statement:
    statement: Statement = import_module(f"infwidth.theory.{name}").STATEMENT
    return statement


STATEMENTS: Mapping[str, Statement] = {name: _statement(name) for name in NAMES}
# Those that have a figure.
DRAWN = tuple(name for name in NAMES if find_spec(f"infwidth.theory.{name}.draw"))
# The tables of all, in `theory/`.
TABLES = tuple(table for statement in STATEMENTS.values() for table in statement.tables)


def caption(name: str) -> str:
    """What a reader is told of a statement's figure: valid as Markdown, and plain as it stands."""
    path = Path(__file__).parent / name / "caption.md"
    return " ".join(path.read_text(encoding="utf-8").split())
