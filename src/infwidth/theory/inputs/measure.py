"""Assumption 4.1: which inputs the theorem is about, and what becomes of others.

The assumption asks for |<ξ_i, ξ_j>| to be non-zero and, for each i, distinct over j. Whether a data
set meets it is arithmetic. Whether it has to is asked here, of inputs that violate it on purpose:
after a training under µP, are the features still linearly independent? What is expected is said in
`infwidth.theory.inputs.judge`.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from infwidth.datasets.prepare import Inputs, PreparedDataset, parallel_pairs
from infwidth.measures.features import KINDS, reduce_snapshots
from infwidth.measures.spectra import spectra
from infwidth.network.activations import ACTIVATIONS
from infwidth.network.precision import PRECISIONS
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.theory.inputs.names import DUPLICATE, EQUAL, NEGATED, NEGATED_PAIRS, NONE, ORTHOGONAL
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.setting import first_samples
from infwidth.training.train import train

Array = NDArray[np.float64]

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

# Work in float64: dependence has to be told from a least eigenvalue that is merely small.
UNIT_ROUNDOFF = PRECISIONS["float64"].unit_roundoff


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


def measured(files: Files, settings: Settings) -> Tables:
    """Both tables of the statement.

    An odd activation and one that is not are looked at, at least: what a negated input does depends
    on it.
    """
    data = files.dataset()
    table = violations(
        first_samples(data, settings["samples"]),
        settings["width"],
        range(settings["few_seeds"]),
        Recipe(**settings["recipe"]),
        list(dict.fromkeys([*settings["activations"], "erf"])),
    )
    return {"separation": separation(data.probes), "violations": table}
