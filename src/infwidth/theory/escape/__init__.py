"""IP, the mean-field scheme: what it does at a fixed step as n grows, and when it moves."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="IP: an escape from a saddle, not a power law",
    tables=("escape", "escape_times", "escape_depths"),
    needs=("dataset", "metrics"),
    settings=("recipe", "widths", "samples", "seeds"),
)
