r"""How IP with three hidden layers leaves the saddle where it starts: a linear system, at n = ∞.

Under IP the products W^2 x^1 and W^3 x^2 are n^-1/2 small at initialisation, while x^1 and n W^4,
which is called w, are of order one. Where φ(0) = 0 and φ'(0) = 1, everything is linear in what is
small. Let χ_i be the error signal at outputs of zero, X_ic = -χ_ic, K = <x^1, x^1>/n,
s² = n² Var W^4 and p_c = (W^3)ᵀ w_c. A step of gradient descent on the mean loss of N samples, at
the hidden layers' rate η, adds

    δh^2_i = (η/N) Σ_jc K_ij X_jc p_c,        δp_c = (η/N) s² Σ_i X_ic h^2_i,

and moves nothing else to this order: coordinate by coordinate the same matrix M for all units. So
the start is a strict saddle, and the vectors grow as the powers of M, whose largest eigenvalue is
1 + (η/N) s √λ_max(K X Xᵀ), at any width. The last layer's pre-activations are a product of both,

    h^3_i = (W^3_0 less its part along w) h^2_i + Σ_c w_c <p_c, h^2_i> / (n s²),

which starts n^-1 small and grows twice as fast. With two hidden layers the gradient does not vanish
at the start; with L > 3 the linear part does, and growth waits for the product of L - 1 small
factors. The derivation is ours; that mean-field networks deeper than this start at a stationary
point is in Hajjar, Chizat & Giraud (2021).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.activations import ACTIVATIONS
from infwidth.network.losses import LOSSES, one_hot
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.theory.gaussian import nngp

Array = NDArray[np.float64]

# What the derivation is for.
LAYERS, ACTIVATION = 3, "tanh"


@dataclass(frozen=True)
class Saddle:
    """IP's linear system on N inputs and C outputs.

    Attributes:
        step: M, which a step multiplies (h^2_1, ..., h^2_N, p_1, ..., p_C) by; (N + C, N + C).
        start: n times the covariance of these in one unit at initialisation; likewise.
        kernel: K, shape (N, N).
        fresh: n² Var W^3, the factor from h^2 to the part of h^3 that is not along w.
        readout: s².
    """

    step: Array
    start: Array
    kernel: Array
    fresh: float
    readout: float

    @property
    def growth(self) -> float:
        """By how much the logarithm of a mean square of h^3 grows in a step, in the end."""
        return 4 * math.log(float(np.abs(np.linalg.eigvals(self.step)).max()))

    def follow(self, steps: int) -> tuple[Array, Array]:
        """The last layer's pre-activations at steps 0, 1, ..., `steps`.

        Returns:
            n² times the mean square of their coordinates, and their relative change, the mean over
            samples of ‖h_t - h_0‖ / ‖h_0‖; both as n → ∞ at a fixed step, shape (steps + 1,).
        """
        samples = len(self.kernel)
        power = np.eye(len(self.step))
        initial = self.fresh * np.diag(self.start)[:samples]
        squares, changes = [], []
        for _ in range(steps + 1):
            moved = power - np.eye(len(power))
            spread, moved_spread = (
                self.fresh * np.diag(each @ self.start @ each.T)[:samples]
                for each in (power, moved)
            )
            products = (power @ self.start @ power.T)[samples:, :samples]
            written = (products**2).sum(axis=0) / self.readout
            squares.append((spread + written).mean())
            changes.append(np.sqrt((moved_spread + written) / initial).mean())
            power = self.step @ power
        return np.array(squares), np.array(changes)


def saddle(data: PreparedDataset, recipe: Recipe) -> Saddle:
    """The system of a data set's training inputs.

    Args:
        data: N training inputs.
        recipe: taken to be of `LAYERS` layers, `ACTIVATION` and full batches, whatever it says.
    """
    gram = data.train_inputs @ data.train_inputs.T
    (first,) = nngp(gram, [recipe.init_std**2], ACTIVATIONS[ACTIVATION].value)
    targets = one_hot(torch.as_tensor(data.train_labels), data.classes)
    error = -LOSSES[recipe.loss].gradient(torch.zeros_like(targets), targets).numpy()
    samples, classes = error.shape
    # IP at any width, here 1: its variances and rates are these powers of n.
    at = {"sigma": recipe.init_std, "reference_width": recipe.reference_width}
    hidden, readout = (SCHEMES["IP"].init_std(role, 1, **at) ** 2 for role in ("hidden", "output"))
    rate = recipe.learning_rate / samples
    step, start = np.eye(samples + classes), np.zeros((samples + classes,) * 2)
    step[:samples, samples:] = rate * first.feature @ error
    step[samples:, :samples] = rate * readout * error.T
    start[:samples, :samples] = hidden * first.feature
    start[samples:, samples:] = hidden * readout * np.eye(classes)
    return Saddle(step, start, first.feature, hidden, readout)
