"""Outputs of finite networks: how far from those of the n = ∞ network."""

from infwidth.theory.statement import Statement

STATEMENT = Statement(
    title="Finite width: how wide is wide enough",
    tables=("outputs", "offsets"),
    made_by="coordinates",
)
