"""The families of vectors that the proof goes through, of one training, step by step.

At each training step t the proof of Chen et al. (2025) goes forward through the layers: the
Gaussian parts {Ẑ^{W_0^l δx_s(ξ_i)}}, s ≤ t, have a covariance that is not degenerate, since the δx
are independent; so h^l are, the new Gaussian being independent of what F_t holds; so φ(h^l) are, φ
being GOOD. Then backward from the last layer, with dh, W_0ᵀ and G_t. Each family is that of all
steps so far and all inputs: its vectors are x_0, δx_1, ..., δx_t of each ξ_i.
"""

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.activations import Activation
from infwidth.network.initialisation import learning_rates
from infwidth.network.layers.directions import Rows
from infwidth.network.precision import PRECISIONS
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.theory.covariance.names import Direction
from infwidth.theory.induction.names import (
    FEATURES,
    GAUSSIAN,
    GAUSSIAN_BACKWARD,
    PREACTIVATIONS,
    SIGNALS,
)
from infwidth.theory.innovations.products import Array, exact
from infwidth.theory.innovations.training import observed_network
from infwidth.training.descent import Descent

# What the training leaves out of movements and signals: nothing that could pass for dependence.
EXACT = 1e-9
# The training steps gone through, T'. Their movements are nearly those of a straight line, so that
# least eigenvalues fall by orders of magnitude with each.
TRAINING_STEPS = 2
UNIT_ROUNDOFF = PRECISIONS["float64"].unit_roundoff


@dataclass(frozen=True)
class Family:
    """Vectors over units that a step of the proof says are independent.

    Attributes:
        training_step: t.
        proof: the step of the proof, of `names.STEPS`.
        layer: of h, or of W_0's outputs.
        direction: the way of the pass that it belongs to.
        vectors: of steps 0 to t, a row each.
    """

    training_step: int
    proof: str
    layer: int
    direction: Direction
    vectors: Array

    def least_eigenvalue(self) -> tuple[float, float]:
        """λ_min of the Gram matrix of the vectors at unit length, and its resolution.

        The mean eigenvalue is 1. A product of n terms is known to √n u beside the size of its
        result (Higham & Mary 2019), each training step adds its own, and a movement is known as
        well as what it is the difference of: relative to its length, by as much less as it is
        shorter. By Weyl's inequality singular values are known as well as all of that together.
        """
        lengths = np.linalg.norm(self.vectors, axis=1)
        if not (lengths > 0).all():
            return 0.0, 0.0
        roundings = (self.training_step + 1) * np.sqrt(self.vectors.shape[1]) * UNIT_ROUNDOFF
        relative = roundings * lengths.max() / lengths + EXACT
        factor = np.linalg.qr((self.vectors / lengths[:, None]).T, mode="r")
        singular = np.linalg.svd(factor, compute_uv=False)
        return float(singular[-1] ** 2), float((relative**2).sum())


@dataclass(frozen=True)
class Innovation:
    """What a product with W_0 (or its transpose) shows for the first time at a step.

    Attributes:
        training_step: t.
        layer: of W_0's outputs.
        direction: forward, or backward for the transpose.
        news: g_k of the directions that are new at t, shape (k, n).
        held: what F_t (backward: G_t) holds on the same units by then, shape (m, n).
    """

    training_step: int
    layer: int
    direction: Direction
    news: Array
    held: Array


@dataclass(frozen=True)
class Chain:
    """The families in the order of the proof, and the innovations."""

    families: tuple[Family, ...]
    innovations: tuple[Innovation, ...]


def chain(
    data: PreparedDataset,
    width: int,
    seed: int,
    recipe: Recipe,
    activation: Activation | None = None,
) -> Chain:
    """Go through the proof with one network under µP, in full batch and float64.

    Args:
        data: prepared images and labels.
        width: n.
        seed: of the network.
        recipe: how to train; `TRAINING_STEPS` steps.
        activation: φ, if it is not the recipe's.
    """
    how = replace(recipe, precision="float64", batch_size=None)
    scheme = SCHEMES["µP"]
    network, matrices = observed_network(data, scheme, width, seed, how, EXACT, activation)
    rates = learning_rates(scheme, width, how)
    descent = Descent(network, data, rates, [seed], how.loss, None)
    seen = _Seen()
    for step in range(TRAINING_STEPS + 1):
        moved = step > 0
        for layer, state in enumerate(network.hidden, 1):
            if layer > 1:
                before, matrix = network.hidden[layer - 2], matrices[layer - 2]
                x = before.feature_change if moved else before.initial_feature
                product = matrix.forward_product(x[0], initial=not moved)
                seen.innovation(step, layer, "forward", matrix.weights.forward_news)
                seen.family(step, GAUSSIAN, layer, "forward", product.gaussian)
            h = state.change if moved else state.initial
            x = state.feature_change if moved else state.initial_feature
            seen.family(step, PREACTIVATIONS, layer, "forward", exact(h[0]))
            seen.family(step, FEATURES, layer, "forward", exact(x[0]))
        descent.advance()
        for layer, matrix in reversed(list(enumerate(matrices, 2))):
            seen.family(step, SIGNALS, layer, "backward", exact(matrix.signal))
            seen.innovation(step, layer, "backward", matrix.weights.backward_news)
            product = matrix.backward_product()
            seen.family(step, GAUSSIAN_BACKWARD, layer, "backward", product.gaussian)
    return Chain(tuple(seen.families), tuple(seen.innovations))


class _Seen:
    """What was gone through so far, and what is held of each layer's units by then."""

    def __init__(self) -> None:
        self.families: list[Family] = []
        self.innovations: list[Innovation] = []
        self._held: dict[int, list[Array]] = defaultdict(list)
        self._vectors: dict[tuple[str, int], list[Array]] = defaultdict(list)
        self._counts: dict[tuple[Direction, int], int] = defaultdict(int)

    def family(
        self, step: int, proof: str, layer: int, direction: Direction, vectors: Array
    ) -> None:
        """Add the vectors of a step, shape (N, n), to the family and to what is held."""
        own = self._vectors[proof, layer]
        own.append(vectors)
        self.families.append(Family(step, proof, layer, direction, np.concatenate(own)))
        # φ(h) is a function of h; W_0ᵀ dh lives on the units of the layer before.
        if proof != FEATURES:
            self._held[layer - (proof == GAUSSIAN_BACKWARD)].append(vectors)

    def innovation(self, step: int, layer: int, direction: Direction, news: Rows) -> None:
        """Add the rows that are new, if there are and anything is held that they could know of."""
        start, held = self._counts[direction, layer], self._held[layer - (direction == "backward")]
        self._counts[direction, layer] = news.count
        if news.count > start and held:
            fresh = exact(news.all[start:])
            self.innovations.append(Innovation(step, layer, direction, fresh, np.concatenate(held)))
