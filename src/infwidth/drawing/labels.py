"""Names beside the curves that they are of."""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

# Least distance of two names, in letter heights.
APART = 1.15


class End(NamedTuple):
    """Where a curve ends, in the units of its axes."""

    name: str
    height: float
    color: object


def at_the_right(ax: Axes, ends: Iterable[End], *, size: float = 7) -> None:
    """Write names outside a panel, at the heights of their curves' ends, but apart.

    Args:
        ax: the panel, with its final limits and scale.
        ends: of the curves; what is not finite or outside the panel is left out.
        size: of the letters, in points.
    """
    placed = []
    for end in ends:
        place = ax.transAxes.inverted().transform(ax.transData.transform((1.0, end.height)))[1]
        if np.isfinite(place) and -0.01 <= place <= 1.01:
            placed.append((float(place), end))
    placed.sort(key=lambda one: one[0])
    gap = APART * size / 72 / (ax.bbox.height / ax.figure.dpi)
    heights = [place for place, _ in placed]
    # Overlapping names move apart by the same bit each until none do.
    for _ in range(100 * len(heights)):
        close = [
            low
            for low, high in pairwise(range(len(heights)))
            if heights[high] - heights[low] < 0.999 * gap
        ]
        if not close:
            break
        for low in close:
            missing = (gap - (heights[low + 1] - heights[low])) / 2
            heights[low] -= missing
            heights[low + 1] += missing
    for height, (_, end) in zip(heights, placed, strict=True):
        ax.annotate(
            end.name, (1, height), xytext=(3, 0), xycoords="axes fraction",
            textcoords="offset points", va="center", fontsize=size, color=end.color,
            annotation_clip=False,
        )  # fmt: skip
