"""Whether NTP moves along its linearisation at n = ∞, and µP leaves it.

That features stay under NTP and move under µP is in Table 1 of Chen et al. (2025); the contrast of
the kernels and the thresholds are ours.
"""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from infwidth.measures.estimate import Estimate
from infwidth.numbers import number, power
from infwidth.theory.finding import Finding, Origin, negation, verdict
from infwidth.theory.linearised.names import COMPARED
from infwidth.theory.powers import as_sampling, falls, fitted

FEW = "too few widths, of trainings that reached the last step, to fit a power of n"


def findings(table: pd.DataFrame) -> list[Finding]:
    """What linearised.csv says of NTP and of µP."""
    change = "the relative change of the last hidden layer's h goes by the power"
    own = "the deviation from the equation with its own initial kernel goes by the power"
    errors = {name: kernel_error(table, name) for name in COMPARED}
    deviation = largest_deviation(table, "NTP")
    deviations = {name: largest_deviation(table, name, own=True) for name in COMPARED}
    changes = {name: last_change(table, name) for name in COMPARED}
    return [
        *(
            _finding(
                "here",
                f"{name}'s tangent kernel at initialisation approaches the closed form, which is "
                "NTP's and µP's alike, as n^-1/2 or faster",
                as_sampling,
                "the relative error goes by the power",
                values,
            )
            for name, values in errors.items()
        ),
        _finding(
            "Jacot et al. 2018",
            "NTP's network follows the linear equation of the n = ∞ tangent kernel: its deviation "
            "falls as n^-1/2 or faster",
            as_sampling,
            "the deviation goes by the power",
            deviation,
        ),
        _finding(
            "Table 1",
            "NTP's features do not move at n = ∞",
            falls,
            change,
            changes["NTP"],
        ),
        _finding(
            "here",
            "NTP's network does not leave its own linearisation at n = ∞",
            falls,
            own,
            deviations["NTP"],
        ),
        _finding(
            "here",
            "µP's network leaves its own linearisation at n = ∞ too",
            _stays,
            own,
            deviations["µP"],
        ),
        _finding(
            "Table 1",
            "µP's features move at n = ∞",
            _stays,
            change,
            changes["µP"],
        ),
    ]


def kernel_error(table: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """The relative error of Θ_n at initialisation.

    Args:
        table: linearised.csv.
        scheme: its name there.

    Returns:
        Columns width, seed, value.
    """
    rows = table[table["scheme"] == scheme].drop_duplicates(["width", "seed"])
    return rows.rename(columns={"kernel_error": "value"})[["width", "seed", "value"]]


def largest_deviation(table: pd.DataFrame, scheme: str, *, own: bool = False) -> pd.DataFrame:
    """The largest deviation over the steps, of the trainings that reached the last one.

    The largest, because both the network and its linearisation may end at zero loss, where they
    meet again whatever way they took.

    Args:
        table: linearised.csv.
        scheme: its name there.
        own: from the linear equation of the network's own initial kernel.

    Returns:
        Columns width, seed, value.
    """
    column = "own_deviation" if own else "deviation"
    runs = table[table["scheme"] == scheme].groupby(["width", "seed"], sort=False)
    values: pd.DataFrame = runs.agg(value=(column, "max"), last=("step", "max")).reset_index()
    finished = (values["last"] == table["step"].max()) & (values["value"] > 0)
    kept: pd.DataFrame = values.loc[finished, ["width", "seed", "value"]]
    return kept


def last_change(table: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """The last hidden layer's relative change at the last step; as `largest_deviation`."""
    rows = table[(table["scheme"] == scheme) & (table["step"] == table["step"].max())]
    changes = rows.rename(columns={"feature_change": "value"})[["width", "seed", "value"]]
    moved: pd.DataFrame = changes[changes["value"] > 0]
    return moved


def _stays(law: Estimate) -> bool | None:
    return negation(falls(law))


def _finding(
    source: str,
    statement: str,
    judge: Callable[[Estimate], bool | None],
    words: str,
    values: pd.DataFrame,
) -> Finding:
    """A finding whose numbers are a fitted power and the values at the ends of the widths."""
    law = fitted(values, "value")
    origin: Origin = "follows" if source == "Table 1" else "here"
    if not math.isfinite(law.value):
        return Finding(source, statement, verdict(None), FEW, origin)
    means = np.exp(np.log(values["value"]).groupby(values["width"]).mean())
    return Finding(
        source,
        statement,
        verdict(judge(law)),
        f"{words} {power(*law)} of n, from {number(means.iloc[0], 2)} at n = {means.index[0]} to "
        f"{number(means.iloc[-1], 2)} at n = {means.index[-1]}",
        origin,
    )
