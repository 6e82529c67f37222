"""What a figure shows, as a stamp that travels in its files.

Two pictures of the same data differ in their bytes where fonts or libraries do, and two that look
alike may show different numbers. So a figure is told by what was drawn: its words, looks and shapes
by a digest, and its numbers by a sum that another machine's last digits do not change: curves,
bands, bars, images and places of words in units of their panel, axes by their limits.
"""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from matplotlib import transforms
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import Collection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch
from matplotlib.spines import Spine
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FixedLocator

# Numbers are in units of a panel: one that moves by less is drawn in the same place.
VISIBLE = 1e-7
# Suffix -> the entry of the file's metadata that holds the stamp. Both formats store it as it is.
STAMPED: Mapping[str, str] = {".pdf": "Keywords", ".png": "Description"}
_STAMP = re.compile(
    rb"infwidth words=([0-9a-f]{64}) numbers=(\S+) config=([0-9a-f]{64}|none)", re.ASCII
)


@dataclass(frozen=True)
class Stamp:
    """What the files of a figure say of it.

    Attributes:
        words: digest of its words, looks and shapes, and of how many numbers are drawn where.
        numbers: sum of u_k exp(ik) over the numbers drawn, u_1, u_2, ...: where one of them changes
            by some amount, so does the sum, by as much.
        config: digest of the configuration that it comes from; None where it was not given.
    """

    words: str
    numbers: complex
    config: str | None

    @classmethod
    def of(cls, figure: Figure, config: str | None = None) -> Self:
        """That of a figure which is not saved yet.

        Its size, fonts and the places of its panels do not count.
        """
        digest = hashlib.sha256()
        drawn = [np.zeros(0)]
        for part in _children(figure):
            if isinstance(part, str):
                digest.update(f"{part}\n".encode())
                continue
            # Missing and infinite ones have no place; that they are so counts.
            finite = np.isfinite(part)
            digest.update(f"{part.shape} {np.packbits(finite).tobytes().hex()}\n".encode())
            drawn.append(part[finite])
        numbers = np.concatenate(drawn)
        total = complex(np.sum(numbers * np.exp(1j * np.arange(1, len(numbers) + 1))))
        return cls(digest.hexdigest(), total, config)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """That in a PDF or PNG file; None where it has none.

        Raises:
            OSError: the file cannot be read.
        """
        found = _STAMP.search(path.read_bytes())
        if found is None:
            return None
        words, numbers, config = (part.decode() for part in found.groups())
        try:
            return cls(words, complex(numbers), None if config == "none" else config)
        except ValueError:
            return None

    def text(self) -> str:
        """As it stands in the metadata."""
        numbers = f"{self.numbers.real:.9f}{self.numbers.imag:+.9f}j"
        return f"infwidth words={self.words} numbers={numbers} config={self.config or 'none'}"

    def shows_as(self, other: Self) -> bool:
        """Whether both show the same, to what is visible."""
        return self.words == other.words and abs(self.numbers - other.numbers) < VISIBLE


# A word of a figure, or numbers of it in one row.
Part = str | np.ndarray[tuple[int], np.dtype[np.float64]]


def _described(artist: Artist) -> Iterator[Part]:
    """What an artist and those within it show."""
    yield f"{type(artist).__name__} {artist.get_visible()} {artist.get_label()!r}"
    # An image's or line's own kind comes before what it is a kind of.
    if isinstance(artist, Axes):
        yield from _axes(artist)
    elif isinstance(artist, Line2D):
        yield _placed(artist, artist.get_xydata(), artist.get_transform())
        yield _look(artist)
    elif isinstance(artist, AxesImage):
        yield _coloured(artist)
        left, right, bottom, top = artist.get_extent()
        yield _placed(artist, [(left, bottom), (right, top)], artist.get_transform())
    elif isinstance(artist, Collection):
        yield from _collection(artist)
    elif isinstance(artist, Patch):
        # Where an arrow begins and ends depends on the size of the page; its words tell what it is
        # for.
        if not isinstance(artist, FancyArrowPatch):
            yield _placed(artist, artist.get_path().vertices, artist.get_transform())
        yield _look(artist)
    elif isinstance(artist, Text):
        yield from _text(artist)
    elif isinstance(artist, Legend):
        for entry in (artist.get_title(), *artist.get_texts(), *artist.legend_handles):
            if entry is not None:
                yield entry.get_text() if isinstance(entry, Text) else _look(entry)
    else:
        yield from _children(artist)


def _children(artist: Artist) -> Iterator[Part]:
    for child in artist.get_children():
        if not isinstance(child, Axis | Spine):
            yield from _described(child)


def _axes(ax: Axes) -> Iterator[Part]:
    for axis in (ax.xaxis, ax.yaxis):
        yield f"{axis.get_scale()} {axis.get_label().get_text()!r}"
        low, high = axis.get_transform().transform(np.array(axis.get_view_interval(), dtype=float))
        span = abs(high - low) or 1.0
        yield _row([low / span, math.log(span)])
        # Ticks that were chosen by hand; others follow from the limits.
        locator = axis.get_major_locator()
        if isinstance(locator, FixedLocator):
            ticks = np.asarray(locator.tick_values(0, 0), dtype=float)
            yield f"{axis.get_major_formatter().format_ticks(list(ticks))}"
            yield _row((axis.get_transform().transform(ticks) - low) / span)
    yield from _children(ax)


def _collection(collection: Collection) -> Iterator[Part]:
    for path in collection.get_paths():
        yield _placed(collection, path.vertices, collection.get_transform())
    yield _placed(collection, collection.get_offsets(), collection.get_offset_transform())
    yield _coloured(collection)
    yield _look(collection)


def _text(text: Text) -> Iterator[Part]:
    yield repr(text.get_text())
    if isinstance(text, Annotation):
        # Words stand apart from what they point at, in points of the page.
        yield _row(text.get_unitless_position())
        assert text.axes is not None
        pointed = text.axes.transData if text.xycoords == "data" else transforms.IdentityTransform()
        yield _placed(text, [text.xy], pointed)
    else:
        yield _placed(text, [text.get_unitless_position()], text.get_transform())


def _look(artist: Artist) -> str:
    """Colours and marks, which say whose curve it is."""
    if isinstance(artist, Line2D):
        marks = f"{artist.get_marker()!r} {artist.get_linestyle()!r}"
        return f"{to_hex(artist.get_color(), keep_alpha=True)} {marks}"
    if isinstance(artist, Patch):
        colours: Any = (artist.get_facecolor(), artist.get_edgecolor())
    elif isinstance(artist, Collection):
        colours = (*artist.get_facecolor(), *artist.get_edgecolor())
    else:
        return type(artist).__name__
    return " ".join(to_hex(colour, keep_alpha=True) for colour in colours)


def _coloured(mapped: AxesImage | Collection) -> Part:
    """Values that colours stand for, from 0 to 1; channels of red, green and blue as they are."""
    values = mapped.get_array()
    if values is None:
        return _row([])
    return _row(values if mapped.norm is None or np.ndim(values) == 3 else mapped.norm(values))


def _placed(artist: Artist, vertices: Any, transform: transforms.Transform) -> Part:
    """Places (n, 2) in units of the panel, whatever its size and scales."""
    places = np.ma.filled(np.ma.asarray(vertices, dtype=np.float64), np.nan)
    ax = artist.axes
    # A marker's shape is in points, and a title's place a fraction of the panel and some points.
    if ax is not None and any(transform.contains_branch_seperately(ax.transData)):
        places = (transform - ax.transAxes).transform(places.reshape(-1, 2))
    return _row(places)


def _row(values: Any) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """One row of numbers; masked ones are missing."""
    return np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan).reshape(-1)
