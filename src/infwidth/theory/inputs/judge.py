"""Assumption 4.1: whether the inputs meet it, and what violations of it make dependent.

What is expected of a violation follows from symmetries that hold at every step, since h^1 = W^1 ξ
is linear in ξ:

- equal inputs have equal features, in every layer;
- ξ and -ξ have opposite h^1; if φ is odd, opposite features in every layer;
- if φ(h) + φ(-h) = c, two such pairs have x_1 + x_2 = x_3 + x_4 in the first layer, and the same
  of h = W x in the second.

Nothing of the kind follows from orthogonal inputs, or from two equal inner products.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from infwidth.numbers import number
from infwidth.theory.finding import Finding, verdict
from infwidth.theory.inputs.names import DUPLICATE, EQUAL, NEGATED, NEGATED_PAIRS, NONE, ORTHOGONAL

INDEPENDENT, DEPENDENT, UNKNOWN = "independent", "dependent", "unknown"
# An eigenvalue up to the resolution counts as zero, one from this many times it on does not. In
# between nothing is said; in practice there is nothing in between.
CLEAR = 100.0


def broken(violations: pd.DataFrame) -> pd.DataFrame:
    """Which features each violation makes dependent: a table for readers.

    Args:
        violations: as from the function of that name.

    Returns:
        A row per violation and activation, with a column per layer and kind in the order of the
        forward pass (`h1`, `x1`, `h2`, ...): "independent" or "dependent" in every seed at the
        first and the last step, "unknown" where seeds differ or a value lies between; the two
        steps apart, "independent, then dependent", where they differ.
    """
    rows = [
        {"violation": violation, "activation": activation}
        | {place: state.words for place, state in found.items()}
        for (violation, activation), found in states(violations).items()
    ]
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class State:
    """Whether features are independent at the first and at the last step; None: unknown."""

    first: bool | None
    last: bool | None

    @property
    def words(self) -> str:
        """As a table says it."""
        words = {True: INDEPENDENT, False: DEPENDENT, None: UNKNOWN}
        first, last = words[self.first], words[self.last]
        return first if first == last else f"{first}, then {last}"

    @property
    def both(self) -> bool | None:
        """The state at both steps, None if it changes or is unknown."""
        return self.first if self.first == self.last else None


States = dict[str, State]


def states(violations: pd.DataFrame) -> dict[tuple[str, str], States]:
    """The state of each layer and kind (`h1`, `x1`, `h2`, ...), by violation and activation."""
    keys = ["violation", "activation", "layer", "kind"]
    independent = violations["min_eig"] >= CLEAR * violations["resolution"]
    dependent = violations["min_eig"] <= violations["resolution"]
    flags = violations[[*keys, "step"]].assign(independent=independent, dependent=dependent)
    # In all seeds alike.
    alike = flags.groupby([*keys, "step"], sort=False)[["independent", "dependent"]].all()
    first, last = violations["step"].min(), violations["step"].max()
    told: dict[tuple[object, ...], bool | None] = {
        key: True if independent else False if dependent else None
        for key, independent, dependent in alike.itertuples(name=None)
    }
    found: dict[tuple[str, str], States] = {}
    names = violations[["violation", "activation"]].drop_duplicates()
    places = violations[["layer", "kind"]].drop_duplicates().sort_values(["layer", "kind"])
    for violation, activation in names.itertuples(index=False, name=None):
        own = found.setdefault((violation, activation), {})
        for layer, kind in places.itertuples(index=False, name=None):
            key = violation, activation, layer, kind
            own[f"{kind}{layer}"] = State(told.get((*key, first)), told.get((*key, last)))
    return found


def expected(violation: str, mirrored: float, layer: int, kind: str) -> bool:
    """Whether features should be independent, by the symmetries in the module's docstring.

    Args:
        violation: one of `VIOLATIONS`.
        mirrored: the activation's `mirror_sum`.
        layer: from 1.
        kind: h or x.
    """
    if violation == DUPLICATE:
        return False
    if violation not in (NEGATED, NEGATED_PAIRS):
        return True
    if mirrored == 0 or (layer, kind) == (1, "h"):
        return False
    summed = violation == NEGATED_PAIRS and not math.isnan(mirrored)
    return not (summed and (layer, kind) in ((1, "x"), (2, "h")))


# The verdict is on whether exactly the features that `expected` names are dependent, before the
# training and after it.
STATEMENTS: Mapping[str, str] = MappingProxyType(
    {
        NONE: "inputs that meet Assumption 4.1 keep h and x of every hidden layer independent at a "
        "finite width, before training and after it",
        DUPLICATE: "an input that occurs twice makes h and x of every hidden layer dependent, "
        "whatever the activation",
        NEGATED: "an input beside its negative makes h of the first layer dependent for every "
        "activation, and all that follows for odd ones alone",
        NEGATED_PAIRS: "two inputs beside their negatives make x of the first and h of the second "
        "layer dependent also where φ(h) + φ(−h) is a constant other than 0, and leave the rest "
        "as one does",
        ORTHOGONAL: "orthogonal inputs, which Assumption 4.1 excludes, keep all features "
        "independent at a finite width: it is sufficient, not necessary",
        EQUAL: "inputs with two equal inner products, which Assumption 4.1 excludes, keep all "
        "features independent at a finite width: it is sufficient, not necessary",
    }
)


def findings(separation: pd.DataFrame, violations: pd.DataFrame) -> list[Finding]:
    """Whether the inputs meet the assumption, and what each violation of it breaks.

    Args:
        separation: as from the function of that name.
        violations: likewise.
    """
    found = [_on_the_inputs(separation)]
    told = states(violations)
    for violation, rows in violations.groupby("violation", sort=False):
        own = {key: value for key, value in told.items() if key[0] == violation}
        held, exceptions = _as_expected(rows, own)
        found.append(
            Finding(
                source="here",
                statement=STATEMENTS[str(violation)],
                verdict=verdict(held),
                evidence=_evidence(rows, own) + exceptions,
            )
        )
    return found


def _on_the_inputs(separation: pd.DataFrame) -> Finding:
    last = separation.iloc[-1]
    product, gap, resolution = last["least_inner_product"], last["least_gap"], last["resolution"]
    held: bool | None = None
    # An inner product or a gap under the resolution may be zero; parallel inputs have such a gap.
    if last["parallel_pairs"] > 0:
        held = False
    elif product > resolution and (gap > 2 * resolution or math.isnan(gap)):
        held = True
    return Finding(
        source="Assumption 4.1",
        statement="the training inputs have inner products that are non-zero, and of different "
        "size for different partners of one input",
        verdict=verdict(held),
        evidence=f"of {int(last['samples'])} inputs the least |<ξ_i, ξ_j>| is "
        f"{_or_zero(product, resolution)}, the least difference {_or_zero(gap, 2 * resolution)}, "
        f"beside a rounding of at most {number(resolution, 2)}; {int(last['parallel_pairs'])} "
        "pairs are equal up to sign",
        origin="paper",
    )


def _or_zero(value: float, rounding: float) -> str:
    return "zero to rounding" if value <= rounding else number(value)


def _as_expected(
    rows: pd.DataFrame, own: Mapping[tuple[str, str], States]
) -> tuple[bool | None, str]:
    """Whether every state is the expected one, and where it is not."""
    held: bool | None = True
    exceptions = []
    # Not `first`, which skips NaN.
    mirrored = rows.drop_duplicates("activation").set_index("activation")["mirror_sum"]
    for (violation, activation), found in own.items():
        for place, state in found.items():
            kind, layer = place[0], int(place[1:])
            should = expected(violation, mirrored[activation], layer, kind)
            if state.both == should:
                continue
            against = (not should) in (state.first, state.last)
            held = False if against or held is False else None
            exceptions.append(f"{activation} {place} is {state.words}")
    if held and not _tells(str(rows["violation"].iloc[0]), list(mirrored)):
        held = None
        exceptions.append("no activation that tells the kinds apart")
    return held, "; but " + ", ".join(exceptions) if exceptions else ""


def _tells(violation: str, mirrored: Sequence[float]) -> bool:
    """Whether there are the activations that the statement distinguishes."""
    odd = any(value == 0 for value in mirrored)
    other = any(value != 0 for value in mirrored)
    shifted = any(value != 0 and not math.isnan(value) for value in mirrored)
    if violation == NEGATED:
        return odd and other
    return shifted if violation == NEGATED_PAIRS else True


def _evidence(rows: pd.DataFrame, own: Mapping[tuple[str, str], States]) -> str:
    """Which features are dependent with which activations, and the eigenvalues on either side."""
    patterns: dict[str, list[str]] = {}
    for (_, activation), found in own.items():
        gone = [place for place, state in found.items() if state.both is False]
        every = len(gone) == len(found)
        words = "everything" if every else ", ".join(gone) if gone else "nothing"
        patterns.setdefault(words, []).append(activation)
    parts = [f"{words} with {', '.join(names)}" for words, names in patterns.items()]
    dependent = rows["min_eig"] <= rows["resolution"]
    text = f"dependent: {'; '.join(parts)}"
    ratio = rows["min_eig"] / rows["mean_eig"]
    if dependent.any():
        resolution = float((rows["resolution"] / rows["mean_eig"])[dependent].max())
        text += (
            f"; there λ_min is under its resolution, at most {number(resolution, 2)} of the mean "
            "eigenvalue"
        )
    if not dependent.all():
        where = "elsewhere" if dependent.any() else "everywhere"
        least = number(float(ratio[~dependent].min()), 2)
        text += f"; {where} λ_min is at least {least} of the mean eigenvalue"
    moved = rows.loc[rows["step"] == rows["step"].max(), "feature_change"]
    return (
        f"{text} (n = {int(rows['width'].max())}, N = {int(rows['samples'].max())}, "
        f"{rows['seed'].nunique()} seeds, steps 0 and {int(rows['step'].max())}, in which features "
        f"moved by {number(float(moved.min()), 2)} to {number(float(moved.max()), 2)} of "
        "themselves)"
    )
