"""A Gaussian layer that is never written down: its weights are drawn where they are looked at.

Training touches an n x n Gaussian W_0 through products alone. Given the products with directions
Q_x forward and Q_y backward (orthonormal rows; U = Q_x W_0ᵀ and V = Q_y W_0), the product with a
new direction q ⟂ Q_x is distributed as

    W_0 q = Q_yᵀ V q + (I - Q_yᵀ Q_y) g,    g ~ N(0, σ² I),

and backward likewise with U (the conditioning technique of Bolthausen 2014; of the Tensor Programs
proofs, too). Drawing g when q is first needed gives trainings of exactly the distribution that the
written-down matrix gives, at every finite n. Gradient steps live in the same bases,
W_t = W_0 + Q_yᵀ M Q_x. Memory is n (r + s) numbers and a step costs n (r + s) N operations, r and s
being the numbers of directions.

Directions that hardly matter are left out. Of the features' movement since the start, the part
beyond Q_x is carried along until it exceeds `tolerance` times the movement, in any direction of
sample space: so each layer passes on its input's movement to that relative accuracy in every such
direction that has at least `FLOOR` of the largest. Backward, the root mean square of the gradients
so far takes the movement's place: gradients that have become smaller than `tolerance` times that
are not looked at any more, and a loss that has fallen by ten orders of magnitude goes on falling
somewhat faster or slower than it should (tanh, n = 512: by 1 % at a tolerance of 0.001, by a
quarter at 0.01). What is left out is the draw g alone: the known part Q_yᵀ V q is never. A batch of
other inputs than those followed is looked at up to `tolerance` of its own features; nothing of it
is kept but the directions found and its part in M.
"""

import torch
from torch import Tensor

from infwidth.network.layers.directions import Basis, Rows, gram, padded, significant
from infwidth.network.layers.initial import InitialWeights
from infwidth.network.precision import full_float32
from infwidth.network.state import State, take_tensors, tensors

# Movement and gradients differ in size from one direction of sample space to the next; below this
# fraction of the largest they are measured against that fraction.
FLOOR = 1e-3

# What training changes in a matrix: its sets of rows and, beside them, tensors.
ROWS = (
    "forward_basis", "forward_images", "backward_basis", "backward_images",
    "test_basis", "test_images",
)  # fmt: skip
TENSORS = (
    "initial_coordinates", "rest", "signal_coordinates", "_coordinates", "_late", "_update",
    "_signal_gram",
)  # fmt: skip


class LazyMatrix:
    """W of one replica, shape (outputs, inputs); x is (N, inputs), y is (N, outputs).

    Attributes:
        weights: W_0.
        tolerance: relative size of what is left out, from now on.
        forward_basis: Q_x.
        forward_images: U.
        backward_basis: Q_y.
        backward_images: V.
        initial_coordinates: of the initial features in Q_x as it was then.
        rest: the part of the movement beyond Q_x, whose draw is still left out.
        signal_coordinates: of the latest y in Q_y.
    """

    def __init__(self, weights: InitialWeights, like: Tensor, tolerance: float) -> None:
        """Nothing is looked at yet.

        Args:
            weights: W_0.
            like: gives precision and device.
            tolerance: relative size of what is left out.
        """
        outputs, inputs = weights.shape
        self.weights = weights
        self.tolerance = tolerance
        self.forward_basis = Basis(inputs, like)
        self.forward_images = Rows(outputs, like)
        self.backward_basis = Basis(outputs, like)
        self.backward_images = Rows(inputs, like)
        self.test_basis = Basis(inputs, like)
        self.test_images = Rows(outputs, like)
        self._update = like.new_zeros(0, 0)
        self._coordinates = self.initial_coordinates = like.new_zeros(0, 0)
        self.rest = like.new_zeros(0, inputs)
        # What later draws have said of the rest.
        self._late = like.new_zeros(0, outputs)
        self.signal_coordinates = like.new_zeros(0, 0)
        self._batch_coordinates = like.new_zeros(0, 0)
        self._signal_gram = like.new_zeros((), dtype=torch.float64)
        self._signals = 0

    def start(self, x: Tensor) -> Tensor:
        """x W_0ᵀ of the initial features."""
        self._extend_forward(x)
        self._coordinates = self.initial_coordinates = self.forward_basis.split(x)[0]
        self.rest = torch.zeros_like(x)
        start = self._coordinates @ self.forward_images.all
        self._late = torch.zeros_like(start)
        return start

    def forward(self, x: Tensor) -> Tensor:
        """x W_tᵀ of a batch's features, of which no direction goes unseen that has `tolerance`."""
        coordinates, rest = self.forward_basis.split(x)
        directions = significant(rest, gram(x).diagonal().diag(), self.tolerance)
        if len(directions):
            coordinates, rest = _split_off(coordinates, rest, self._extend_forward(directions))
        self._batch_coordinates = coordinates
        return self._product(coordinates, rest)

    def backward(self, y: Tensor) -> Tensor:
        """y W_t."""
        coordinates, rest = self.backward_basis.split(y)
        self._signals += 1
        self._signal_gram = self._signal_gram + gram(y)
        mean_square = self._signal_gram / self._signals
        directions = significant(rest, mean_square, self.tolerance, FLOOR)
        if len(directions):
            coordinates, rest = _split_off(coordinates, rest, self._extend_backward(directions))
        self.signal_coordinates = coordinates
        known = rest @ self.forward_images.all.T
        known += coordinates @ self._sized_update()
        return (coordinates @ self.backward_images.all).addmm_(known, self.forward_basis.all)

    def step(self, y: Tensor, x: Tensor, change: Tensor, rate: float) -> Tensor:
        """W' = W - rate yᵀ x, and (x + change) W'ᵀ - x Wᵀ; see `infwidth.network.layers.Layer`."""
        self._learn(self._sized_coordinates(), rate)
        # W' change + (W' - W) x
        return self.follow(change).addmm_(x @ x.T, y, alpha=-rate)

    def update(self, rate: float) -> None:
        """W' = W - rate yᵀ x, of the x and y handed to `forward` and `backward` just before."""
        self._learn(self._batch_coordinates, rate)

    def follow(self, change: Tensor) -> Tensor:
        """change W_tᵀ of the inputs of `start`, whose features changed since the last time."""
        coordinates, beyond = self.forward_basis.split(change)
        self._coordinates = self._sized_coordinates() + coordinates
        self.rest += beyond
        moved = self._product(coordinates, beyond)
        scale = gram(self.movement_coordinates()) + gram(self.rest)
        directions = significant(self.rest, scale, self.tolerance, FLOOR)
        if len(directions):
            self._extend_forward(directions)
        moved += self._late
        self._late.zero_()
        return moved

    def evaluate(self, x: Tensor) -> Tensor:
        """x W_tᵀ of other inputs' features; training takes no notice.

        To what training has determined of W_0, add G, an independent matrix of the same law, for
        the rest: (I - Q_yᵀ Q_y) G (I - Q_xᵀ Q_x). That is W_0's law, given the training so far, so
        what is told at any one time, and all of the training up to then, have the dense layer's
        joint law. Only between two times it differs: in the directions that training looked at in
        the meantime, G was told and W_0 has come. G is drawn where it is looked at, too.
        """
        coordinates, rest = self.forward_basis.split(x)
        seen, unseen = self.test_basis.split(rest)
        directions = significant(unseen, gram(x).diagonal().diag(), self.tolerance)
        if len(directions):
            rows = self.test_basis.extend(directions)
            self.test_images.append(self.weights.test(rows))
            seen = _split_off(seen, unseen, rows)[0]
        undetermined = self.backward_basis.split(seen @ self.test_images.all)[1]
        return undetermined.add_(self._product(coordinates, rest))

    def movement_coordinates(self) -> Tensor:
        """Coordinates in Q_x of the features' movement since the start."""
        now = self._sized_coordinates()
        return now - padded(self.initial_coordinates, tuple(now.shape))

    def state(self) -> State:
        """Directions, coordinates and where the draws are."""
        return {
            **{name: getattr(self, name).state() for name in ROWS},
            **tensors(self, TENSORS),
            "signals": self._signals,
            "weights": self.weights.state(),
        }

    def restore(self, state: State) -> None:
        """Take over a state."""
        for name in ROWS:
            getattr(self, name).restore(state[name])
        take_tensors(self, TENSORS, state)
        self._signals = state["signals"]
        self.weights.restore(state["weights"])

    def _learn(self, coordinates: Tensor, rate: float) -> None:
        """A gradient step for the signals of `backward` and features of these coordinates."""
        update = self._sized_update()
        self._update = update.addmm_(self.signal_coordinates.T, coordinates, alpha=-rate)

    def _product(self, coordinates: Tensor, beyond: Tensor) -> Tensor:
        """The known part of (coordinates Q_x + beyond) W_tᵀ."""
        known = beyond @ self.backward_images.all.T
        known += coordinates @ self._sized_update().T
        return (coordinates @ self.forward_images.all).addmm_(known, self.backward_basis.all)

    def _extend_forward(self, directions: Tensor) -> Tensor:
        """Look at W_0 along further directions, shape (k, inputs); returns them orthonormal."""
        rows = self.forward_basis.extend(directions)
        fresh = self.weights.forward(rows, self.backward_basis)
        known = rows @ self.backward_images.all.T
        self.forward_images.append(torch.addmm(fresh, known, self.backward_basis.all))
        # The known part of the rest's product was told when it came up, the fresh part is news.
        self._late.addmm_(self.rest @ rows.T, fresh)
        old = self._sized_coordinates(but=len(rows))
        self._coordinates, self.rest = _split_off(old, self.rest, rows)
        return rows

    def _extend_backward(self, directions: Tensor) -> Tensor:
        """Look at W_0ᵀ along further directions, shape (k, outputs); returns them orthonormal."""
        rows = self.backward_basis.extend(directions)
        fresh = self.weights.backward(rows, self.forward_basis)
        known = rows @ self.forward_images.all.T
        self.backward_images.append(torch.addmm(fresh, known, self.forward_basis.all))
        # The rest is ⟂ Q_x: of its product along the new rows, the fresh part is all there is.
        self._late.addmm_(self.rest @ fresh.T, rows)
        return rows

    def status(self) -> str:
        """Numbers of directions, and how far from orthogonal they have become."""
        forward, backward = self.forward_basis, self.backward_basis
        return (
            f"{forward.count} + {backward.count} directions, "
            f"overlaps up to {max(forward.defect, backward.defect):.0e}"
        )

    def _sized_update(self) -> Tensor:
        """M, grown with zeros to the present numbers of directions."""
        self._update = padded(self._update, (self.backward_basis.count, self.forward_basis.count))
        return self._update

    def _sized_coordinates(self, but: int = 0) -> Tensor:
        """Coordinates of x in Q_x but for its last directions."""
        return padded(self._coordinates, (len(self._coordinates), self.forward_basis.count - but))


@full_float32()
def _split_off(coordinates: Tensor, rest: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates and rest of vectors after the basis got further rows."""
    overlap = rest @ rows.T
    return torch.cat([coordinates, overlap], dim=1), torch.addmm(rest, overlap, rows, alpha=-1)


class LazyLayer:
    """Lazily drawn weights of R replicas, each by itself: its products are large, its ranks own."""

    def __init__(self, matrices: list[LazyMatrix]) -> None:
        """One matrix per replica."""
        self.matrices = matrices

    def start(self, x: Tensor) -> Tensor:
        """x Wᵀ of the initial features."""
        return torch.stack([w.start(each) for w, each in zip(self.matrices, x, strict=True)])

    def forward(self, x: Tensor) -> Tensor:
        """x Wᵀ of a batch's features."""
        return torch.stack([w.forward(each) for w, each in zip(self.matrices, x, strict=True)])

    def backward(self, y: Tensor) -> Tensor:
        """y W."""
        return torch.stack([w.backward(each) for w, each in zip(self.matrices, y, strict=True)])

    def step(self, y: Tensor, x: Tensor, change: Tensor, rate: float) -> Tensor:
        """W' = W - rate yᵀ x, and (x + change) W'ᵀ - x Wᵀ."""
        parts = zip(self.matrices, y, x, change, strict=True)
        return torch.stack([w.step(its_y, its_x, its, rate) for w, its_y, its_x, its in parts])

    def update(self, y: Tensor, x: Tensor, rate: float) -> None:
        """W' = W - rate yᵀ x, of which the matrices know y and x already."""
        for matrix in self.matrices:
            matrix.update(rate)

    def follow(self, change: Tensor) -> Tensor:
        """change Wᵀ of the followed inputs."""
        return torch.stack([w.follow(each) for w, each in zip(self.matrices, change, strict=True)])

    def evaluate(self, x: Tensor) -> Tensor:
        """x Wᵀ of other inputs' features."""
        return torch.stack([w.evaluate(each) for w, each in zip(self.matrices, x, strict=True)])

    def status(self) -> str:
        """Numbers of directions of the first replica, and their overlaps."""
        return self.matrices[0].status() if self.matrices else ""

    def state(self) -> State:
        """Of each matrix."""
        return {"matrices": [matrix.state() for matrix in self.matrices]}

    def restore(self, state: State) -> None:
        """Take over a state of as many replicas."""
        for matrix, each in zip(self.matrices, state["matrices"], strict=True):
            matrix.restore(each)

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone."""
        self.matrices = [self.matrices[index] for index in replicas.tolist()]
