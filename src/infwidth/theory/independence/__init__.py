"""Theorem 4.5: features that stay independent at every step."""

from infwidth.theory.statement import Parts, Statement

STATEMENT = Statement(
    title="Theorem 4.5: independent features through training",
    tables=("independence",),
    needs=("metrics", "spectra"),
    settings=("activation", "all_samples", "fit_width_ratio", "activations", "samples"),
    trains=False,
    parts=Parts(
        module="independence.train",
        over="activations",
        tables=("metrics", "spectra"),
        settings=("recipe", "widths", "seeds", "samples"),
    ),
    memory_mb=3000,
)
