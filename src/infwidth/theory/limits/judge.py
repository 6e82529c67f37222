"""The n = ∞ column of Table 1: whether each cell is that of the limits."""

import math

import pandas as pd

from infwidth.measures.claims import CLAIMS
from infwidth.measures.estimate import Estimate
from infwidth.measures.metrics import JUDGING, METRICS, SHOWN, headline
from infwidth.numbers import number, with_interval
from infwidth.theory.finding import Finding, verdict
from infwidth.theory.limits.measure import Approach

KEY = ["scheme", "metric", "layer", "kind"]

# What the verdicts of Table 1 mean at n = ∞: ways to approach it.
MEANINGS: dict[str, tuple[Approach, ...]] = {
    "small": ("vanishes",),
    "large and stable": ("converges",),
    "large": ("converges", "diverges"),
    "rich": ("converges",),
    "collapsed": ("vanishes",),
    "decreases with width": ("vanishes",),
    "stable across widths": ("converges",),
}


def one_each(table: pd.DataFrame) -> pd.DataFrame:
    """The limits alone: one row for each metric, scheme, layer and kind."""
    return table.drop_duplicates(KEY, ignore_index=True).drop(
        columns=["width", "value", "value_low", "value_high"]
    )


def findings(table: pd.DataFrame) -> list[Finding]:
    """Whether each cell of the paper's Table 1 is that of the n = ∞ network.

    Judged, as Table 1 is, at the last hidden layer's pre-activations. A metric that is not seen
    to tend anywhere, as one that follows no single power, leaves its cell undetermined.

    Args:
        table: as from `limits_table`.
    """
    limits = one_each(table)
    last = headline(limits)
    found = []
    for scheme in dict.fromkeys(limits["scheme"]):
        for column, claim in CLAIMS.get(str(scheme), {}).items():
            wanted = {approach for word in claim.agreeing for approach in MEANINGS[word]}
            # Diversity that is lost is lost against the mean eigenvalue; shrinking alone is no
            # collapse.
            metric = (JUDGING if "vanishes" in wanted else SHOWN)[column]
            rows = limits[(limits["scheme"] == scheme) & (limits["metric"] == metric.name)]
            there = rows[rows.index.isin(last.index)]
            approach, limit = "undetermined", "not measured at the last step"
            if len(there):
                approach, limit = str(there["approach"].iloc[0]), describe(there.iloc[0])
            holds = None if approach in ("undetermined", "crossover") else approach in wanted
            same = int((rows["approach"] == approach).sum())
            found.append(
                Finding(
                    source="Table 1",
                    statement=f"{scheme}: {SHOWN[column].title.lower()} at n = ∞: {claim.words}",
                    verdict=verdict(holds),
                    evidence=f"{limit}; "
                    f"{approach} in {same} of {len(rows)} hidden layers and kinds (h, x)",
                    origin="follows",
                )
            )
    return found


def describe(row: "pd.Series[float]") -> str:
    """One limit in words."""
    name = METRICS[str(row["metric"])].symbol.text
    rate = with_interval(*Estimate.of(row, "rate"))
    approach = str(row["approach"])
    if approach == "vanishes":
        return f"{name} → 0 as n^−a, a = {rate}"
    if approach == "diverges":
        return f"{name} → ∞ as n^a, a = {rate}"
    measured = f"{number(float(row['value_at_largest']))} at n = {row['largest_width']:.0f}"
    if approach == "crossover":
        return (
            f"{name} follows no single power of n and is not seen to tend to anything: {measured}, "
            f"n^a at the largest widths, a = {rate}"
        )
    limit = with_interval(*Estimate.of(row, "limit"))
    if approach == "undetermined":
        return f"{name} is not seen to tend to anything: {measured}, extrapolated {limit}"
    how = (
        f"as n^−a, a = {rate}" if math.isfinite(row["rate"]) else "at a rate that is not determined"
    )
    return f"{name} → {limit}, {how} ({measured})"
