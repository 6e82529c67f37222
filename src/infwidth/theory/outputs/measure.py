r"""Outputs of finite networks against those of the n = ∞ network.

What f_∞,t is depends on the scheme. Under µP initial outputs vanish as n^-1/2, and f_∞,t is one
function: the mean over the reference's networks stands for it. Under SP and NTP f_0 tends to a
Gaussian process with the kernel v_{L+1} X^L, so that f_∞,t is random, too. A network is then held
against the linear equation of the n = ∞ tangent kernel from its *own* f_0: with it, f_∞,t is one
function again. Across networks the laws are compared: the mean, and the spread over networks with
that of the linear equation from draws of the process.

With e_r = f_n,t - f_∞,t of network r, of R: its mean is the offset, of order 1/n, and what is
around the mean the fluctuation, of order n^-1/2. Squares of means contain the noise of the means;
|E e|² is estimated by |ē|² less that, and may come out negative.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infwidth.theory.coordinates.ensemble import Ensemble, Inputs, geometric_means

Array = NDArray[np.float64]
Row = dict[str, object]

OUTPUTS = ("scheme", "width", "group", "step", "inputs", "difference", "fluctuation")
OFFSETS = (
    "scheme", "width", "step", "inputs", "networks", "limit_width", "difference_square",
    "offset_square", "offset_error", "spread_square", "spread_error", "limit_spread_square",
)  # fmt: skip


@dataclass(frozen=True)
class Limit:
    """What stands for f_∞ at one step.

    Attributes:
        width: that of the networks whose mean stands for it; infinite where it is in closed form.
        outputs: of each network's limit, shape (R, inputs, classes), or of that of all.
        draws: of the limit, over which its spread is taken, shape (draws, inputs, classes).
    """

    width: float
    outputs: Array
    draws: Array

    @property
    def noise(self) -> Array:
        """The variance of `outputs` as a mean over draws, (inputs, classes)."""
        if math.isinf(self.width):
            return np.zeros(self.outputs.shape[1:])
        variance: Array = self.draws.var(axis=0, ddof=1) / len(self.draws)
        return variance


def process(kernel: Array, classes: int, draws: int) -> Array:
    """Draws of initial outputs at n = ∞: independent Gaussian outputs with this kernel.

    Args:
        kernel: v_{L+1} X^L, shape (inputs, inputs).
        classes: how many outputs.
        draws: how many draws; the same on every call.

    Returns:
        Shape (draws, inputs, classes).
    """
    values, vectors = np.linalg.eigh(kernel)
    root = vectors * np.sqrt(values.clip(min=0))
    normal = np.random.default_rng(0).standard_normal((draws, len(kernel), classes))
    return np.asarray(root @ normal)


def rows(
    scheme: str, seen: Ensemble, inputs: Inputs, limit: Limit, groups: int
) -> Iterator[tuple[Row, list[Row]]]:
    """A row of offsets.csv, and those of outputs.csv, for trained and for test inputs.

    Args:
        scheme: its name.
        seen: two networks or more.
        inputs: theirs.
        limit: at their step.
        groups: of networks; a group has a row of outputs.csv, of geometric means.
    """
    count = len(seen.seeds)
    # Of a limit for each network, those of the networks that are left.
    whole = limit.outputs if len(limit.outputs) == 1 else limit.outputs[seen.places]
    parts = {"trained": slice(inputs.trained), "test": slice(inputs.trained, None)}
    for name, part in parts.items():
        place: Row = {
            "scheme": scheme, "width": seen.width, "step": seen.step, "inputs": name
        }  # fmt: skip
        error = (seen.outputs - whole)[:, part]
        offset, offset_error = _offset(error, limit.noise[part])
        spread, fluctuation = _squares(seen.outputs[:, part]), _squares(error)
        difference = fluctuation + max(offset, 0.0)
        yield (
            place
            | {
                "networks": count,
                "limit_width": limit.width,
                "difference_square": float(difference.mean()),
                "offset_square": offset,
                "offset_error": offset_error,
                "spread_square": float(spread.mean()),
                "spread_error": float(spread.std(ddof=1) / np.sqrt(count)),
                "limit_spread_square": float(_squares(limit.draws[:, part]).mean()),
            },
            [
                place | {"group": group, "difference": apart, "fluctuation": around}
                for group, (apart, around) in enumerate(
                    zip(
                        *(
                            geometric_means(np.sqrt(each), groups).tolist()
                            for each in (difference, fluctuation)
                        ),
                        strict=True,
                    )
                )
            ],
        )


def _squares(outputs: Array) -> Array:
    """Of the distance from the mean over networks, in label lengths; means over inputs, (R,).

    Their mean over networks is an unbiased estimate of the variance.
    """
    count = len(outputs)
    around = outputs - outputs.mean(axis=0)
    squares: Array = np.square(around).sum(axis=-1).mean(axis=-1) * count / (count - 1)
    return squares


def _offset(error: Array, noise: Array) -> tuple[float, float]:
    """An unbiased estimate of |E e|², mean over inputs, and its standard error.

    With ē of covariance C, |ē|² - tr C has the variance 4 E(e)ᵀ C E(e) + 2 tr C² for Gaussian ē.
    C is that of the networks over R, and where the limit has noise, that of the limit, which is
    taken in the same shape.

    Args:
        error: e, shape (R, inputs, classes).
        noise: the variance of what stands for the limit, shape (inputs, classes).
    """
    count, samples = error.shape[:2]
    mean = error.mean(axis=0).ravel()
    flat = error.reshape(count, -1) - mean
    own = float(np.square(flat).sum() / (count - 1) / count)
    both = own + float(noise.sum())
    factor = both / own / count if own > 0 else 0.0
    gram = flat @ flat.T / (count - 1)
    # tr Σ̂² exceeds tr Σ² by about (tr Σ)² / (R - 1).
    trace = max(float(np.square(gram).sum() - np.trace(gram) ** 2 / (count - 1)), 0.0)
    # ēᵀ C ē exceeds E(e)ᵀ C E(e) by tr C².
    along = float(np.square(flat @ mean).sum() / (count - 1)) - factor * trace
    variance = 4 * factor * max(along, 0.0) + 2 * factor**2 * trace
    return (float(mean @ mean) - both) / samples, math.sqrt(variance) / samples
