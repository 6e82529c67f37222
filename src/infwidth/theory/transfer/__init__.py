"""Learning-rate transfer: whether the best η and the largest stable one depend on the width."""

from infwidth.theory.statement import Parts, Statement

STATEMENT = Statement(
    title="Learning-rate transfer: the best η and the largest stable one against the width",
    tables=("transfer", "optima"),
    trains=False,
    parts=Parts(
        module="transfer.train",
        over="schemes",
        tables=("transfer",),
        settings=("schemes", "experiment_recipe", "widths", "seeds"),
    ),
    memory_mb=4000,
)
