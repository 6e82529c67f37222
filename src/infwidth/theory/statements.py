"""The list of statements, in the order of the argument.

What is assumed comes first, then where training starts, what it does, where it ends. The workflow
reads the list whenever it is started, so it imports nothing that takes long.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from infwidth.experiment import OF_TRAINING_SET
from infwidth.theory.statement import Statement

NAMES = (
    "inputs",
    "activations",
    "kernels",
    "coordinates",
    "independence",
    "stress",
    "linearised",
    "covariance",
    "decomposition",
    "induction",
    "rest",
    "rates",
    "escape",
    "limits",
    "outputs",
    "transfer",
    "generalisation",
)


def _statement(name: str) -> Statement:
    statement: Statement = import_module(f"infwidth.theory.{name}").STATEMENT
    return statement


STATEMENTS: Mapping[str, Statement] = {name: _statement(name) for name in NAMES}
# Those that have a figure.
DRAWN = tuple(name for name in NAMES if find_spec(f"infwidth.theory.{name}.draw"))


def chosen(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The statements that an experiment checks, in their order.

    Where none are listed, those about a training set are left out of an experiment without one.

    Args:
        config: its configuration, in JSON types.
    """
    theory = config.get("theory", False)
    if theory is False:
        return ()
    listed = None if theory is True else theory.get("statements")
    if listed is not None:
        return tuple(name for name in NAMES if name in listed)
    left_out = () if config.get("train_samples") else OF_TRAINING_SET
    return tuple(name for name in NAMES if name not in left_out)


def tables(names: Iterable[str]) -> tuple[str, ...]:
    """The tables in `theory/` that statements are judged by, each once."""
    return tuple(dict.fromkeys(table for name in names for table in STATEMENTS[name].judged_by))


def makers(names: Iterable[str]) -> tuple[str, ...]:
    """The statements whose measurements make the tables that statements are judged by."""
    read = set(tables(names))
    return tuple(
        dict.fromkeys(
            statement.made_by or name
            for name, statement in STATEMENTS.items()
            if read & set(statement.tables)
        )
    )


def measured_tables(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the tables that nothing else in the paper folder gives."""
    return tables(name for name in names if not STATEMENTS[name].derived)


def caption(name: str) -> str:
    """What a reader is told of a statement's figure: valid as Markdown, and plain as it stands."""
    path = Path(__file__).parent / name / "caption.md"
    return " ".join(path.read_text(encoding="utf-8").split())
