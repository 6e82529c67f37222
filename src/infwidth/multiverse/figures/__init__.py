"""The pictures of many worlds, one a module; this is their list: file -> function that draws it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from infwidth.drawing.style import save
from infwidth.multiverse.figures import shares, specifications

FIGURES: Mapping[str, Callable[[Path], Figure]] = {
    "specifications": specifications.draw,
    "shares": shares.draw,
}


def save_all(folder: Path, digest: str) -> None:
    """Draw every figure of a paper folder of worlds, into its `figures`.

    Args:
        folder: the paper folder, with its CSV files.
        digest: of the configuration that the worlds come from.

    Raises:
        FileNotFoundError: one of the CSV files is missing.
    """
    (folder / "figures").mkdir(exist_ok=True)
    for name, draw in FIGURES.items():
        save(draw(folder), folder / "figures" / name, config_sha256=digest)
