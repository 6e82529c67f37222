"""A product with W_0, taken apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from infwidth.network.layers.directions import Rows

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SplitProduct:
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
    ) -> "SplitProduct":
        """From the coordinates <q_k, v>, shape (N, r), of the first r directions."""
        directions = coordinates.shape[1]
        each, along = exact(news.all[:directions]), exact(coordinates)
        size = each.shape[1]
        # A g_k without a dimension left is zero, and no factor can mend that.
        left = np.maximum(size - np.array(known[:directions], dtype=np.float64), 1.0)
        return cls(
            vectors=exact(vectors),
            gaussian=along @ each,
            unbiased=(along * np.sqrt(size / left)) @ each,
            whole=exact(whole),
        )


def exact(values: Tensor) -> Array:
    """A float64 copy on the CPU."""
    copied: Array = values.double().cpu().numpy().copy()
    return copied
