"""How well networks generalise at their best learning rate, beside their kernel limit."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="Generalisation at the best learning rate, and at n = ∞",
    tables=("kernel_limit", "class_signal"),
    reads=("transfer",),
    needs=("dataset",),
    settings=("schemes", "experiment_recipe", "seeds"),
    memory_mb=4000,
)
