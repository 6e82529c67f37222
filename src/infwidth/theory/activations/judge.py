"""Assumption 4.3: whether activations are GOOD or not, as the paper says or as we expect."""

from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd

from infwidth.numbers import number
from infwidth.theory.activations.names import PAPER, WORDS
from infwidth.theory.finding import Finding, verdict

# What is expected here of those that the paper says nothing of.
OURS: Mapping[str, bool] = MappingProxyType(
    {
        "erf": True,
        "gelu": True,
        "softplus": True,
        "sin": True,
        "leaky_relu": False,
        "linear": False,
    }
)


def findings(table: pd.DataFrame) -> list[Finding]:
    """Whether activations are GOOD or not as the paper says, and what we expect of others.

    Args:
        table: as from `good_table`.
    """
    rows = {str(row["activation"]): row for row in table.to_dict("records")}
    found = [
        Finding(
            source="Assumption 4.3",
            statement=f"{name} is {WORDS[good]}, as the paper says",
            verdict=verdict(_agrees([rows[name]], good=good)),
            evidence=_evidence(rows[name]),
            origin="paper",
        )
        for name, good in PAPER.items()
        if name in rows
    ]
    for good in (True, False):
        names = [name for name, ours in OURS.items() if ours == good and name in rows]
        if names:
            found.append(
                Finding(
                    source="here",
                    statement=f"{', '.join(names)}, of which the paper says nothing, are "
                    f"{WORDS[good]}",
                    verdict=verdict(_agrees([rows[name] for name in names], good=good)),
                    evidence="; ".join(f"{name}: {_evidence(rows[name])}" for name in names),
                )
            )
    found.append(_distinctness(table))
    return found


Row = Mapping[Hashable, Any]


def _agrees(rows: Sequence[Row], *, good: bool) -> bool | None:
    answers = {row["good"] for row in rows}
    wanted, opposite = ("yes", "no") if good else ("no", "yes")
    if opposite in answers:
        return False
    return True if answers == {wanted} else None


def _evidence(row: Row) -> str:
    if row["good"] != "yes":
        return str(row["reason"])
    return (
        f"sup |φ′| = {number(row['sup_derivative'])}, "
        f"sup |φ″| = {number(row['sup_second_derivative'])}, no constant sum for {row['draws']} "
        f"draws of b and c (σ_min ≥ {number(row['sums_margin'], 2)} β), no constant product "
        f"(σ_min = {number(row['product_margin'], 2)} β)"
    )


def _distinctness(table: pd.DataFrame) -> Finding:
    """Whether (b) has to ask for distinct |b_i|."""
    good = table[table["good"] == "yes"]
    identities = {
        str(name): str(words)
        for name, words in zip(good["activation"], good["equal_frequencies_identity"], strict=True)
        if isinstance(words, str) and words  # an empty cell of a file is NaN
    }
    held = None if good.empty else bool(identities)
    shown = "; ".join(f"{name}: {words}" for name, words in identities.items())
    return Finding(
        source="here",
        statement="the frequencies |b_i| have to be distinct: with equal ones GOOD activations "
        "have constant sums",
        verdict=verdict(held),
        evidence=shown or f"none found for {len(good)} GOOD activations",
    )
