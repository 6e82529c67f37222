"""Theorem 4.5 under stress: many samples, long training, rates up to the edge of stability."""

from infwidth.theory.statement import Parts, Statement

STATEMENT = Statement(
    title="Theorem 4.5 under stress: many samples, long training, the edge of stability",
    tables=("stress", "sharpness"),
    settings=("activation", "fit_width_ratio"),
    trains=False,
    parts=Parts(
        module="stress.train",
        over="strains",
        tables=("trainings", "metrics", "spectra", "sharpness"),
        settings=("recipe", "widths", "seeds", "samples", "fit_width_ratio"),
    ),
    memory_mb=4000,
    minutes=120,
)
