"""What a few questions about a world tell of a cell: a small tree, tried on worlds it never saw.

Held out is a fifth of the worlds at a time. Numbers and seeds here are ours.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import nan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from infwidth.multiverse.outcomes import Cell
from infwidth.multiverse.robustness.contrasts import LEAST_WORLDS, numeric, ordered
from infwidth.multiverse.robustness.shares import Share

DEPTH = 3
# What a question takes off the Gini impurity of all worlds, at least: others tell of chance.
LEAST_GAIN = 0.005
FOLDS = 5
SHUFFLES = 10
SEED = 0


@dataclass(frozen=True)
class Tree:
    """A row of models.csv; empty from `accuracy` on where too few worlds differ from the others.

    Attributes:
        worlds: those in which training moved.
        baseline: the accuracy of always saying the commoner outcome.
        accuracy: the share of held-out worlds of which the tree says what came out.
        asks: factors that the tree of all worlds asks of, in the order of its questions.
        words: that tree.
        importance: what held-out accuracy loses when a factor's levels are shuffled.
    """

    scheme: str
    column: str
    worlds: int
    baseline: float
    accuracy: float = nan
    accuracy_low: float = nan
    accuracy_high: float = nan
    asks: str = ""
    words: str = ""
    importance: Mapping[str, float] = field(default_factory=dict)

    @property
    def row(self) -> dict[str, object]:
        """Of models.csv."""
        return {key: value for key, value in vars(self).items() if key != "importance"}


class Code(NamedTuple):
    """A column that the tree splits: numbers by their order, words as this word or another."""

    factor: str
    of_level: Mapping[str, float]


def tree(cell: Cell, agrees: "pd.Series[float]", levels: pd.DataFrame) -> Tree:
    """The tree of a cell.

    Args:
        cell: whose.
        agrees: worlds as 1, 0, or NaN where training did not move.
        levels: their levels, a column for each factor.
    """
    moved = agrees.dropna()
    truth = moved.to_numpy().astype(int)
    rarer = int(min(truth.sum(), len(truth) - truth.sum()))
    baseline = 1 - rarer / len(truth) if len(truth) else nan
    if rarer < FOLDS:
        return Tree(*cell, len(truth), baseline)
    codes = [code for name in levels for code in _codes(str(name), ordered(levels[name]))]
    own = levels.reindex(moved.index)
    coded = np.stack([own[code.factor].map(code.of_level).to_numpy() for code in codes], axis=1)
    right, importance = _held_out(coded, truth, codes)
    fitted = _fit(coded, truth)
    known = Share.of(pd.Series(right, dtype=float))
    asked = dict.fromkeys(codes[split].factor for split in fitted.tree_.feature if split >= 0)
    words = "; ".join(_leaves(fitted, codes, {name: ordered(levels[name]) for name in asked}))
    accuracy = (known.share, known.share_low, known.share_high)
    return Tree(*cell, len(truth), baseline, *accuracy, ", ".join(asked), words, importance)


def _fit(coded: NDArray[Any], truth: NDArray[Any]) -> Any:
    made = DecisionTreeClassifier(
        max_depth=DEPTH,
        min_samples_leaf=LEAST_WORLDS,
        min_impurity_decrease=LEAST_GAIN,
        random_state=SEED,
    )
    return made.fit(coded, truth)


def _codes(factor: str, levels: list[str]) -> Iterator[Code]:
    if numeric(levels):
        yield Code(factor, {level: float(place) for place, level in enumerate(levels)})
        return
    # Of two words, one says it all.
    for word in levels[len(levels) == 2 :]:
        yield Code(factor, {level: float(level == word) for level in levels})


def _held_out(
    coded: NDArray[Any], truth: NDArray[Any], codes: list[Code]
) -> tuple[NDArray[np.bool_], dict[str, float]]:
    """Whether the tree of the other worlds is right on each, and what it loses without a factor."""
    right = np.zeros(len(truth), dtype=bool)
    lost = {code.factor: 0.0 for code in codes}
    rng = np.random.default_rng(SEED)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for seen, held in folds.split(coded, truth):
        fitted = _fit(coded[seen], truth[seen])
        right[held] = fitted.predict(coded[held]) == truth[held]
        for factor in lost:
            own = [place for place, code in enumerate(codes) if code.factor == factor]
            for _ in range(SHUFFLES):
                mixed = coded[held]
                mixed[:, own] = rng.permutation(mixed[:, own])
                still = fitted.predict(mixed) == truth[held]
                lost[factor] += float(right[held].sum() - still.sum()) / SHUFFLES
    return right, {factor: loss / len(truth) for factor, loss in lost.items()}


def _leaves(
    fitted: Any,
    codes: list[Code],
    kept: Mapping[str, list[str]],
    asked: tuple[str, ...] = (),
    node: int = 0,
) -> Iterator[str]:
    """The tree's ends, each with what leads there.

    Args:
        fitted: the tree.
        codes: what its columns stand for.
        kept: of each factor, the levels that lead to the node.
        asked: the factors that were asked of on the way.
        node: from which on.
    """
    made = fitted.tree_
    split, least = int(made.feature[node]), float(made.threshold[node])
    if split < 0:
        every = {code.factor: list(code.of_level) for code in codes}
        way = " and ".join(_said(factor, kept[factor], every[factor]) for factor in asked)
        share = f"agrees in {100 * float(made.value[node][0][1]):.0f} %"
        yield f"{way or 'always'}: {share} of {made.n_node_samples[node]}"
        return
    factor, of_level = codes[split]
    sides = {
        int(made.children_left[node]): [at for at in kept[factor] if of_level[at] <= least],
        int(made.children_right[node]): [at for at in kept[factor] if of_level[at] > least],
    }
    for child, own in sides.items():
        again = tuple(dict.fromkeys((*asked, factor)))
        yield from _leaves(fitted, codes, {**kept, factor: own}, again, child)


def _said(factor: str, kept: list[str], every: list[str]) -> str:
    """That a factor has one of some levels.

    >>> _said("steps", ["10", "30"], ["10", "30", "100"]), _said("loss", ["mse"], ["mse", "nll"])
    ('steps ≤ 30', 'loss mse')
    >>> _said("data", ["a", "b"], ["a", "b", "c"])
    'data not c'
    """
    if len(kept) == 1:
        return f"{factor} {kept[0]}"
    if numeric(every) and kept[0] == every[0]:
        return f"{factor} ≤ {kept[-1]}"
    if numeric(every) and kept[-1] == every[-1]:
        return f"{factor} ≥ {kept[0]}"
    if numeric(every):
        return f"{factor} {kept[0]} to {kept[-1]}"
    others = [level for level in every if level not in kept]
    told = others if len(others) < len(kept) else kept
    return f"{factor} {'not ' if told is others else ''}{' or '.join(told)}"
