"""Initialisation in closed form: whether finite networks approach it, and whether it is definite.

At finite n a kernel is a mean over n units, so ‖K_n - K‖_F / ‖K‖_F ∝ n^-1/2. And Theorem 4.5 of
Chen et al. (2025) at t = 0 says that the kernels are positive definite; by Weyl's inequality
|λ_min(K_n) - λ_min(K)| ≤ ‖K_n - K‖_F, so the least eigenvalues must meet too. The thresholds are
ours.
"""

import math
from collections.abc import Sequence
from typing import cast

import pandas as pd

from infwidth.measures.estimate import Estimate
from infwidth.numbers import number, power
from infwidth.theory.finding import Finding, conjunction, verdict
from infwidth.theory.powers import falls, fitted

# The error of a mean over n units falls as n^-1/2. A layer agrees if its exponent's interval lies
# within TOLERANCE of that, or holds it without being wider than DECISIVE; one that lies wholly
# outside disagrees. At widths of some hundreds the next term, n^-1, still adds a few hundredths.
EXPECTED, TOLERANCE, DECISIVE = -0.5, 0.1, 0.5
# Kernels of two widths are the same limit if their mean eigenvalues agree to this part: their
# variances are squares of rounded roots.
SAME = 1e-6


def findings(table: pd.DataFrame) -> list[Finding]:
    """What kernels.csv says of the initial kernels and of how they are approached."""
    return [_error_finding(table), _positive_finding(with_limit(table)), _least_finding(table)]


def error_laws(table: pd.DataFrame) -> dict[tuple[str, str, int], Estimate]:
    """The fitted power of n of the error, by scheme, kind and layer."""
    laws = {}
    for key, rows in table.groupby(["scheme", "kind", "layer"], sort=False):
        scheme, kind, layer = cast(tuple[str, str, int], key)
        laws[scheme, kind, int(layer)] = fitted(rows[rows["error"] > 0], "error")
    return laws


def with_limit(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the schemes whose kernels are the same at every width, in every layer."""
    spread = table.groupby(["scheme", "kind", "layer"])["limit_mean_eig"].agg(["min", "max"])
    same = (spread["max"] - spread["min"] <= SAME * spread["max"]).groupby("scheme").all()
    return table[table["scheme"].map(same).astype(bool)]


def _agrees(law: Estimate) -> bool | None:
    """Whether an exponent is the expected one; None where its interval does not decide."""
    if not (math.isfinite(law.low) and math.isfinite(law.high)):
        return None
    if max(abs(law.low - EXPECTED), abs(law.high - EXPECTED)) <= TOLERANCE:
        return True
    if law.low > EXPECTED + TOLERANCE or law.high < EXPECTED - TOLERANCE:
        return False
    return True if law.low <= EXPECTED <= law.high and law.high - law.low <= DECISIVE else None


def _names(table: pd.DataFrame) -> str:
    return ", ".join(dict.fromkeys(table["scheme"])) or "no scheme"


def _place(key: tuple[str, str, int]) -> str:
    scheme, kind, layer = key
    return f"{scheme}, {kind} of layer {layer}"


def _error_finding(table: pd.DataFrame) -> Finding:
    laws = error_laws(table)
    answers = {key: _agrees(law) for key, law in laws.items()}
    known = {key: law for key, law in laws.items() if math.isfinite(law.value)}
    if known:
        ordered = sorted(known, key=lambda key: _shown(known[key]))
        ends = " to ".join(f"{power(*known[key])} ({_place(key)})" for key in _ends(ordered))
        largest = table[table["width"] == table["width"].max()]["error"]
        agreeing = sum(answer is True for answer in answers.values())
        evidence = (
            f"fitted powers of n from {ends}, {agreeing} of {len(laws)} in agreement with "
            f"−0.5 ± {TOLERANCE}; at n = {table['width'].max()} the relative error is "
            f"{number(largest.min(), 2)} to {number(largest.max(), 2)}"
        )
    else:
        evidence = "too few widths to fit a power of n"
    return Finding(
        "here",
        "the kernels at initialisation approach the closed form as n^-1/2 in every layer "
        f"({_names(table)})",
        verdict(conjunction(answers.values())),
        evidence,
    )


def _shown(law: Estimate) -> float:
    """What orders powers: schemes with the same kernels differ by rounding, which names neither."""
    return round(law.value, 2)


def _ends(ordered: Sequence[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """The first and the last, once if they are the same."""
    return [*dict.fromkeys([ordered[0], ordered[-1]])]


def _positive_finding(table: pd.DataFrame) -> Finding:
    statement = (
        "at initialisation the n = ∞ kernels of h and x are positive definite in every layer "
        f"({_names(table)})"
    )
    limits = table.drop_duplicates(["scheme", "kind", "layer"])
    unresolved = limits[limits["limit_min_eig"].isna()]
    resolved = limits[limits["limit_min_eig"].notna()]
    if limits.empty:
        return Finding(
            "Theorem 4.5, t = 0", statement, verdict(None), "no kernel has a limit", "paper"
        )
    if len(unresolved):
        row = unresolved.iloc[0]
        evidence = (
            f"λ_min of {row['kind']} of layer {row['layer']} ({row['scheme']}) is below its "
            f"resolution of {number(row['limit_resolution'], 2)}, and cannot be told from 0"
        )
    else:
        least = resolved.sort_values("limit_min_eig").iloc[0]
        ratio = (resolved["limit_min_eig"] / resolved["limit_resolution"]).min()
        evidence = (
            f"the least λ_min is {number(least['limit_min_eig'])} ({least['kind']} of layer "
            f"{least['layer']}), {number(least['limit_min_eig'] / least['limit_mean_eig'], 2)} "
            f"of the mean eigenvalue; all are at least {number(ratio, 1)} times their resolution"
        )
    holds = None if len(unresolved) else True
    return Finding("Theorem 4.5, t = 0", statement, verdict(holds), evidence, "paper")


def least_error(table: pd.DataFrame) -> pd.DataFrame:
    """The largest |λ_min(K_n) / λ_min(K) - 1| over layers and kinds, where all are resolved.

    Args:
        table: kernels.csv.

    Returns:
        Columns scheme, width, seed, value. Kernels whose own least eigenvalue is not resolved, or
        varies with the width, take no part.
    """
    limited = with_limit(table)
    limited = limited[limited["limit_min_eig"].notna()]
    off = (limited["min_eig"] / limited["limit_min_eig"] - 1).abs()
    groups = limited.assign(value=off).groupby(["scheme", "width", "seed"], sort=False)["value"]
    return groups.agg(lambda values: values.max(skipna=False)).dropna().reset_index()


def _least_finding(table: pd.DataFrame) -> Finding:
    """Least eigenvalues are off by n^-1/2 (scatter) to n^-1 (their mean, below the limit)."""
    off = least_error(table)
    laws = {}
    for scheme, rows in off.groupby("scheme", sort=False):
        laws[str(scheme)] = fitted(rows[rows["value"] > 0], "value")
    known = {name: law for name, law in laws.items() if math.isfinite(law.value)}
    evidence = "too few widths to fit a power of n"
    if known:
        slowest = max(known, key=lambda name: _shown(known[name]))
        widest = off.loc[off["width"] == off["width"].max(), "value"]
        evidence = (
            "over layers and kinds the largest distance, relative to the limit, goes by the power "
            f"{power(*known[slowest])} of n ({slowest}) or faster, to "
            f"{number(widest.mean(), 2)} at n = {off['width'].max()}"
        )
    return Finding(
        "here",
        "the least eigenvalues of finite networks at initialisation approach those of the "
        f"n = ∞ kernels ({_names(with_limit(table))})",
        verdict(conjunction(falls(law) for law in laws.values())),
        evidence,
    )
