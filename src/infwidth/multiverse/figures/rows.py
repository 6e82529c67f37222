"""What both figures write beside their rows: groups, and what belongs to them."""

from collections.abc import Iterable, Mapping, Sequence

from matplotlib.axes import Axes

from infwidth.drawing.style import GREY
from infwidth.measures.metrics import SHOWN
from infwidth.multiverse.outcomes import Cell

# Points.
LETTERS = 6.3
# Inches: a row where there is room, and a figure that leaves room for its caption.
HEIGHT = 0.118
PAGE = 8.2
# Points from the panel to the left, where the names of groups begin.
MARGIN = 100


def height(count: int, beside: float) -> float:
    """Inches of each of so many rows, in a figure of which something else takes `beside`."""
    return min(HEIGHT, (PAGE - beside) / max(count, 1))


def title(cell: Cell) -> str:
    """Of a cell's column, in few letters."""
    metric = SHOWN[cell.column]
    return (metric.short_title or metric.title).removeprefix("Feature ").lower()


def grouped(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    """Scheme -> its cells."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.scheme, []).append(cell)
    return found


def label(ax: Axes, groups: Mapping[str, Sequence[str]]) -> None:
    """Write the names of rows, from the top, and those of their groups at the first of each.

    Args:
        ax: the panel; row k is at height k.
        groups: name -> its rows.
    """
    names = [row for rows in groups.values() for row in rows]
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_yticks(range(len(names)), names, fontsize=LETTERS)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False)
    ax.hlines([place - 0.5 for place in range(1, len(names))], 0, 1, "white", lw=0.8,
              transform=ax.get_yaxis_transform())  # fmt: skip
    first = 0
    for name, rows in groups.items():
        ax.annotate(
            name, (0, first), (-MARGIN, 0), ("axes fraction", "data"), "offset points",
            ha="left", va="center", fontsize=LETTERS + 0.7, annotation_clip=False,
        )  # fmt: skip
        if first:
            ax.axhline(first - 0.5, color=GREY, lw=0.5)
        first += len(rows)
