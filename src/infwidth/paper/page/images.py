"""Pictures inside the page: the figures' PNG files as data URIs."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image


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

    def filled(self, config: Mapping[str, Any]) -> str:
        """The caption of a run with this config, on one line.

        Raises:
            jinja2.UndefinedError: it names an unknown key.
        """
        template = jinja2.Template(self.caption, undefined=jinja2.StrictUndefined)
        return " ".join(template.render(snakemake={"config": config}).split())


@dataclass(frozen=True)
class Embedded:
    """An image as HTML needs it: the address that holds it, and its size in pixels."""

    uri: str
    width: int
    height: int


def embedded(path: Path) -> Embedded:
    """A PNG file as a data URI.

    Raises:
        FileNotFoundError: there is no such file.
        PIL.UnidentifiedImageError: it is no image.
    """
    with Image.open(path) as image:
        size = image.size
    encoded = base64.b64encode(path.read_bytes()).decode("ascii")
    return Embedded(f"data:image/png;base64,{encoded}", *size)
