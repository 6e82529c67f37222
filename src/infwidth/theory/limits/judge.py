"""The n = ∞ column of Table 1: whether each cell is that of the limits."""

import math

import pandas as pd

from infwidth.measures.claims import CLAIMS
from infwidth.numbers import number, with_interval
from infwidth.theory.finding import Finding, verdict
from infwidth.theory.limits.measure import Approach

KEY = ["scheme", "metric", "layer", "kind"]

# What a verdict of Table 1 means at n = ∞: column -> verdict -> metric, ways to approach n = ∞.
# Diversity that is lost is lost against the mean eigenvalue; shrinking alone is no collapse.
MEANINGS: dict[str, dict[str, tuple[str, tuple[Approach, ...]]]] = {
    "feature_variation": {
        "small": ("feature_change", ("vanishes",)),
        "large and stable": ("feature_change", ("converges",)),
        "large": ("feature_change", ("converges", "diverges")),
    },
    "feature_diversity": {
        "rich": ("gram_min_eig", ("converges",)),
        "collapsed": ("gram_ratio", ("vanishes",)),
    },
    "space_time": {
        "decreases with width": ("spacetime_min_eig", ("vanishes",)),
        "stable across widths": ("spacetime_min_eig", ("converges",)),
    },
}

NAMES = {
    "feature_change": "‖h^T−h^0‖/‖h^0‖",
    "gram_min_eig": "λ_min(K)/n",
    "gram_ratio": "λ_min(K) over the mean eigenvalue",
    "spacetime_min_eig": "λ_min(K_0,T)/n",
}
COLUMNS = {
    "feature_variation": "feature variation",
    "feature_diversity": "feature diversity",
    "space_time": "space-time joint non-degeneracy",
}


def one_each(table: pd.DataFrame) -> pd.DataFrame:
    """The limits alone: one row for each metric, scheme, layer and kind."""
    return table.drop_duplicates(KEY, ignore_index=True).drop(
        columns=["width", "value", "value_low", "value_high"]
    )


def findings(table: pd.DataFrame) -> list[Finding]:
    """Whether each cell of the paper's Table 1 is that of the n = ∞ network.

    Judged, as Table 1 is, at the last hidden layer's pre-activations. A metric that is not seen
    to tend anywhere leaves its cell undetermined.

    Args:
        table: as from `limits_table`.
    """
    limits = one_each(table)
    last = limits["layer"].max()
    found = []
    for scheme in dict.fromkeys(limits["scheme"]):
        for column, claim in CLAIMS.get(str(scheme), {}).items():
            meanings = [MEANINGS[column][word] for word in sorted(claim.agreeing)]
            metric = meanings[0][0]
            wanted = {approach for _, approaches in meanings for approach in approaches}
            rows = limits[(limits["scheme"] == scheme) & (limits["metric"] == metric)]
            headline = rows[(rows["layer"] == last) & (rows["kind"] == "h")]
            approach, limit = "undetermined", "not measured at the last step"
            if len(headline):
                approach, limit = str(headline["approach"].iloc[0]), describe(headline.iloc[0])
            holds = None if approach == "undetermined" else approach in wanted
            same = int((rows["approach"] == approach).sum())
            found.append(
                Finding(
                    source="Table 1",
                    statement=f"{scheme}: {COLUMNS[column]} at n = ∞: {claim.words}",
                    verdict=verdict(holds),
                    evidence=f"{limit}; "
                    f"{approach} in {same} of {len(rows)} hidden layers and kinds (h, x)",
                )
            )
    return found


def describe(row: "pd.Series[float]") -> str:
    """One limit in words."""
    name = NAMES[str(row["metric"])]
    rate = with_interval(float(row["rate"]), float(row["rate_low"]), float(row["rate_high"]))
    approach = str(row["approach"])
    if approach == "vanishes":
        return f"{name} → 0 as n^−a, a = {rate}"
    if approach == "diverges":
        return f"{name} → ∞ as n^a, a = {rate}"
    ends = (float(row[column]) for column in ("limit", "limit_low", "limit_high"))
    limit = with_interval(*ends)
    measured = f"{number(float(row['value_at_largest']))} at n = {row['largest_width']:.0f}"
    if approach == "undetermined":
        return f"{name} is not seen to tend to anything: {measured}, extrapolated {limit}"
    how = (
        f"as n^−a, a = {rate}" if math.isfinite(row["rate"]) else "at a rate that is not determined"
    )
    return f"{name} → {limit}, {how} ({measured})"
