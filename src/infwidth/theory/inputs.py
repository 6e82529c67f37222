"""Assumption 4.1: which inputs the theorem is about, and what becomes of others.

The assumption asks for |<ξ_i, ξ_j>| to be non-zero and, for each i, distinct over j. Whether a data
set meets it is arithmetic. Whether it has to is asked here, of inputs that violate it on purpose:
after a training under µP, are the features still linearly independent? What is expected follows
from symmetries that hold at every step, since h^1 = W^1 ξ is linear in ξ:

- equal inputs have equal features, in every layer;
- ξ and -ξ have opposite h^1; if φ is odd, opposite features in every layer;
- if φ(h) + φ(-h) = c, two such pairs have x_1 + x_2 = x_3 + x_4 in the first layer, and the same
  of h = W x in the second.

Nothing of the kind follows from orthogonal inputs, or from two equal inner products.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from infwidth.activations import ACTIVATIONS
from infwidth.datasets.prepare import Inputs, PreparedDataset, parallel_pairs
from infwidth.features import KINDS, reduce_snapshots
from infwidth.paper.numbers import number
from infwidth.precision import PRECISIONS
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.spectra import spectra
from infwidth.theory.finding import Finding, verdict
from infwidth.training import train

Array = NDArray[np.float64]

NONE, DUPLICATE, NEGATED = "none", "duplicate", "negated"
NEGATED_PAIRS, ORTHOGONAL, EQUAL = "two negated pairs", "orthogonal", "equal"

SEPARATION_COLUMNS = (
    "samples",
    "least_inner_product",
    "least_gap",
    "parallel_pairs",
    "resolution",
)
VIOLATION_COLUMNS = (
    "violation",
    "activation",
    "odd",
    "mirror_sum",
    "width",
    "samples",
    "seed",
    "step",
    "layer",
    "kind",
    "min_eig",
    "mean_eig",
    "feature_change",
    "resolution",
)
INDEPENDENT, DEPENDENT, UNKNOWN = "independent", "dependent", "unknown"

# Work in float64: dependence has to be told from a least eigenvalue that is merely small.
UNIT_ROUNDOFF = PRECISIONS["float64"].unit_roundoff
# An eigenvalue up to the resolution counts as zero, one from this many times it on does not. In
# between nothing is said; in practice there is nothing in between.
CLEAR = 100.0


def separation(inputs: Inputs) -> pd.DataFrame:
    """How well the first inputs meet Assumption 4.1, for growing numbers of them.

    Args:
        inputs: shape (N, d), N at least 2.

    Returns:
        A row for each of the first 2..N inputs, with columns `samples`; `least_inner_product`, the
        minimum of |<ξ_i, ξ_j>| over i < j; `least_gap`, the minimum of
        ||<ξ_i, ξ_j>| - |<ξ_i, ξ_k>|| over different i, j, k (NaN of two inputs); `parallel_pairs`,
        the number of pairs that are equal up to sign; `resolution`, the largest error that
        rounding can leave in an inner product: γ_d ‖ξ_i‖ ‖ξ_j‖ with γ_d = d u / (1 - d u)
        (Higham 2002, eq. 3.5); twice that in a gap.
    """
    count, dimension = inputs.shape
    products = np.abs(inputs @ inputs.T)
    parallel = parallel_pairs(inputs / np.linalg.norm(inputs, axis=1, keepdims=True))
    gamma = dimension * UNIT_ROUNDOFF / (1 - dimension * UNIT_ROUNDOFF)
    norms = np.square(inputs).sum(axis=1)
    least_product = least_gap = math.inf
    rows = []
    for new in range(1, count):
        own = products[new, :new]
        least_product = min(least_product, float(own.min()))
        least_gap = min(least_gap, _new_gap(products[: new + 1, : new + 1]))
        rows.append(
            (
                new + 1,
                least_product,
                least_gap if new > 1 else math.nan,
                sum(second <= new for _, second in parallel),
                gamma * float(norms[: new + 1].max()),
            )
        )
    return pd.DataFrame(rows, columns=list(SEPARATION_COLUMNS))


def _new_gap(products: Array) -> float:
    """The least gap that the last of these inputs takes part in: as i, or as one of j and k."""
    new = len(products) - 1
    if new < 2:
        return math.inf
    as_centre = np.diff(np.sort(products[new, :new])).min()
    gaps = np.abs(products[:new, :new] - products[:new, new, None])
    np.fill_diagonal(gaps, np.inf)
    return float(min(as_centre, gaps.min()))


def _duplicate(inputs: Inputs) -> None:
    inputs[1] = inputs[0]


def _negated(inputs: Inputs) -> None:
    inputs[1] = -inputs[0]


def _negated_pairs(inputs: Inputs) -> None:
    _negated(inputs)
    inputs[3] = -inputs[2]


def _orthogonal(inputs: Inputs) -> None:
    inputs[1] = _across(inputs[1], inputs[0])


def _equal(inputs: Inputs) -> None:
    """Turn ξ_3 in the plane it spans with ξ_1 until it has the inner product that ξ_2 has."""
    cosine = float(inputs[0] @ inputs[1])
    inputs[2] = cosine * inputs[0] + math.sqrt(1 - cosine**2) * _across(inputs[2], inputs[0])


def _across(vector: Array, unit: Array) -> Array:
    """The direction of the part of a vector that is orthogonal to a unit vector."""
    part = vector - (vector @ unit) * unit
    part -= (part @ unit) * unit  # what rounding left, where the part is small
    across: Array = part / np.linalg.norm(part)
    return across


VIOLATIONS: Mapping[str, Callable[[Inputs], None]] = MappingProxyType(
    {
        NONE: lambda inputs: None,
        DUPLICATE: _duplicate,
        NEGATED: _negated,
        NEGATED_PAIRS: _negated_pairs,
        ORTHOGONAL: _orthogonal,
        EQUAL: _equal,
    }
)


def violating(data: PreparedDataset, violation: str) -> PreparedDataset:
    """The data with training inputs that violate the assumption; every label is kept.

    Args:
        data: at least four training inputs of unit norm.
        violation: one of `VIOLATIONS`.
    """
    inputs = data.train_inputs.copy()
    VIOLATIONS[violation](inputs)
    return replace(data, train_inputs=inputs)


def mirror_sum(activation: str) -> float:
    """The constant that φ(h) + φ(-h) is on a grid, 0 for an odd φ; NaN if it is none.

    >>> mirror_sum("tanh"), mirror_sum("sigmoid"), mirror_sum("silu")
    (0.0, 1.0, nan)
    """
    grid = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    value = ACTIVATIONS[activation].value
    sums = value(grid) + value(-grid)
    rounding = 8 * UNIT_ROUNDOFF * float(value(grid).abs().max())
    middle = float(sums[len(grid) // 2])
    return middle if float((sums - middle).abs().max()) <= rounding else math.nan


def violations(
    data: PreparedDataset,
    width: int,
    seeds: Sequence[int],
    recipe: Recipe,
    activations: Sequence[str],
) -> pd.DataFrame:
    """Train µP on inputs that violate the assumption, one way each, and on those that do not.

    Args:
        data: prepared images and labels; at least four training inputs.
        width: n.
        seeds: one replica each.
        recipe: how to train; the precision is made float64, and the batch the whole set.
        activations: φ of one training each.

    Returns:
        A row per violation, activation, seed, step (the first and the last), layer and kind (h or
        x): `odd` tells whether φ(-h) = -φ(h) and `mirror_sum` is as from the function of that
        name; `min_eig` and `mean_eig` are eigenvalues of the features' Gram matrix over n;
        `feature_change` is the mean of ‖h^t - h^0‖ / ‖h^0‖; `resolution` is the least eigenvalue
        that is told from zero. NaN where a replica diverged.
    """
    rows: list[dict[str, object]] = []
    for violation in VIOLATIONS:
        changed = violating(data, violation)
        for activation in activations:
            mirrored = mirror_sum(activation)
            common: dict[str, object] = {
                "violation": violation,
                "activation": activation,
                "odd": mirrored == 0,
                "mirror_sum": mirrored,
                "width": width,
                "samples": len(data.train_labels),
            }
            how = replace(
                recipe,
                activation=activation,
                precision="float64",
                layer="dense",
                device="cpu",
                batch_size=None,
                snapshots=2,
            )
            label = f"{violation}, {activation}"
            rows += [common | row for row in _rows(changed, width, seeds, how, label)]
    return pd.DataFrame(rows, columns=list(VIOLATION_COLUMNS))


def _rows(
    data: PreparedDataset, width: int, seeds: Sequence[int], recipe: Recipe, label: str
) -> Iterator[dict[str, object]]:
    record = train(data, SCHEMES["µP"], width, seeds, recipe, label)
    factors = reduce_snapshots(record.initial, record.change)
    for index, step in enumerate(record.steps):
        # A product of n terms has a relative error of √n u beside Σ|w x| (Higham & Mary 2019),
        # which is √n times the size of its result; and every step has added its own.
        found = spectra(factors[index], width, (int(step) + 1) * width * UNIT_ROUNDOFF)
        for kind, layer, replica in np.ndindex(found.resolution.shape):
            place = kind, layer, replica
            yield {
                "seed": int(record.seeds[replica]),
                "step": int(step),
                "layer": layer + 1,
                "kind": KINDS[kind],
                "min_eig": found.gram[place][0],
                "mean_eig": found.gram[place].mean(),
                "feature_change": found.feature_change[place],
                "resolution": found.resolution[place],
            }


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
        evidence=f"of {int(last['samples'])} inputs the least |<ξ_i, ξ_j>| is {number(product)}, "
        f"the least difference {number(gap)}, beside a rounding of at most "
        f"{number(resolution, 2)}; {int(last['parallel_pairs'])} pairs are equal up to sign",
    )


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
        largest = number(float(ratio[dependent].max()), 2)
        text += f"; there λ_min is at most {largest} of the mean eigenvalue"
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
