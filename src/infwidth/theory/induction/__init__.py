"""The proof of Theorem 4.5, executed: its induction over the training steps, at finite width."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="The induction of the proof, executed",
    tables=("induction", "induction_tests"),
    needs=("dataset",),
    settings=("recipe", "widths", "seeds", "few_seeds", "samples"),
    memory_mb=3000,
)
