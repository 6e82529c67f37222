"""The kernels at initialisation, and Theorem 4.5 at step 0."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="Initialisation: kernels in closed form",
    tables=("kernels",),
    needs=("dataset", "features"),
    settings=("schemes", "activation", "init_std", "reference_width", "hidden_layers"),
    memory_mb=3000,
    minutes=30,
)
