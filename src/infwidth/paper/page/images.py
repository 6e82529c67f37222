"""Pictures inside the page: the figures' PNG files in fewer colours, as data URIs."""

import base64
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

# Plots have few colours; with this many, the edges of letters and lines stay smooth, and a file
# has a third of its size.
COLORS = 128


@dataclass(frozen=True)
class Picture:
    """A figure of the page.

    Attributes:
        path: its PNG file.
        title: a few words.
        caption: what is drawn, in sentences; as a caption of Snakemake's report it is a Jinja
            template, which may name keys of `snakemake.config`.
    """

    path: Path
    title: str
    caption: str


@dataclass(frozen=True)
class Embedded:
    """An image as HTML needs it: the address that holds it, and its size in pixels."""

    uri: str
    width: int
    height: int


def embedded(path: Path) -> Embedded:
    """A PNG file as a data URI, in at most `COLORS` colours; the same bytes for the same file.

    Raises:
        FileNotFoundError: there is no such file.
        PIL.UnidentifiedImageError: it is no image.
    """
    with Image.open(path) as image:
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    reduced = flat.quantize(COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    content = BytesIO()
    reduced.save(content, "PNG", optimize=True)
    encoded = base64.b64encode(content.getvalue()).decode("ascii")
    return Embedded(f"data:image/png;base64,{encoded}", *flat.size)
