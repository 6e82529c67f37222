"""Whether training has a rate at n = ∞, and how far it is from the tangent kernel's bound.

The paper has no rates; statements and thresholds are ours.
"""

from collections.abc import Mapping

import pandas as pd

from infwidth.numbers import number, power, with_interval
from infwidth.theory.finding import Finding, joint, negation, verdict
from infwidth.theory.powers import WidthLaw

# The late window begins where no more than this is left of the error, and the rates of its halves
# differ by no more than that part: otherwise there is no one rate yet.
LATE = 0.1
CURVED = 0.25
# Within this factor a rate is that of the bound.
TIGHT = 2.0


def settled(rates: pd.DataFrame) -> "pd.Series[bool]":
    """Which runs have come to fall exponentially."""
    halves = rates["second_half_rate"] / rates["first_half_rate"]
    return (rates["window_error"] <= LATE) & ((halves - 1).abs() <= CURVED)


def compared(rates: pd.DataFrame) -> pd.DataFrame:
    """rates.csv with `settled`, `of_bound`, `of_late_bound` and `slack`.

    The first two are the late rate over that of the kernel's bound, at initialisation and at the
    end; `slack` is the least mean rate over the bound's, under 1 where the bound was broken.
    """
    return rates.assign(
        settled=settled(rates),
        of_bound=rates["late_rate"] / rates["bound_rate"],
        of_late_bound=rates["late_rate"] / rates["late_bound_rate"],
        slack=rates["least_mean_rate"] / rates["bound_rate"],
    )


def findings(rates: pd.DataFrame, in_time: pd.DataFrame) -> list[Finding]:
    """What rates.csv says; losses_in_time.csv is drawn alone."""
    del in_time
    table = compared(rates)
    schemes = {str(name): own for name, own in table.groupby("scheme", sort=False)}
    where = (
        f"N = {int(table['samples'].iloc[0])}, n = {int(table['width'].min())} to "
        f"{int(table['width'].max())}"
    )
    return [
        *(_has_a_rate(name, own, where) for name, own in schemes.items()),
        _across(
            "the error stays under (1 - η λ_min(Θ_0)/N)^t of the first, Θ_0 being the tangent "
            "kernel at initialisation, at every step and the largest width",
            {name: _bounded(own) for name, own in schemes.items()},
            {name: _told(own, "slack") for name, own in schemes.items()},
            f"{where}; the least mean rate over the bound's",
        ),
        _across(
            f"late in training the error falls at that bound's rate, within a factor of {TIGHT:g}",
            {name: _tight(own, "of_bound") for name, own in schemes.items()},
            {name: _told(own, "of_bound") for name, own in schemes.items()},
            f"{where}; the late rate over the bound's",
        ),
        _across(
            "late in training the slowest direction of the tangent kernel as it then is sets the "
            f"rate, within a factor of {TIGHT:g}",
            {name: _tight(own, "of_late_bound") for name, own in schemes.items()},
            {name: _told(own, "of_late_bound") for name, own in schemes.items()},
            f"{where}; the late rate over that of λ_min(Θ) at the end",
        ),
    ]


def _has_a_rate(scheme: str, own: pd.DataFrame, where: str) -> Finding:
    """Whether every run settles, at a rate that does not vanish with the width."""
    law = WidthLaw.of(own, "late_rate")
    settled = int(own["settled"].sum())
    worst = float((own["second_half_rate"] / own["first_half_rate"] - 1).abs().max())
    return Finding(
        "here",
        f"{scheme}: late in training the error falls exponentially, at a rate per unit of η t that "
        "stays away from zero as the width grows",
        verdict(negation(law.vanishes) if settled == len(own) else None),
        f"{where}: {settled} of {len(own)} runs do, from at most {LATE:g} of the error on, the "
        f"rates of both halves differing by at most {number(100 * worst, 2)} % (allowed: "
        f"{100 * CURVED:g} %); "
        f"the rate goes {law}, with up to {number(float(own['error_left'].max()), 2)} of the error "
        "left at the end",
    )


def _widest(own: pd.DataFrame) -> pd.DataFrame:
    widest: pd.DataFrame = own[own["width"] == own["width"].max()]
    return widest


def _bounded(own: pd.DataFrame) -> bool | None:
    """Whether all seeds at the largest width keep the bound; not, if none does."""
    kept = _widest(own)["slack"] >= 1
    return bool(kept.iloc[0]) if kept.nunique() == 1 else None


def _tight(own: pd.DataFrame, ratio: str) -> bool | None:
    """Whether a ratio's interval at the largest width lies within `TIGHT`; not, if beyond.

    Within it for good only if all runs there have settled.
    """
    level = WidthLaw.of(own, ratio).level
    if level.low > TIGHT or level.high < 1 / TIGHT:
        return False
    within = level.low > 1 / TIGHT and level.high < TIGHT
    return True if within and bool(_widest(own)["settled"].all()) else None


def _told(own: pd.DataFrame, ratio: str) -> str:
    law = WidthLaw.of(own, ratio)
    return f"{with_interval(*law.level)} at the largest width, ∝ n^{power(*law.power)}"


def _across(
    statement: str, answers: Mapping[str, bool | None], told: Mapping[str, str], evidence: str
) -> Finding:
    """A statement asked of each scheme: it depends on the scheme where the answers differ."""
    grade = joint(answers.values())
    words = {True: "so under", False: "not under", None: "undetermined under"}
    depends = "; ".join(
        f"{word} {', '.join(name for name, given in answers.items() if given is answer)}"
        for answer, word in words.items()
        if answer in answers.values()
    )
    return Finding(
        "here",
        statement,
        grade,
        f"{evidence}: " + "; ".join(f"{name} {text}" for name, text in told.items()),
        depends_on=f"the scheme: {depends}" if grade == "depends" else "",
    )
