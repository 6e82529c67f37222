"""What a figure shows, as a digest that travels in its files.

Two pictures of the same data differ in their bytes where fonts or libraries do, and two that look
alike may show different numbers. So a figure is told by what was drawn: curves, bands, bars, images
and words with their places in the data's own coordinates, axes with their limits and scales.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
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

# Significant digits that count: logarithms and powers differ between machines in their last ones.
DIGITS = 9
# Suffix -> the entry of the file's metadata that holds the stamp. Both formats store it as it is.
STAMPED: Mapping[str, str] = {".pdf": "Keywords", ".png": "Description"}
_STAMP = re.compile(rb"infwidth drawn=([0-9a-f]{64}) config=([0-9a-f]{64}|none)")


@dataclass(frozen=True)
class Stamp:
    """What the files of a figure say of it.

    Attributes:
        drawn: digest of what it shows.
        config: digest of the configuration that it comes from; None where it was not given.
    """

    drawn: str
    config: str | None

    @classmethod
    def of(cls, figure: Figure, config: str | None = None) -> Self:
        """That of a figure which is not saved yet."""
        return cls(drawn_digest(figure), config)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """That in a PDF or PNG file; None where it has none.

        Raises:
            OSError: the file cannot be read.
        """
        found = _STAMP.search(path.read_bytes())
        if found is None:
            return None
        drawn, config = (part.decode() for part in found.groups())
        return cls(drawn, None if config == "none" else config)

    def text(self) -> str:
        """As it stands in the metadata."""
        return f"infwidth drawn={self.drawn} config={self.config or 'none'}"


def drawn_digest(figure: Figure) -> str:
    """SHA-256 of what a figure shows, in numbers of `DIGITS` digits.

    Its size, fonts and the places of its panels do not count.
    """
    digest = hashlib.sha256()
    for line in _children(figure):
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()


def _described(artist: Artist) -> Iterator[str]:
    """Lines that tell what an artist and those within it show."""
    yield f"{type(artist).__name__} {artist.get_visible()} {artist.get_label()!r}"
    # An image's or line's own kind comes before what it is a kind of.
    if isinstance(artist, Axes):
        yield from _axes(artist)
    elif isinstance(artist, Line2D):
        yield from _line(artist)
    elif isinstance(artist, AxesImage):
        yield _numbers(artist.get_array())
        yield _numbers(artist.get_extent())
    elif isinstance(artist, Collection):
        yield from _collection(artist)
    elif isinstance(artist, Patch):
        yield from _patch(artist)
    elif isinstance(artist, Text):
        yield from _text(artist)
    elif isinstance(artist, Legend):
        for entry in (artist.get_title(), *artist.get_texts(), *artist.legend_handles):
            if entry is not None:
                yield from _look(entry) if not isinstance(entry, Text) else (entry.get_text(),)
    else:
        yield from _children(artist)


def _children(artist: Artist) -> Iterator[str]:
    for child in artist.get_children():
        if not isinstance(child, Axis | Spine):
            yield from _described(child)


def _axes(ax: Axes) -> Iterator[str]:
    for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        yield f"{axis.get_scale()} {_numbers(limits)} {axis.get_label().get_text()!r}"
        # Ticks that were chosen by hand; others follow from the limits.
        locator = axis.get_major_locator()
        if isinstance(locator, FixedLocator):
            places = locator.tick_values(0, 0)
            yield f"{_numbers(places)} {axis.get_major_formatter().format_ticks(list(places))}"
    yield from _children(ax)


def _line(line: Line2D) -> Iterator[str]:
    yield _numbers(line.get_xdata(orig=False))
    yield _numbers(line.get_ydata(orig=False))
    yield from _look(line)


def _collection(collection: Collection) -> Iterator[str]:
    for path in collection.get_paths():
        yield _numbers(path.vertices)
    yield _numbers(collection.get_offsets())
    values = collection.get_array()
    yield _numbers([] if values is None else values)
    yield from _look(collection)


def _patch(patch: Patch) -> Iterator[str]:
    # Where an arrow begins and ends depends on the size of the page; its words tell what it is for.
    if not isinstance(patch, FancyArrowPatch):
        yield _numbers(patch.get_patch_transform().transform(patch.get_path().vertices))
    yield from _look(patch)


def _text(text: Text) -> Iterator[str]:
    yield f"{text.get_text()!r} {_numbers(text.get_unitless_position())}"
    if isinstance(text, Annotation):
        yield _numbers(text.xy)


def _look(artist: Artist) -> Iterator[str]:
    """Colours and marks, which say whose curve it is."""
    if isinstance(artist, Line2D):
        marks = f"{artist.get_marker()!r} {artist.get_linestyle()!r}"
        yield f"{to_hex(artist.get_color(), keep_alpha=True)} {marks}"
    elif isinstance(artist, Patch):
        colours = (artist.get_facecolor(), artist.get_edgecolor())
        yield " ".join(to_hex(colour, keep_alpha=True) for colour in colours)
    elif isinstance(artist, Collection):
        colours = (*artist.get_facecolor(), *artist.get_edgecolor())
        yield " ".join(to_hex(colour, keep_alpha=True) for colour in colours)


def _numbers(values: Any) -> str:
    """Numbers as text; masked ones are as missing, and -0 as 0."""
    array = np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan) + 0.0
    return f"{array.shape} " + " ".join(f"{value:.{DIGITS - 1}e}" for value in array.flat)
