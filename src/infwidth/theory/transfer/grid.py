"""Which learning rates are tried: enough to see the optimum and the edge of stability.

Rates are η 2^(k/4), k a whole number: its *place*. Rates a factor of 2 apart are tried upward until
no seed is stable, and downward until a quarter of the best; then those √2 apart around the best,
and, by halving, those next to each seed's edge. Where the best is the highest stable one, the place
below it is tried, too. What is tried depends on the losses alone. All this is ours.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from infwidth.theory.transfer.names import FITTED, MOVED

Array = NDArray[np.float64]
# Place -> final over untrained loss of each seed; infinite where it diverged.
Tried = Mapping[int, Array]

# Places of a factor of 2.
OCTAVE = 4
# Places below the best that are tried, and the furthest from the first.
BELOW, FAR = 2 * OCTAVE, 12 * OCTAVE
# Places around the best that are tried. An optimum is fitted to those within an octave; the outer
# ones are for a neighbour that turns out better.
NEARBY = (-6, -2, 2, 6)


def rate(place: int, learning_rate: float) -> float:
    """The learning rate at a place."""
    return float(learning_rate * 2.0 ** (place / OCTAVE))


def coarse(place: int) -> int:
    """The nearest of the places a factor of 2 apart, which all widths share."""
    return OCTAVE * round(place / OCTAVE)


def unstable(left: Array) -> NDArray[np.bool_]:
    """Of each seed, whether its training ended above the untrained loss."""
    return np.asarray(~(left <= 1 + MOVED))


def logarithms(left: Array) -> Array:
    """Of what is left of losses, but for what is under `FITTED`."""
    return np.asarray(np.log(np.maximum(left, FITTED)))


def score(left: Array) -> float:
    """Mean logarithm of what is left of the losses; infinite if a seed is unstable."""
    return float("inf") if unstable(left).any() else float(logarithms(left).mean())


def best(tried: Tried) -> int:
    """The lowest place of the least score; where none is stable, the lowest of all."""
    return min(sorted(tried), key=lambda place: score(tried[place]))


def window(tried: Tried) -> list[int]:
    """The places within an octave of the best at which every seed is stable, ascending."""
    middle = best(tried)
    near = (place for place in sorted(tried) if abs(place - middle) <= OCTAVE)
    return [place for place in near if not unstable(tried[place]).any()]


def edge(tried: Tried, seed: int) -> tuple[int, int | None]:
    """A seed's highest stable place, and the next one tried, where it is unstable.

    Looked for from the best upward: far below it a loss that has not moved is no instability.
    """
    above = sorted(place for place in tried if place >= best(tried))
    for low, high in pairwise(above):
        if unstable(tried[high])[seed]:
            return low, high
    return above[-1], None


def explored(outcome: Callable[[int], Array], first: int) -> dict[int, Array]:
    """Try rates, from a first place on.

    Args:
        outcome: what is left of the losses at a place, shape (seeds,).
        first: a place.
    """
    tried: dict[int, Array] = {}

    def at(place: int) -> Array:
        if place not in tried:
            tried[place] = outcome(place)
        return tried[place]

    place = first
    while not unstable(at(place)).all() and place < first + FAR:
        place += OCTAVE
    place = first
    while place > max(best(tried) - BELOW, first - FAR):
        place -= OCTAVE
        at(place)
    middle = best(tried)
    for nearby in NEARBY:
        at(middle + nearby)
    for seed in range(len(tried[middle])):
        low, high = edge(tried, seed)
        while high is not None and high - low > 1:
            at((low + high) // 2)
            low, high = edge(tried, seed)
    if window(tried)[-1:] == [best(tried)]:
        at(best(tried) - 1)
    return tried
