"""Assumption 4.3: activations that are GOOD."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="Assumption 4.3: GOOD activations",
    tables=("activations",),
    memory_mb=1000,
    minutes=30,
)
