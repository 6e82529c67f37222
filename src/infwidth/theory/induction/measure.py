"""The proof's induction at finite width, as the theorem assumes and with each hypothesis broken.

What the proof says of the n = ∞ network is looked at in networks of growing width: see
`infwidth.theory.induction.chain`. The hypotheses that are broken, one at a time:

- inputs that are not parallel (Assumption 4.1): one twice, or beside its negative;
- an activation that is GOOD (Assumption 4.3): φ(h) + φ(-h) = 1 of sigmoid, on two pairs of opposite
  inputs; without such pairs no constant sum comes up, biases being zero. And φ(h) = h;
- labels are free in the theorem. Where φ is linear they are not: dh of the last layer is then
  W_outᵀ χ(ξ_i), the same of all samples of one label as n → ∞.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from infwidth.datasets.prepare import Labels, PreparedDataset
from infwidth.network.activations import Activation
from infwidth.recipe import Recipe
from infwidth.theory.induction.chain import Chain, chain
from infwidth.theory.induction.names import (
    CONSTANT_SUM,
    DUPLICATE,
    GAUSSIANITY,
    INDEPENDENCE,
    LINEAR,
    LINEAR_ONE_LABEL,
    NEGATED,
    ONE_LABEL,
    REGULAR,
)
from infwidth.theory.induction.testing import gaussianity, independence
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.setting import first_samples, with_activation

COLUMNS = (
    "case", "width", "seed", "training_step", "proof_step", "layer", "direction", "value",
    "resolution", "fails",
)  # fmt: skip
TEST_COLUMNS = (
    "test", "width", "seed", "training_step", "layer", "direction", "statistic", "p_value",
    "detectable",
)  # fmt: skip

IDENTITY = Activation(torch.clone, lambda h, x: torch.ones_like(h))


@dataclass(frozen=True)
class Case:
    """A training for the induction.

    Attributes:
        data: what becomes of the data.
        activation: of the recipe, if it is not the experiment's.
        phi: φ, if no recipe has a name for it.
    """

    data: Callable[[PreparedDataset], PreparedDataset]
    activation: str | None = None
    phi: Activation | None = None


def _unchanged(data: PreparedDataset) -> PreparedDataset:
    return data


def _duplicate(data: PreparedDataset) -> PreparedDataset:
    """The first input twice, with labels that differ: equal ones would make dh equal, too."""
    inputs, labels = data.train_inputs.copy(), data.train_labels.copy()
    inputs[1], labels[1] = inputs[0], (labels[0] + 1) % data.classes
    return replace(data, train_inputs=inputs, train_labels=labels)


def _negated(data: PreparedDataset, *places: int) -> PreparedDataset:
    """Inputs that become the negatives of those before them."""
    inputs = data.train_inputs.copy()
    for place in places:
        inputs[place] = -inputs[place - 1]
    return replace(data, train_inputs=inputs)


def _labelled(data: PreparedDataset, labels: Labels) -> PreparedDataset:
    return replace(data, train_labels=labels % data.classes)


CASES = {
    REGULAR: Case(_unchanged),
    DUPLICATE: Case(_duplicate),
    NEGATED: Case(lambda data: _negated(data, 1), "silu"),
    CONSTANT_SUM: Case(lambda data: _negated(data, 1, 3), "sigmoid"),
    ONE_LABEL: Case(lambda data: _labelled(data, 0 * data.train_labels)),
    LINEAR: Case(lambda data: _labelled(data, np.arange(len(data.train_labels))), phi=IDENTITY),
    LINEAR_ONE_LABEL: Case(lambda data: _labelled(data, 0 * data.train_labels), phi=IDENTITY),
}


def induction_tables(
    data: PreparedDataset, widths: Sequence[int], seeds: int, tested: int, recipe: Recipe
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Go through the proof with every case, width and seed.

    Args:
        data: at least four training inputs of unit norm.
        widths: n.
        seeds: how many.
        tested: of how many seeds innovations are tested, at the largest width.
        recipe: how to train.

    Returns:
        Columns `COLUMNS`: a row per case, width, seed and family in the order of the proof. `value`
        is λ_min of the Gram matrix of the family's vectors, at unit length, so that the mean
        eigenvalue is 1; `resolution` what of it is rounding, and `fails` whether it is no more.

        Columns `TEST_COLUMNS`: a row per test of an innovation of the regular case. `statistic` and
        `p_value` are as in `testing`; `detectable` is the correlation that would have been seen.
    """
    rows: list[tuple[object, ...]] = []
    tests: list[tuple[object, ...]] = []
    for name, case in CASES.items():
        if name == LINEAR and len(data.train_labels) > data.classes:
            continue  # there are not as many labels
        how = recipe if case.activation is None else with_activation(recipe, case.activation)
        changed = case.data(data)
        for width in widths:
            for seed in range(seeds):
                seen = chain(changed, width, seed, how, case.phi)
                for each in seen.families:
                    value, resolution = each.least_eigenvalue()
                    place = each.training_step, each.proof, each.layer, each.direction
                    rows.append((name, width, seed, *place, value, resolution, value <= resolution))
                if name == REGULAR and width == max(widths) and seed < tested:
                    tests += [(test, width, seed, *row) for test, *row in _tests(seen, seed)]
    return pd.DataFrame(rows, columns=[*COLUMNS]), pd.DataFrame(tests, columns=[*TEST_COLUMNS])


def _tests(seen: Chain, seed: int) -> Iterator[tuple[object, ...]]:
    """Both tests of every innovation."""
    rng = np.random.default_rng([seed, len(seen.innovations)])
    for each in seen.innovations:
        place = each.training_step, each.layer, each.direction
        statistic, p_value, detectable = independence(each.news, each.held, rng)
        yield INDEPENDENCE, *place, statistic, p_value, detectable
        yield GAUSSIANITY, *place, *gaussianity(each.news), np.nan


def measured(files: Files, settings: Settings) -> Tables:
    """The tables of the statement."""
    tables = induction_tables(
        first_samples(files.dataset(), settings["samples"]),
        settings["widths"],
        settings["seeds"],
        settings["few_seeds"],
        Recipe(**settings["recipe"]),
    )
    return dict(zip(("induction", "induction_tests"), tables, strict=True))
