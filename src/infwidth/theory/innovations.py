r"""The Gaussian and the Onsager part of every product with W_0, read off a finite network.

In the n = ∞ network the product of an initial matrix W_0 with a vector v of the training is the
sum of two parts, W_0 v = Ẑ^{W_0 v} + Ż^{W_0 v}: Ẑ is Gaussian, with the covariance that W_0 would
give to vectors that know nothing of it; Ż, the Onsager part, is a combination of the backward
signals, through which v does know W_0 (Yang 2020, Tensor Programs III; Chen et al. 2025).

At finite n both stand in the conditioning that `infwidth.network.layers.lazy` draws by. Let q_k
(rows of Q_x) and p_k (rows of Q_y) be the orthonormal directions that W_0 was looked at forward and
backward, in the order of the looks. Of W_0 q_k, the part within the backward directions known by
then follows from earlier answers; the rest is news,

    g_k = (I - Q_yᵀ Q_y) W_0 q_k,

N(0, σ² I) in the n - s_k dimensions beyond the s_k known directions, whatever came before. So

    Ẑ^{W_0 v} := Σ_k <q_k, v> g_k,    Ż^{W_0 v} := W_0 v - Ẑ^{W_0 v} ∈ span(Q_y),

and backward, W_0ᵀ dh, with the sides exchanged. Here W_0 is a dense network's own matrix, looked at
through `KnownMatrix`.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.initialisation import initial_network, initial_stds, learning_rates
from infwidth.network.layers.dense import DenseLayer
from infwidth.network.layers.directions import Rows, padded
from infwidth.network.layers.known import KnownMatrix
from infwidth.network.layers.lazy import LazyLayer
from infwidth.network.mlp import HiddenState, Network
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.training.descent import Descent
from infwidth.training.train import log_spaced_steps, pick_device

logger = logging.getLogger(__name__)

Array = NDArray[np.float64]

# What the training leaves out of movements and signals, relative to their size.
# The training that is run knows W_0 through its directions alone, so that each g_k is Gaussian at
# any tolerance. A smaller one brings the training nearer to the dense one, which it equals within
# what seeds differ by; but its directions use up the n dimensions that the g_k live in.
TOLERANCE = 1e-2
# What is left out of the very vectors that covariances are taken of: next to nothing. (Signals are
# judged by their mean square so far, beside which the last ones are small: 1e-2 of that was up to
# a third of them.)
CLOSE_TOLERANCE = 1e-4


class ObservedMatrix(KnownMatrix):
    """A `KnownMatrix` that keeps the news g_k of each look.

    Attributes:
        forward_news: g_k of the forward directions, rows, shape (r, outputs).
        backward_news: the same of the backward directions, shape (s, inputs).
        known_backward: s_k, backward directions known when forward direction k was looked at.
        known_forward: the same, with the sides exchanged.
        signal: y of the latest backward pass, shape (N, outputs).
        close_forward: whether the next step's movement is looked at in full.
        close_backward: the same for the next backward pass.
    """

    def __init__(self, weights: Tensor, tolerance: float) -> None:
        """Look at `weights`, shape (outputs, inputs)."""
        super().__init__(weights, tolerance)
        outputs, inputs = weights.shape
        self.forward_news = Rows(outputs, weights)
        self.backward_news = Rows(inputs, weights)
        self.known_backward: list[int] = []
        self.known_forward: list[int] = []
        self.signal = weights.new_zeros(0, outputs)
        self.close_forward = self.close_backward = False
        self._usual_tolerance = tolerance

    def draw_forward(self, rows: Tensor) -> Tensor:
        """rows W_0ᵀ beyond Q_y, kept."""
        news = super().draw_forward(rows)
        self.forward_news.append(news)
        self.known_backward += [self.backward_basis.count] * len(rows)
        return news

    def draw_backward(self, rows: Tensor) -> Tensor:
        """rows W_0 beyond Q_x, kept."""
        news = super().draw_backward(rows)
        self.backward_news.append(news)
        self.known_forward += [self.forward_basis.count] * len(rows)
        return news

    def backward(self, y: Tensor) -> Tensor:
        """y W_t; y is kept."""
        self.signal = y
        self._tolerance = self._tolerance_now(self.close_backward)
        return super().backward(y)

    def step(self, y: Tensor, x: Tensor, change: Tensor, rate: float) -> Tensor:
        """W' = W - rate yᵀ x, and (x + change) W'ᵀ - x Wᵀ; see `infwidth.network.layers.Layer`."""
        self._tolerance = self._tolerance_now(self.close_forward)
        return super().step(y, x, change, rate)

    def forward_product(self, x: Tensor, *, initial: bool) -> "Product":
        """W_0 times the initial features, or times their movement since.

        Args:
            x: x_0 if `initial`, else δx = x_t - x_0; shape (N, inputs).
            initial: which of the two.
        """
        coordinates = self._initial_coordinates if initial else self._movement()
        return Product.of(
            x, coordinates, self.forward_news, self.known_backward, x @ self._weights.T
        )

    def backward_product(self) -> "Product":
        """W_0ᵀ times the signals of the latest backward pass."""
        whole = self.signal @ self._weights
        return Product.of(self.signal, self._signal, self.backward_news, self.known_forward, whole)

    def movement_product(self) -> Array:
        """W_0 δx as the training has it, without the news that are left out; (N, outputs)."""
        rest = _exact(self._rest) @ _exact(self.backward_images.all).T
        looked_at = _exact(self._movement()) @ _exact(self.forward_images.all)
        product: Array = looked_at + rest @ _exact(self.backward_basis.all)
        return product

    @property
    def used(self) -> float:
        """Directions looked at, as a fraction of all there are, on the side that has more."""
        bases = (self.forward_basis, self.backward_basis)
        return max(basis.count / basis.all.shape[1] for basis in bases)

    def _movement(self) -> Tensor:
        """Coordinates of δx in Q_x."""
        now = self._sized_coordinates()
        return now - padded(self._initial_coordinates, tuple(now.shape))

    def _tolerance_now(self, close: bool) -> float:
        return min(CLOSE_TOLERANCE, self._usual_tolerance) if close else self._usual_tolerance


@dataclass(frozen=True)
class Product:
    """W_0 (or W_0ᵀ) times N vectors; all float64, shape (N, n).

    Attributes:
        vectors: v.
        gaussian: Ẑ^{W_0 v}.
        unbiased: Σ_k <q_k, v> g_k √(n / (n - s_k)). A g_k has n - s_k dimensions of the n, and thus
            that much less of the norm which the limit's has: a bias of order 1/n in covariances.
        whole: W_0 v.
    """

    vectors: Array
    gaussian: Array
    unbiased: Array
    whole: Array

    @classmethod
    def of(
        cls, vectors: Tensor, coordinates: Tensor, news: Rows, known: Sequence[int], whole: Tensor
    ) -> "Product":
        """From the coordinates <q_k, v>, shape (N, r), of the first r directions."""
        directions = coordinates.shape[1]
        each, along = _exact(news.all[:directions]), _exact(coordinates)
        size = each.shape[1]
        # A g_k without a dimension left is zero, and no factor can mend that.
        left = np.maximum(size - np.array(known[:directions], dtype=np.float64), 1.0)
        return cls(
            vectors=_exact(vectors),
            gaussian=along @ each,
            unbiased=(along * np.sqrt(size / left)) @ each,
            whole=_exact(whole),
        )


@dataclass(frozen=True)
class Snapshot:
    """One hidden-to-hidden matrix at one step t.

    Attributes:
        forward: W_0 times x_0 at step 0, times δx = x_t - x_0 after it.
        backward: W_0ᵀ times the signals dh_t.
        onsager: Ż^{W_0 δx}, shape (N, n); zero at step 0.
        learned: (W_t - W_0) x_t, shape (N, n): what of δh the other two parts leave.
    """

    forward: Product
    backward: Product
    onsager: Array
    learned: Array


@dataclass(frozen=True)
class Observation:
    """The training of one network, as far as it went.

    Attributes:
        width: n.
        seed: of the network.
        close_steps: 0, the first step, the middle one and the last, whose vectors were looked at in
            full; ascending.
        initial: h_0 of each hidden layer, from layer 1 on, shape (N, n).
        changes: δh of each hidden layer by step, every snapshot's.
        snapshots: of layers 2 to L, by (step, layer).
        stds: of an entry of W_0, by layer from 2 to L.
        known: how many of the n dimensions were used up in the end, as a fraction, at most.
    """

    width: int
    seed: int
    close_steps: tuple[int, ...]
    initial: tuple[Array, ...]
    changes: dict[int, tuple[Array, ...]]
    snapshots: dict[tuple[int, int], Snapshot]
    stds: dict[int, float]
    known: float


def close_steps(steps: Sequence[int]) -> tuple[int, ...]:
    """Of ascending snapshot steps: the start, the first step, the middle one and the last.

    >>> close_steps([0, 1, 2, 6, 14, 34, 83, 200])
    (0, 1, 14, 200)
    """
    return tuple(sorted({*steps[:2], steps[len(steps) // 2], steps[-1]}))


def observed_network(
    data: PreparedDataset,
    scheme: Scheme,
    width: int,
    seed: int,
    recipe: Recipe,
    tolerance: float,
) -> tuple[Network, list[ObservedMatrix]]:
    """The dense network of this seed, its hidden matrices behind `ObservedMatrix`.

    Returns:
        The network, of one replica, and the matrices of layers 2 to L.
    """
    dense = initial_network(
        data, scheme, width, [seed], replace(recipe, layer="dense"), pick_device(recipe.device)
    )
    *hidden, output = dense.layers
    matrices = [
        ObservedMatrix(layer.weights[0], tolerance)
        for layer in hidden
        if isinstance(layer, DenseLayer)
    ]
    layers = [LazyLayer([matrix]) for matrix in matrices]
    network = Network(dense.input_layer, [*layers, output], dense.activation, dense.dtype)
    return network, matrices


def observe(
    data: PreparedDataset,
    scheme: Scheme,
    width: int,
    seed: int,
    recipe: Recipe,
    tolerance: float = TOLERANCE,
) -> Observation:
    """Train one network and take its products with W_0 apart.

    Args:
        data: prepared images and labels.
        scheme: powers of the width.
        width: n.
        seed: of the initial weights and batches: the network is `infwidth.training.train.train`'s.
        recipe: how to train; what happens is looked at in its `snapshots` steps.
        tolerance: see `TOLERANCE`.

    Returns:
        What was seen, up to the step where the training diverged if it did.
    """
    network, matrices = observed_network(data, scheme, width, seed, recipe, tolerance)
    looks = log_spaced_steps(recipe.steps, recipe.snapshots)
    closely = close_steps(looks)
    changes: dict[int, tuple[Array, ...]] = {}
    snapshots: dict[tuple[int, int], Snapshot] = {}
    rates = learning_rates(scheme, width, recipe)
    descent = Descent(network, data, rates, [seed], recipe.loss, recipe.batch_size)
    for step in range(recipe.steps + 1):
        if not bool(descent.going().all()):
            logger.warning("seed %d diverged at step %d, it stops here", seed, step)
            break
        for matrix in matrices:
            # Signals dh_t come up in the step that leads away from t; after the last step, too.
            matrix.close_backward = step in closely
            matrix.close_forward = step + 1 in closely
        if step not in looks:
            descent.advance()
            continue
        changes[step] = tuple(_exact(state.change[0]) for state in network.hidden)
        forward = [
            _forward(state, matrix, step)
            for state, matrix in zip(network.hidden[:-1], matrices, strict=True)
        ]
        movements = [matrix.movement_product() for matrix in matrices]
        descent.advance()
        for place, matrix in enumerate(matrices):
            layer = place + 2
            # Of W_0 x_0 nothing has moved.
            moved = step > 0
            snapshots[step, layer] = Snapshot(
                forward[place],
                matrix.backward_product(),
                onsager=moved * (movements[place] - forward[place].gaussian),
                learned=changes[step][layer - 1] - movements[place],
            )
    return Observation(
        width=width,
        seed=seed,
        close_steps=tuple(step for step in closely if step in changes),
        initial=tuple(_exact(state.initial[0]) for state in network.hidden),
        changes=changes,
        snapshots=snapshots,
        stds=dict(enumerate(initial_stds(scheme, width, recipe)[1:-1], 2)),
        known=max((matrix.used for matrix in matrices), default=0.0),
    )


def _forward(state: HiddenState, matrix: ObservedMatrix, step: int) -> Product:
    """W_0 times the initial features or their movement."""
    x = state.feature_change if step else state.initial_feature
    return matrix.forward_product(x[0].to(matrix.signal.dtype), initial=not step)


def _exact(values: Tensor) -> Array:
    """A float64 copy on the CPU."""
    copied: Array = values.double().cpu().numpy().copy()
    return copied
