"""The coordinates of a layer: independent, and of one law, as the width grows."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="Coordinates are i.i.d. in the limit",
    tables=("coordinates", "dependence", "quantiles"),
    needs=("dataset",),
    settings=("schemes", "recipe", "widths", "seeds", "samples"),
)
