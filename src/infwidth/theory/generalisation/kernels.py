r"""The tangent kernel and the process of initial outputs, on thousands of unit inputs.

Of unit inputs every kernel of an infinitely wide network depends on their angle α alone, so that it
is a function of one number. Its values at Chebyshev's angles, from the closed forms of
`infwidth.theory.gaussian`, give a polynomial in α, which converges faster than any power: in α,
unlike in cos α, these kernels are smooth up to both ends, ReLU's included.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray

from infwidth.network.activations import ACTIVATIONS
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.theory.coordinates.reference import ENDLESS
from infwidth.theory.gaussian import nngp, recipe_variances
from infwidth.theory.linearised.measure import effective_rates, tangent_kernel

Array = NDArray[np.float64]

# Degrees are doubled until the last coefficients are so small a part of the largest.
DEGREES, ACCURACY = (16, 32, 64, 128), 1e-8
# Rows of a matrix that are computed at a time.
BLOCK = 256


@dataclass(frozen=True)
class Kernels:
    """Two kernels of unit inputs, as functions of their angle.

    Attributes:
        tangent: Θ at a learning rate of 1.
        outputs: the covariance of initial outputs, v_{L+1} X^L.
    """

    tangent: Chebyshev
    outputs: Chebyshev


def limit_kernels(scheme: Scheme, recipe: Recipe) -> Kernels:
    """Those of a scheme at n = ∞; the recipe's learning rate takes no part.

    Raises:
        ValueError: a kernel is no smooth function of the angle.
    """
    variances = recipe_variances(scheme, ENDLESS, recipe)
    rates = [rate / recipe.learning_rate for rate in effective_rates(scheme, ENDLESS, recipe)]
    phi = ACTIVATIONS[recipe.activation].value
    return Kernels(
        in_angle(lambda gram: tangent_kernel(gram, variances, rates, recipe.activation)),
        in_angle(lambda gram: variances[-1] * nngp(gram, variances[:-1], phi)[-1].feature),
    )


def in_angle(kernel: Callable[[Array], Array]) -> Chebyshev:
    """A kernel of unit inputs as a function of their angle, between 0 and π.

    Args:
        kernel: the matrix of inner products of unit inputs -> the kernel's matrix.

    Raises:
        ValueError: coefficients do not fall to `ACCURACY`.
    """

    def values(angles: Array) -> Array:
        """At angles between inputs in the plane: the first one's with the others."""
        around = np.concatenate([[0.0], angles])
        row: Array = kernel(np.cos(around[:, None] - around))[0, 1:]
        return row

    for degree in DEGREES:
        found = Chebyshev.interpolate(values, degree, domain=[0, np.pi])
        sizes = np.abs(found.coef)
        if sizes[-2:].max() <= ACCURACY * sizes.max():
            return found
    raise ValueError(f"a kernel is no polynomial in the angle, of a degree up to {DEGREES[-1]}")


def matrix(kernel: Chebyshev, left: Array, right: Array) -> Array:
    """A kernel's values, by blocks of rows.

    Args:
        kernel: as from `in_angle`.
        left: unit inputs, shape (A, d).
        right: unit inputs, shape (B, d).

    Returns:
        Shape (A, B).
    """
    found = np.empty((len(left), len(right)))
    for start in range(0, len(left), BLOCK):
        part = slice(start, start + BLOCK)
        found[part] = kernel(np.arccos(np.clip(left[part] @ right.T, -1, 1)))
    return found
