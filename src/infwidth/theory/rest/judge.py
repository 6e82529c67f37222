"""Corollary 4.6: whether rest and zero error come together, and what that rests on as n grows.

All thresholds are ours, not the paper's.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from infwidth.measures.power_law import fit_power_law
from infwidth.numbers import number, power
from infwidth.theory.finding import Finding, verdict
from infwidth.theory.rest.content import findings as of_growing_width
from infwidth.theory.rest.names import DUPLICATE, RATE_DECIMALS, REGULAR, REST, RUN, STATIONARY

# What counts as zero error at rest: what a step of `REST` allows at a movement per error, r_t of
# `infwidth.theory.rest.measure`, of 1e-3. It is of order one where features are.
ZERO = REST / 1e-3
# A conflict of two labels cannot leave less: with one-hot targets half their distance, √2 / 2, at
# both copies, and the first error is of order one. Half of the first error and more is an error
# that stays.
STAYS = 0.5
# An exponent below this is a movement that vanishes with the width; the law expected of IP with L
# hidden layers is r_0 ∝ n^(-(L-2)/2).
VANISHES = -0.5


def findings(table: pd.DataFrame, widths: pd.DataFrame) -> list[Finding]:
    """What the runs say.

    Args:
        table: rest.csv.
        widths: rest_widths.csv.
    """
    return [*with_few_samples(table), *of_growing_width(widths)]


def with_few_samples(table: pd.DataFrame) -> list[Finding]:
    """Of rest.csv: a finding per activation of µP, and the exceptions."""
    table = table.round(RATE_DECIMALS)
    mup = table[(table["case"] == REGULAR) & (table["scheme"] == "µP")]
    found = [
        _together(runs, str(activation))
        for activation, runs in mup.groupby("activation", sort=False)
    ]
    for case, judge in ((DUPLICATE, _conflict), (STATIONARY, _stationary)):
        runs = table[table["case"] == case]
        if len(runs):
            found.append(judge(runs))
    return found


@dataclass(frozen=True)
class _Ending:
    """Where one run ended."""

    rests: bool
    movement: float  # the last step relative to the largest
    error: float  # the last error signal relative to the first
    least_ratio: float


def _endings(table: pd.DataFrame) -> list[_Ending]:
    return [_ending(run.sort_values("step")) for _, run in table.groupby(RUN, sort=False)]


def _ending(run: pd.DataFrame) -> _Ending:
    movement = run["weight_change"].iloc[-1] / run["largest_change"].iloc[-1]
    return _Ending(
        rests=bool(movement <= REST),
        movement=float(movement),
        error=float(run["error_signal"].iloc[-1] / run["error_signal"].iloc[0]),
        least_ratio=float(run["movement_per_error"].min()),
    )


def _together(table: pd.DataFrame, activation: str) -> Finding:
    """Whether rest and zero error come together in all runs with an activation."""
    ends = _endings(table)
    separate = bool((table["parallel_pairs"] == 0).all())
    rested = [end for end in ends if end.rests]
    held: bool | None = None
    # A run still under way may be heading for a rest of either kind.
    if any(end.error > ZERO for end in rested):
        held = False
    elif len(rested) == len(ends):
        held = True
    rates = ", ".join(f"{rate:g}" for rate in sorted(set(table["learning_rate"])))
    sizes = sorted(set(table["batch_size"]), reverse=True)
    samples = int(table["samples"].iloc[0])
    batches = ", ".join("full batch" if size == samples else f"batches of {size}" for size in sizes)
    evidence = (
        f"{len(rested)} of {len(ends)} runs (η = {rates}; {batches}; "
        f"{table['seed'].nunique()} seeds, n = {int(table['width'].max())}, {samples} samples) "
        f"came to rest within {int(table['step'].max())} steps; "
    )
    for those, what in (
        (rested, "there"),
        ([end for end in ends if not end.rests], "in the others"),
    ):
        if those:
            left = number(max(end.error for end in those), 2)
            evidence += f"{what} at most {left} of the first error is left; "
    evidence += f"λ_min(x^L)/n is {_least(table)} or more"
    if not separate:
        evidence += "; but there are inputs equal up to sign, which Assumption 4.1 excludes"
    return Finding(
        "Corollary 4.6",
        "where µP's training of separate inputs comes to rest, the error signal of every sample is "
        f"zero ({activation})",
        verdict(held if separate else None),
        evidence,
        "paper",
    )


def _conflict(table: pd.DataFrame) -> Finding:
    """Whether the duplicate rests on its error, for want of independent features."""
    ends = _endings(table)
    last = table.loc[table.groupby(RUN, sort=False)["step"].idxmax()]
    pairs = int(table["parallel_pairs"].min())
    dependent = bool((last["feature_min_eig"] <= last["feature_resolution"]).all())
    held: bool | None = None
    if all(end.rests for end in ends):
        held = pairs > 0 and dependent and all(end.error >= STAYS for end in ends)
    largest = (
        f"under its resolution, at most {number(float(last['feature_resolution'].max()), 2)}"
        if dependent
        else f"{number(float(last['feature_min_eig'].max()), 2)} or less"
    )
    evidence = (
        f"{sum(end.rests for end in ends)} of {len(ends)} runs came to rest with "
        f"{number(min(end.error for end in ends), 2)} of the first error left or more; movement "
        f"per error falls to {number(max(end.least_ratio for end in ends), 2)}; {pairs} pair of "
        f"parallel inputs, and λ_min(x^L)/n at rest is {largest}"
    )
    statement = (
        "an input that occurs twice with conflicting labels, which Assumption 4.1 excludes, lets "
        "µP's training rest on an error, its features being dependent"
    )
    return Finding("here", statement, verdict(held), evidence)


def _stationary(table: pd.DataFrame) -> Finding:
    """Whether the movement at an unchanged error vanishes with the width."""
    widths = sorted(int(width) for width in table["width"].unique())
    groups = [table[table["width"] == width] for width in widths]
    moves = [
        group.groupby("seed")["movement_per_error"].max().to_numpy(dtype=np.float64)
        for group in groups
    ]
    law = fit_power_law(widths, moves, None).exponent
    ends = _endings(table)
    layers = int(table["hidden_layers"].iloc[0])
    held: bool | None = None
    if math.isfinite(law.high):
        held = law.high < VANISHES and min(end.error for end in ends) >= STAYS
    evidence = (
        f"over {int(table['step'].max())} steps movement per error is at most "
        f"{number(float(moves[0].max()), 2)} at n = {widths[0]} and "
        f"{number(float(moves[-1].max()), 2)} at n = {widths[-1]}, a power {power(*law)} of n "
        f"(expected {power(-(layers - 2) / 2, math.nan, math.nan)}); "
        f"{number(min(end.error for end in ends), 3)} of the first error stays; λ_min(x^L)/n is "
        f"{_least(groups[-1])} at the largest width"
    )
    statement = (
        f"IP with {layers} hidden layers, which is not µP, approaches as the width grows a start "
        "at rest on its error"
    )
    return Finding("here", statement, verdict(held), evidence)


def _least(table: pd.DataFrame) -> str:
    """The least λ_min(x^L)/n, or what it is under."""
    least, resolution = min(zip(table["feature_min_eig"], table["feature_resolution"], strict=True))
    return (
        number(least, 2) if least > resolution else f"under its resolution {number(resolution, 2)}"
    )
