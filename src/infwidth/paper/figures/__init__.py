"""One figure a module; this is their list: name of the file -> function that draws it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from infwidth.drawing.style import save
from infwidth.measures.reading import Measurements, read
from infwidth.paper.figures import evolution, layers, losses, spectra, table1_steps, width_sweep

FIGURES: Mapping[str, Callable[[Measurements], Figure]] = {
    "width_sweep": width_sweep.draw,
    "table1_steps": table1_steps.draw,
    "evolution": evolution.draw,
    "spectra": spectra.draw,
    "losses": losses.draw,
    "layers": layers.draw,
}


def save_all(folder: Path, config_sha256: str) -> None:
    """Draw every figure of a paper folder, into its `figures`.

    Args:
        folder: the paper folder, with its CSV files.
        config_sha256: digest of the configuration, as from
        `infwidth.jobs.provenance.figures_digest`.

    Raises:
        FileNotFoundError: one of the CSV files is missing.
    """
    measured = read(folder)
    for name, draw in FIGURES.items():
        save(draw(measured), folder / "figures" / name, config_sha256=config_sha256)
