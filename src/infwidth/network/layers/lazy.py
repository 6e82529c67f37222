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
quarter at 0.01). What is left out is the draw g alone: the known part Q_yᵀ V q is never.
"""

import torch
from torch import Tensor

from infwidth.network.layers.directions import Basis, Rows, gram, padded, significant
from infwidth.network.precision import full_float32
from infwidth.network.randomness import standard_normal

# Movement and gradients differ in size from one direction of sample space to the next; below this
# fraction of the largest they are measured against that fraction.
FLOOR = 1e-3


class LazyMatrix:
    """W of one replica, shape (outputs, inputs); x is (N, inputs), y is (N, outputs)."""

    def __init__(
        self,
        shape: tuple[int, ...],
        std: float,
        generator: torch.Generator,
        test_generator: torch.Generator,
        like: Tensor,
        tolerance: float,
    ) -> None:
        """Nothing is drawn yet.

        Args:
            shape: (outputs, inputs).
            std: of an entry of W_0.
            generator: of the draws.
            test_generator: of those that only `evaluate` needs.
            like: gives precision and device.
            tolerance: relative size of what is left out.
        """
        outputs, inputs = shape
        self._std = std
        self._generator = generator
        self._test_generator = test_generator
        self._tolerance = tolerance
        self.forward_basis = Basis(inputs, like)
        self.forward_images = Rows(outputs, like)
        self.backward_basis = Basis(outputs, like)
        self.backward_images = Rows(inputs, like)
        self.test_basis = Basis(inputs, like)
        self.test_images = Rows(outputs, like)
        self._update = like.new_zeros(0, 0)
        # Coordinates of x in Q_x, now and at the start; the part of the movement whose draw is
        # still left out; what later draws have said of it.
        self._coordinates = self._initial_coordinates = like.new_zeros(0, 0)
        self._rest = like.new_zeros(0, inputs)
        self._late = like.new_zeros(0, outputs)
        self._signal = like.new_zeros(0, 0)
        self._signal_gram = like.new_zeros((), dtype=torch.float64)
        self._signals = 0

    def start(self, x: Tensor) -> Tensor:
        """x W_0ᵀ of the initial features."""
        self._extend_forward(x)
        self._coordinates = self._initial_coordinates = self.forward_basis.split(x)[0]
        self._rest = torch.zeros_like(x)
        start = self._coordinates @ self.forward_images.all
        self._late = torch.zeros_like(start)
        return start

    def backward(self, y: Tensor) -> Tensor:
        """y W_t."""
        coordinates, rest = self.backward_basis.split(y)
        self._signals += 1
        self._signal_gram = self._signal_gram + gram(y)
        mean_square = self._signal_gram / self._signals
        directions = significant(rest, mean_square, self._tolerance, FLOOR)
        if len(directions):
            coordinates, rest = _split_off(coordinates, rest, self._extend_backward(directions))
        self._signal = coordinates
        known = rest @ self.forward_images.all.T
        known += coordinates @ self._sized_update()
        return (coordinates @ self.backward_images.all).addmm_(known, self.forward_basis.all)

    def step(self, y: Tensor, x: Tensor, change: Tensor, rate: float) -> Tensor:
        """W' = W - rate yᵀ x, and (x + change) W'ᵀ - x Wᵀ; see `infwidth.network.layers.Layer`."""
        old = self._sized_coordinates()
        self._update = self._sized_update().addmm_(self._signal.T, old, alpha=-rate)
        coordinates, beyond = self.forward_basis.split(change)
        self._coordinates = old + coordinates
        self._rest += beyond
        moved = self._product(coordinates, beyond)
        moved_since_start = self._coordinates - padded(self._initial_coordinates, old.shape)
        scale = gram(moved_since_start) + gram(self._rest)
        directions = significant(self._rest, scale, self._tolerance, FLOOR)
        if len(directions):
            self._extend_forward(directions)
        moved += self._late
        self._late.zero_()
        # W' change + (W' - W) x
        return moved.addmm_(x @ x.T, y, alpha=-rate)

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
        sizes = gram(x).diagonal().diag()
        directions = significant(unseen, sizes, self._tolerance)
        if len(directions):
            rows = self.test_basis.extend(directions)
            self.test_images.append(self.draw_test(rows))
            seen = _split_off(seen, unseen, rows)[0]
        undetermined = self.backward_basis.split(seen @ self.test_images.all)[1]
        return undetermined.add_(self._product(coordinates, rest))

    def _product(self, coordinates: Tensor, beyond: Tensor) -> Tensor:
        """The known part of (coordinates Q_x + beyond) W_tᵀ."""
        known = beyond @ self.backward_images.all.T
        known += coordinates @ self._sized_update().T
        return (coordinates @ self.forward_images.all).addmm_(known, self.backward_basis.all)

    def _extend_forward(self, directions: Tensor) -> Tensor:
        """Look at W_0 along further directions, shape (k, inputs); returns them orthonormal."""
        rows = self.forward_basis.extend(directions)
        fresh = self.draw_forward(rows)
        known = rows @ self.backward_images.all.T
        self.forward_images.append(torch.addmm(fresh, known, self.backward_basis.all))
        # The known part of the rest's product was told when it came up, the fresh part is news.
        self._late.addmm_(self._rest @ rows.T, fresh)
        old = self._sized_coordinates(but=len(rows))
        self._coordinates, self._rest = _split_off(old, self._rest, rows)
        return rows

    def _extend_backward(self, directions: Tensor) -> Tensor:
        """Look at W_0ᵀ along further directions, shape (k, outputs); returns them orthonormal."""
        rows = self.backward_basis.extend(directions)
        fresh = self.draw_backward(rows)
        known = rows @ self.forward_images.all.T
        self.backward_images.append(torch.addmm(fresh, known, self.forward_basis.all))
        # The rest is ⟂ Q_x: of its product along the new rows, the fresh part is all there is.
        self._late.addmm_(self._rest @ fresh.T, rows)
        return rows

    def draw_forward(self, rows: Tensor) -> Tensor:
        """rows W_0ᵀ beyond Q_y, for orthonormal rows ⟂ Q_x."""
        return self._independent(len(rows), self.backward_basis)

    def draw_backward(self, rows: Tensor) -> Tensor:
        """rows W_0 beyond Q_x, for orthonormal rows ⟂ Q_y."""
        return self._independent(len(rows), self.forward_basis)

    def draw_test(self, rows: Tensor) -> Tensor:
        """rows Gᵀ, for orthonormal rows; see `evaluate`."""
        return self._drawn(len(rows), self.test_images.all, self._test_generator)

    def status(self) -> str:
        """Numbers of directions, and how far from orthogonal they have become."""
        forward, backward = self.forward_basis, self.backward_basis
        return (
            f"{forward.count} + {backward.count} directions, "
            f"overlaps up to {max(forward.defect, backward.defect):.0e}"
        )

    def _independent(self, count: int, known: Basis) -> Tensor:
        """N(0, σ² I) rows, without their part in a basis."""
        return known.split(self._drawn(count, known.all, self._generator))[1]

    def _drawn(self, count: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """N(0, σ² I) rows, as long as those of `like`."""
        draws = standard_normal((count, like.shape[1]), generator)
        return draws.to(like).mul_(self._std)

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

    def backward(self, y: Tensor) -> Tensor:
        """y W."""
        return torch.stack([w.backward(each) for w, each in zip(self.matrices, y, strict=True)])

    def step(self, y: Tensor, x: Tensor, change: Tensor, rate: float) -> Tensor:
        """W' = W - rate yᵀ x, and (x + change) W'ᵀ - x Wᵀ."""
        parts = zip(self.matrices, y, x, change, strict=True)
        return torch.stack([w.step(its_y, its_x, its, rate) for w, its_y, its_x, its in parts])

    def evaluate(self, x: Tensor) -> Tensor:
        """x Wᵀ of other inputs' features."""
        return torch.stack([w.evaluate(each) for w, each in zip(self.matrices, x, strict=True)])

    def status(self) -> str:
        """Numbers of directions of the first replica, and their overlaps."""
        return self.matrices[0].status() if self.matrices else ""

    def keep(self, replicas: Tensor) -> None:
        """Go on with these replicas alone."""
        self.matrices = [self.matrices[index] for index in replicas.tolist()]
