"""NTP's limit is linear, and µP's is not."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="NTP's limit: the linearised equation",
    tables=("linearised",),
    needs=("dataset",),
    settings=("recipe", "widths", "seeds", "samples"),
)
