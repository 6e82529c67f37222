"""What coordinates and outputs are measured on: widths, networks, steps, and their reference."""

from collections.abc import Iterable

# Schemes whose n = ∞ network is linear, and whose features keep the Gaussian law of the start.
LINEAR = ("SP", "NTP")
# Functions of coordinates whose correlations are told: h(ξ_i), and h(ξ_i) h(ξ_j).
MOMENTS = (1, 2)
# The reference of the other schemes is this many times as wide as the largest width, in so many
# networks, whose lazy layers leave out draws that would change a movement by less than this part:
# a law needs no more.
REFERENCE_FACTOR, REFERENCE_SEEDS, REFERENCE_TOLERANCE = 2, 2, 1e-2
# Parts of the largest width that are compared, as far as that leaves as many units as this: small
# ones, because many networks of them cost little.
PARTS, FEWEST_UNITS = (64, 32, 16, 8, 4, 2), 4


def ladder(widths: Iterable[int]) -> list[int]:
    """The widths compared, ascending.

    >>> ladder([128, 256, 512, 1024])
    [16, 32, 64, 128, 256, 512]
    """
    return [max(widths) // part for part in PARTS if max(widths) // part >= FEWEST_UNITS]


def networks(width: int, widths: Iterable[int], seeds: int) -> int:
    """How many networks of a width are trained: all widths have as many units in all.

    >>> [networks(width, [128, 1024], seeds=3) for width in (16, 512)]
    [192, 6]
    """
    return seeds * max(widths) // width


def looked_at(steps: int) -> list[int]:
    """The start, a tenth and the whole of half as many steps as other trainings have.

    By then the few samples are fitted.

    >>> looked_at(200)
    [0, 10, 100]
    """
    last = (steps + 1) // 2
    return sorted({0, (last + 9) // 10, last})
