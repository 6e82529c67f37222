"""Theorem 4.5: whether least eigenvalues stay above zero at n = ∞, and where they fall.

A limit counts as above zero where the interval of the exponent, or of the paired one if that is
narrower, does not reach below `SLOW`, its own lies above the resolution, and a fall as n^`FALLING`
would have been seen. It counts as zero where one of these intervals lies below `FALLING`. In
between a slow fall and a slow approach to a limit look alike, and nothing is concluded. Rules and
thresholds are ours.
"""

import math
from collections.abc import Iterator

import pandas as pd

from infwidth.measures.claims import CLAIMS
from infwidth.measures.estimate import Estimate
from infwidth.measures.metrics import headline
from infwidth.numbers import number, power, with_interval
from infwidth.theory.finding import Finding, verdict
from infwidth.theory.independence.fits import FALLING, narrower

MUP = "µP"
# A power of n that is not below this stays: over eight times the width n^-0.1 loses a fifth.
SLOW = -0.1


def findings(table: pd.DataFrame) -> list[Finding]:
    """Whether λ_min has a limit above zero throughout, under each scheme and activation.

    Under µP this is Theorem 4.5; of the other schemes it is what Table 1 claims, or ours.

    Args:
        table: as from `independence_table`; several, one below the other.
    """
    found = []
    for (_, activation, scheme), rows in _trainings(table):
        claim = CLAIMS[scheme]["feature_diversity"] if scheme in CLAIMS else None
        with_what = f"{scheme} with {activation}, N = {rows['samples'].iloc[0]}"
        if claim is not None and "collapsed" in claim.agreeing:
            last = headline(rows)
            found.append(
                Finding(
                    source="Table 1",
                    statement=f"{with_what}: the last layer's features become linearly "
                    "dependent at n = ∞",
                    verdict=verdict(_dependent(last)),
                    evidence=_fall(last),
                    origin="follows",
                )
            )
            continue
        found.append(
            Finding(
                source="Theorem 4.5" if scheme == MUP else "Table 1" if claim else "here",
                statement=f"{with_what}: h and x of every hidden layer stay linearly "
                "independent at n = ∞ at every step",
                verdict=verdict(independent(rows)),
                evidence=least(rows),
                origin="paper" if scheme == MUP else "follows" if claim else "here",
            )
        )
    return found


def _trainings(table: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str], pd.DataFrame]]:
    for key, rows in table.groupby(["training", "activation", "scheme"], sort=False):
        training, activation, scheme = map(str, key)
        yield (training, activation, scheme), rows


def independent(rows: pd.DataFrame) -> bool | None:
    """Whether every limit is above zero; None where some are not determined."""
    if _gone(rows).any():
        return False
    above = (_deciding(rows)["low"] >= SLOW) & (rows["limit_low"] > rows["resolution"])
    seen = (rows["detectable"] < -FALLING) & (rows["unresolved"] == 0)
    return True if bool((above & seen).all()) else None


def _dependent(rows: pd.DataFrame) -> bool | None:
    """Whether the limit is zero at the last step."""
    last = rows[rows["step"] == rows["step"].max()]
    if _gone(last).all():
        return True
    return False if bool((_deciding(last)["low"] >= SLOW).all()) else None


def _gone(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Where λ_min vanishes: it falls with the width, or is under resolution at every width."""
    never_seen = rows["smallest_seen"].isna() & (rows["unresolved"] > 0)
    return (rows["ci_high"] < FALLING) | (rows["paired_high"] < FALLING) | never_seen


def _deciding(rows: pd.DataFrame) -> pd.DataFrame:
    """Columns value, low, high: of the exponent or the paired one, whichever is known better."""
    chosen = [
        narrower(Estimate.of(row, "exponent", "ci"), Estimate.of(row, "paired_exponent", "paired"))
        for _, row in rows.iterrows()
    ]
    return pd.DataFrame(chosen, columns=["value", "low", "high"], index=rows.index)


def least(rows: pd.DataFrame) -> str:
    """Where the limits are least and fall fastest."""
    gone = rows[_gone(rows)]
    if len(gone):
        first = gone.iloc[gone["step"].argmin()]
        how = f"under {number(first['resolution'], 2)} at every width"
        if first["smallest_seen"] > 0:
            how = f"b = {_interval_words(first, 'exponent', 'ci')}"
        return (
            f"it vanishes in {len(gone)} of {len(rows)} cases, first in layer {first['layer']}, "
            f"{first['kind']}, step {first['step']}: {how}"
        )
    if rows["exponent"].isna().all():
        return f"too few widths to extrapolate from ({rows['widths'].max()})"
    deciding = _deciding(rows)
    place = int(deciding["low"].fillna(deciding["value"]).argmin())
    steepest, reached = rows.iloc[place], Estimate(*deciding.iloc[place])
    change = number(headline(rows)["feature_change"].iloc[-1])
    parts = [
        f"over {rows['step'].nunique()} steps up to {rows['step'].max()}, in which h^L changed by "
        f"{change} of itself, the exponent in n that reaches lowest is "
        f"{power(*reached)} ({_place(steepest)})",
        seen(rows),
    ]
    if rows["limit"].notna().any():
        least = rows.iloc[int(rows["limit_low"].fillna(rows["limit"]).argmin())]
        limit = with_interval(*Estimate.of(least, "limit"))
        parts.append(
            f"the least limit of λ_min/n is {limit} ({_place(least)}), beside a resolution of "
            f"{number(rows['resolution'].max(), 2)}"
        )
    if rows["unresolved"].any():
        parts.append(f"{rows['unresolved'].sum()} values are under resolution")
    return "; ".join(parts)


def seen(rows: pd.DataFrame) -> str:
    """How steep a fall would have been seen, and in how many cases one was."""
    if rows["detectable"].isna().any():
        return "how steep a fall would have been seen is not known"
    fell = int((_deciding(rows)["high"] < 0).sum())
    return (
        f"a fall faster than {falling(rows['detectable'].max())} would have been seen in any case, "
        f"and the exponent's interval lies below 0 in {fell} of {len(rows)}"
    )


def falling(power: float) -> str:
    """A power of n that falls, rounded to what is seen for certain.

    >>> falling(0.0612)
    'n^−0.07'
    """
    return f"n^−{math.ceil(100 * power) / 100:.2f}"


def _fall(rows: pd.DataFrame) -> str:
    """How λ_min falls with n at the first and the last step, and what it falls under."""
    ordered = rows.sort_values("step")
    first, last = ordered.iloc[0], ordered.iloc[-1]
    starts, ends = (
        f"{_interval_words(row, 'exponent', 'ci')} at step {row['step']}" for row in (first, last)
    )
    parts = [f"λ_min/n ∝ n^b, b = {starts} and {ends}"]
    if pd.notna(last["detectable"]):
        parts.append(f"at the end a fall faster than {falling(last['detectable'])} would be seen")
    collapsed = ordered[ordered["ratio_high"] < FALLING]
    if len(collapsed):
        start = collapsed.iloc[0]
        parts.append(
            "over the mean eigenvalue it falls, too, from step "
            f"{start['step']} on (b = {_interval_words(start, 'ratio_exponent', 'ratio')})"
        )
    else:
        parts.append("over the mean eigenvalue it is not seen to fall")
    lost = ordered[ordered["unresolved"] > 0]
    for width in sorted(set(lost["unresolved_from"])):
        step = lost.loc[lost["unresolved_from"] <= width, "step"].min()
        parts.append(f"under its resolution from step {step} on at n ≥ {width:.0f}")
    if lost.empty:
        parts.append(
            f"it stays above its resolution ({number(last['smallest_seen'], 2)} at the least, "
            f"against {number(last['resolution'], 2)})"
        )
    return "; ".join(parts)


def _place(row: "pd.Series[float]") -> str:
    return f"layer {row['layer']}, {row['kind']}, step {row['step']}"


def _interval_words(row: "pd.Series[float]", name: str, ends: str) -> str:
    return power(*Estimate.of(row, name, ends))
