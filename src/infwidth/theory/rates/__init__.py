"""Rates of convergence, of which the paper has none, beside those of the linear equation."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="Rates of convergence beside the tangent kernel's",
    tables=("rates", "losses_in_time"),
    needs=("dataset",),
    settings=("schemes", "recipe", "widths", "seeds", "samples"),
)
