"""A matrix that keeps what a training gets to know of it."""

from torch import Tensor

from infwidth.network.layers.directions import Basis, Rows
from infwidth.network.layers.initial import InitialWeights, KnownWeights
from infwidth.network.layers.lazy import LazyMatrix
from infwidth.theory.innovations.products import Array, SplitProduct, exact

# What is left out of the very vectors that covariances are taken of: next to nothing. (Signals are
# judged by their mean square so far, beside which the last ones are small: 1e-2 of that was up to
# a third of them.)
CLOSE_TOLERANCE = 1e-4


class ObservedWeights(KnownWeights):
    """`KnownWeights` that keep the news g_k of each look.

    Attributes:
        forward_news: g_k of the forward directions, rows, shape (r, outputs).
        backward_news: the same of the backward directions, shape (s, inputs).
        known_backward: s_k, backward directions known when forward direction k was looked at.
        known_forward: the same, with the sides exchanged.
    """

    def __init__(self, matrix: Tensor) -> None:
        """Look at `matrix`, shape (outputs, inputs)."""
        super().__init__(matrix)
        outputs, inputs = matrix.shape
        self.forward_news = Rows(outputs, matrix)
        self.backward_news = Rows(inputs, matrix)
        self.known_backward: list[int] = []
        self.known_forward: list[int] = []

    def forward(self, rows: Tensor, known: Basis) -> Tensor:
        """rows W_0ᵀ beyond Q_y, kept."""
        news = super().forward(rows, known)
        self.forward_news.append(news)
        self.known_backward += [known.count] * len(rows)
        return news

    def backward(self, rows: Tensor, known: Basis) -> Tensor:
        """rows W_0 beyond Q_x, kept."""
        news = super().backward(rows, known)
        self.backward_news.append(news)
        self.known_forward += [known.count] * len(rows)
        return news


class CloseMatrix(LazyMatrix):
    """A `LazyMatrix` that looks more closely at some steps.

    Attributes:
        signal: y of the latest backward pass, shape (N, outputs).
        close_forward: whether the next step's movement is looked at in full.
        close_backward: the same for the next backward pass.
    """

    def __init__(self, weights: InitialWeights, like: Tensor, tolerance: float) -> None:
        """As in `LazyMatrix`."""
        super().__init__(weights, like, tolerance)
        self.signal = like.new_zeros(0, weights.shape[0])
        self.close_forward = self.close_backward = False
        self._usual_tolerance = tolerance

    def backward(self, y: Tensor) -> Tensor:
        """y W_t; y is kept."""
        self.signal = y
        self.tolerance = self._tolerance_now(self.close_backward)
        return super().backward(y)

    def step(self, y: Tensor, x: Tensor, change: Tensor, rate: float) -> Tensor:
        """W' = W - rate yᵀ x, and (x + change) W'ᵀ - x Wᵀ; see `infwidth.network.layers.Layer`."""
        self.tolerance = self._tolerance_now(self.close_forward)
        return super().step(y, x, change, rate)

    def _tolerance_now(self, close: bool) -> float:
        return min(CLOSE_TOLERANCE, self._usual_tolerance) if close else self._usual_tolerance


class ObservedMatrix(CloseMatrix):
    """One on `ObservedWeights`, whose products can be taken apart."""

    weights: ObservedWeights

    def __init__(self, matrix: Tensor, tolerance: float) -> None:
        """Look at `matrix`, shape (outputs, inputs)."""
        super().__init__(ObservedWeights(matrix), matrix, tolerance)

    def forward_product(self, x: Tensor, *, initial: bool) -> SplitProduct:
        """W_0 times the initial features, or times their movement since.

        Args:
            x: x_0 if `initial`, else δx = x_t - x_0; shape (N, inputs).
            initial: which of the two.
        """
        coordinates = self.initial_coordinates if initial else self.movement_coordinates()
        seen, whole = self.weights, x @ self.weights.matrix.T
        return SplitProduct.of(x, coordinates, seen.forward_news, seen.known_backward, whole)

    def backward_product(self) -> SplitProduct:
        """W_0ᵀ times the signals of the latest backward pass."""
        y, coordinates, seen = self.signal, self.signal_coordinates, self.weights
        whole = y @ seen.matrix
        return SplitProduct.of(y, coordinates, seen.backward_news, seen.known_forward, whole)

    def movement_product(self) -> Array:
        """W_0 δx as the training has it, without the news that are left out; (N, outputs)."""
        rest = exact(self.rest) @ exact(self.backward_images.all).T
        looked_at = exact(self.movement_coordinates()) @ exact(self.forward_images.all)
        product: Array = looked_at + rest @ exact(self.backward_basis.all)
        return product

    @property
    def used(self) -> float:
        """Directions looked at, as a fraction of all there are, on the side that has more."""
        bases = (self.forward_basis, self.backward_basis)
        return max(basis.count / basis.all.shape[1] for basis in bases)
