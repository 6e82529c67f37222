"""Corollary 4.6 at growing width: what it says that linear algebra does not.

In a step of gradient descent the output layer alone moves by as much as the error signals times
√λ_min(K^L): at a finite width, under every scheme of output rate η/n, an error is at most
the step over √(λ_min(K^L)/n). Rest says nothing of the error in the limit if that goes to zero, and
the limit of µP is of interest where its features are not those of initialisation. Thresholds are
ours, not the paper's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from infwidth.numbers import number, power, with_interval
from infwidth.theory.finding import Finding, conjunction, joint, negation, verdict
from infwidth.theory.powers import WidthLaw
from infwidth.theory.rest.names import FRACTIONS

# A time whose power of n is surely below this does not grow: from 256 to 2,048 units, by a quarter.
GROWS = 0.1
RUN = ["scheme", "width", "seed"]


def steps_until(place: int) -> str:
    """The column of the steps until an entry of `FRACTIONS` is left."""
    return f"steps_{place}"


RESULTS = (
    "rests", "left", "movement", "least", "retention", "bound", "change",
    *(steps_until(place) for place in range(len(FRACTIONS))),
)  # fmt: skip


def runs(table: pd.DataFrame) -> pd.DataFrame:
    """What each training came to.

    Args:
        table: rest_widths.csv.

    Returns:
        A row per run: `rests`, whether it ended with the last of `FRACTIONS` of its first error;
        `left`, of the first error; `movement`, its last step over its largest; `least`, the least
        λ_min(K^L)/n of the steps told, NaN where one is under its resolution; `retention`, that
        over the value at step 0; `bound`, 1/√least; `change` of the features at the end; and
        `steps_0`, ..., until each of `FRACTIONS`, NaN if it was not reached.
    """
    rows = [
        {**dict(zip(RUN, key, strict=True)), **_run(run.sort_values("step"))}
        for key, run in table.groupby(RUN, sort=False)
    ]
    return pd.DataFrame(rows, columns=[*RUN, *RESULTS])


def _run(run: pd.DataFrame) -> dict[str, float]:
    left = run["error_signal"] / run["error_signal"].iloc[0]
    resolved = bool((run["feature_min_eig"] > run["feature_resolution"]).all())
    least = float(run["feature_min_eig"].min()) if resolved else np.nan
    return {
        "rests": bool(left.iloc[-1] <= FRACTIONS[-1]),
        "left": float(left.iloc[-1]),
        "movement": float(run["weight_change"].iloc[-1] / run["largest_change"].iloc[-1]),
        "least": least,
        "retention": least / float(run["feature_min_eig"].iloc[0]),
        "bound": least**-0.5,
        "change": float(run["feature_change"].iloc[-1]),
        **{
            steps_until(place): float(run.loc[left <= fraction, "step"].min())
            for place, fraction in enumerate(FRACTIONS)
        },
    }


@dataclass(frozen=True)
class _Scheme:
    """How what a scheme's trainings came to depends on the width."""

    rested: int
    runs: int
    left: float
    movement: float
    laws: Mapping[str, WidthLaw]

    @classmethod
    def of(cls, own: pd.DataFrame) -> "_Scheme":
        measured = ("least", "retention", "bound", "change", steps_until(len(FRACTIONS) - 1))
        return cls(
            rested=int(own["rests"].sum()),
            runs=len(own),
            left=float(own["left"].max()),
            movement=float(own.loc[own["rests"], "movement"].max()),
            laws={name: WidthLaw.of(own, name) for name in measured},
        )

    @property
    def resting(self) -> bool:
        return self.rested == self.runs

    @property
    def keeps(self) -> bool | None:
        """Whether λ_min/n stays away from zero, as itself and beside its first value."""
        return conjunction(negation(self.laws[name].vanishes) for name in ("least", "retention"))

    @property
    def moves(self) -> bool | None:
        return negation(self.laws["change"].vanishes)

    @property
    def quick(self) -> bool | None:
        """Whether the time to rest does not grow with the width; None if some do not rest."""
        law = self.laws[steps_until(len(FRACTIONS) - 1)].power
        if not self.resting or (law.low <= GROWS <= law.high) or not np.isfinite(law.high):
            return None
        return law.high < GROWS

    @property
    def told(self) -> str:
        rest = f"{self.rested} of {self.runs} runs came to rest"
        if self.resting:
            return f"{rest}, their last step at most {number(self.movement, 2)} of the largest"
        return f"{rest}; up to {number(self.left, 2)} of the first error is left in the others"

    def goes(self, name: str) -> str:
        law = self.laws[name]
        if not np.isfinite(law.power.value):
            return "is known at too few widths for a power of n"
        return f"∝ n^{power(*law.power)}, {with_interval(*law.level)} at the largest width"


def findings(table: pd.DataFrame) -> list[Finding]:
    """What rest_widths.csv says of µP, and of the other schemes beside it."""
    ended = runs(table)
    schemes = {str(name): _Scheme.of(own) for name, own in ended.groupby("scheme", sort=False)}
    widths = sorted(set(ended["width"]))
    where = f"N = {table['samples'].iloc[0]}, n = {widths[0]} to {widths[-1]}"
    mup = schemes.pop("µP")
    fraction = f"{FRACTIONS[-1]:g}"
    rests = f"(rest: {fraction} of the largest first error signal)"
    kept = conjunction([True if mup.resting else None, mup.keeps, mup.moves])
    return [
        Finding(
            "Corollary 4.6",
            "on µP's way to rest λ_min(x^L)/n stays away from zero as the width grows, while the "
            "features move",
            verdict(kept),
            f"{where}: {mup.told} {rests}; the least λ_min(x^L)/n on the way "
            f"{mup.goes('least')}, relative to its value at the start {mup.goes('retention')}; "
            f"x^L changes {mup.goes('change')}",
            "follows",
        ),
        _beyond_linear_algebra(mup, kept, schemes, where),
        *_times(mup, schemes, f"{where}, η at half of the edge of stability"),
    ]


def _beyond_linear_algebra(
    mup: _Scheme, kept: bool | None, others: Mapping[str, _Scheme], where: str
) -> Finding:
    """Whether µP alone has a bound that holds at n = ∞ and features other than the initial ones."""
    apart = [negation(conjunction([other.keeps, other.moves])) for other in others.values()]
    each = "; ".join(
        f"{name}: bound ∝ n^{power(*scheme.laws['bound'].power)}, "
        f"{number(scheme.laws['bound'].level.value, 2)} at the largest width, features change "
        f"∝ n^{power(*scheme.laws['change'].power)}"
        for name, scheme in {"µP": mup, **others}.items()
    )
    statement = (
        "linear algebra bounds the error by the step over √(λ_min(x^L)/n) under every scheme at a "
        "finite width; the corollary says that under µP, and of these schemes there alone, the "
        "bound outlasts n → ∞ with features that move"
    )
    return Finding(
        "Corollary 4.6",
        statement,
        verdict(conjunction([kept, *apart])),
        f"{where}; 1/√(λ_min(x^L)/n), at its largest on the way, is the bound. {each}",
        "follows",
    )


def _times(mup: _Scheme, others: Mapping[str, _Scheme], where: str) -> list[Finding]:
    """How long rest takes, under µP and under the others."""

    def told(scheme: _Scheme) -> str:
        return f"{scheme.goes(steps_until(len(FRACTIONS) - 1))} ({scheme.told})"

    statement = f"steps until {FRACTIONS[-1]:g} of the first error is left do not grow with n"
    found = [
        Finding("here", f"µP: {statement}", verdict(mup.quick), f"{where}: {told(mup)}", "here")
    ]
    if others:
        answers = {each: scheme.quick for each, scheme in others.items()}
        grade = joint(answers.values())
        against = ", ".join(each for each, answer in answers.items() if answer is not True)
        found.append(
            Finding(
                "here",
                f"{', '.join(others)}: {statement}",
                grade,
                f"{where}. " + "; ".join(f"{each}: {told(others[each])}" for each in others),
                "here",
                f"the scheme: not shown of {against}" if grade == "depends" else "",
            )
        )
    return found
