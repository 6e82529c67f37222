"""The key lemma: the covariance of the Gaussian parts."""

from infwidth.theory.statement import Parts, Statement

STATEMENT = Statement(
    title="Key lemma: covariance preservation",
    tables=("covariance", "kernels_in_training"),
    parts=Parts(
        module="covariance.train",
        over="schemes",
        tables=("covariance", "kernels_in_training", "decomposition"),
        settings=("schemes", "recipe", "widths", "seeds", "samples"),
    ),
    trains=False,
    memory_mb=3000,
)
