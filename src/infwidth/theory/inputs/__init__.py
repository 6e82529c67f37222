"""Assumption 4.1: inner products of the inputs that are non-zero and distinct."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="Assumption 4.1: separate inputs, and inputs that violate it",
    tables=("separation", "violations"),
    needs=("dataset",),
    settings=("recipe", "width", "few_seeds", "samples", "activations"),
    minutes=30,
)
