"""The n = ∞ column of Table 1."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="Table 1 at n = ∞",
    tables=("limits",),
    needs=("metrics", "scaling"),
    settings=("stable_exponent", "steps"),
    trains=False,
    memory_mb=1000,
    minutes=10,
)
