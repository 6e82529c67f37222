"""Corollary 4.6: rest is a global minimum."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="Corollary 4.6: training comes to rest only at zero error",
    tables=("rest", "rest_widths"),
    needs=("dataset",),
    settings=(
        "schemes",
        "recipe",
        "width",
        "few_seeds",
        "activations",
        "all_samples",
        "widths",
        "seeds",
    ),
)
