"""Growing sets of directions: rows of a matrix, orthonormal where they span the queries."""

import torch
from torch import Tensor

from infwidth.network.precision import full_float32
from infwidth.network.state import State

# Rows are added in portions of so many, so that few copies are made and little memory lies idle.
PORTION = 128
# An overlap of unit vectors up to so many roundings is as good as none.
ORTHOGONAL = 64
MOST_PASSES = 5
# After these a unit vector has nearly all or nearly nothing of itself in the basis.
MOSTLY_INSIDE = 0.5


class Rows:
    """A matrix (r, n) that rows are added to."""

    def __init__(self, columns: int, like: Tensor) -> None:
        """No rows yet; precision and device of `like`."""
        self._room = like.new_empty(0, columns)
        self.count = 0

    @property
    def all(self) -> Tensor:
        """The matrix, a view, shape (r, n)."""
        return self._room[: self.count]

    def append(self, rows: Tensor) -> None:
        """Add rows, shape (k, n)."""
        needed = self.count + len(rows)
        if needed > len(self._room):
            larger = self._room.new_empty(-(-needed // PORTION) * PORTION, self._room.shape[1])
            larger[: self.count] = self.all
            self._room = larger
        self._room[self.count : needed] = rows
        self.count = needed

    def state(self) -> State:
        """The rows, with the room that they have."""
        return {"room": self._room, "count": self.count}

    def restore(self, state: State) -> None:
        """Take over rows."""
        self._room, self.count = state["room"].to(self._room.device), state["count"]


class Basis(Rows):
    """Orthonormal rows Q.

    Attributes:
        defect: the largest overlap of a row with those before it that was ever left.
    """

    def __init__(self, columns: int, like: Tensor) -> None:
        """Empty."""
        super().__init__(columns, like)
        self.defect = 0.0

    def state(self) -> State:
        """The rows and their defect."""
        return super().state() | {"defect": self.defect}

    def restore(self, state: State) -> None:
        """Take over rows."""
        super().restore(state)
        self.defect = state["defect"]

    @full_float32()
    def split(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates in Q and what is left: vectors = coordinates Q + rest.

        Not in the precision of products with the weights: tf32's rounding would be left of every
        vector in the span of Q, and taken for a direction.

        Args:
            vectors: shape (N, n).

        Returns:
            Shapes (N, r) and (N, n).
        """
        coordinates = vectors @ self.all.T
        return coordinates, torch.addmm(vectors, coordinates, self.all, alpha=-1)

    def extend(self, vectors: Tensor) -> Tensor:
        """Add the directions that vectors have beyond Q, and return these new rows.

        Projecting once leaves the rounding of what was projected away; repeated until the overlap
        is rounding, orthogonality does not wear off however often the basis grows.

        Args:
            vectors: shape (k, n); if the space has no room for as many, the last ones count.

        Returns:
            Shape (k', n), k' ≤ k: none for vectors of which, projected again and again, nothing
            gets out of the span of Q. Units that are dead in every vector cause that. (What
            rounding leaves elsewhere is a direction like any other, and is taken.)

        Raises:
            ArithmeticError: what is left of the vectors does not become orthogonal to Q.
        """
        limit = ORTHOGONAL * torch.finfo(vectors.dtype).eps
        room = vectors.shape[1] - self.count
        first = max(len(vectors) - room, 0)
        rows = last = vectors[first:]
        for _ in range(MOST_PASSES):
            overlaps, rest = self.split(rows)
            overlap = float(overlaps.abs().max()) if overlaps.numel() else 0.0
            if overlap <= limit and rows is not last:
                self.defect = max(self.defect, overlap)
                self.append(rows)
                return rows
            rows = torch.linalg.qr(rest.T)[0].T
        inside = rest.norm(dim=1) < MOSTLY_INSIDE
        if bool(inside.any()):
            return self.extend(torch.cat([vectors[:first], last[~inside]]))
        raise ArithmeticError(
            f"{len(last)} directions beyond {self.count} keep an overlap of {overlap:.1e} "
            f"with them (limit {limit:.1e}): they are not independent"
        )


def significant(rest: Tensor, scale: Tensor, tolerance: float, floor: float = 0.0) -> Tensor:
    """Combinations of vectors that stand out, measured in every direction of sample space.

    A combination c (one number per sample) stands out if ‖cᵀ rest‖ > tolerance √(cᵀ scale c).

    Args:
        rest: vectors, one per sample, shape (N, n).
        scale: positive semi-definite, float64, shape (N, N).
        tolerance: relative.
        floor: directions in which `scale` is below floor² times its largest eigenvalue count as
            this large.

    Returns:
        Unit vectors, combinations of `rest`, that span what stands out, shape (k, n), k ≤ N: what
        is orthogonal to them does not. None of numbers that overflowed.
    """
    exact = rest.double()
    inner = exact @ exact.T
    if not bool((inner.isfinite() & scale.isfinite()).all()):
        return rest[:0]
    values, axes = torch.linalg.eigh(scale)
    least = max(floor**2 * float(values[-1]), torch.finfo(torch.float64).tiny)
    whitening = (axes / values.clamp(min=least).sqrt()) @ axes.T
    excess, combinations = torch.linalg.eigh(whitening @ inner @ whitening)
    chosen = combinations[:, excess > tolerance**2]
    # Signs and rotations of eigenvectors hang on rounding, and what is drawn would with them; their
    # span does not. It is represented by what it has of some samples.
    weights = chosen[_spread_rows(chosen)] @ chosen.T @ whitening
    weights /= (weights @ inner * weights).sum(dim=1, keepdim=True).sqrt()
    combined: Tensor = (weights @ exact).to(rest.dtype)
    return combined


def _spread_rows(matrix: Tensor) -> Tensor:
    """As many rows of an (N, k) matrix as span its rows, far from each other, in ascending order.

    Chosen as by a QR decomposition with pivoting, which rotated columns do not change.
    """
    left = matrix
    places = []
    for _ in range(matrix.shape[1]):
        index = int(left.square().sum(dim=1).argmax())
        pivot = left[index] / left[index].norm()
        left = left - torch.outer(left @ pivot, pivot)
        places.append(index)
    return torch.tensor(sorted(places), dtype=torch.long, device=matrix.device)


def gram(vectors: Tensor) -> Tensor:
    """Inner products of rows, float64."""
    exact = vectors.double()
    return exact @ exact.T


def padded(matrix: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A matrix with rows and columns of zeros added up to a shape."""
    rows, columns = shape
    larger: Tensor = torch.nn.functional.pad(
        matrix, (0, columns - matrix.shape[1], 0, rows - matrix.shape[0])
    )
    return larger
