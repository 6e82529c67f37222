"""One figure a module; this is their list: name of the file -> function that draws it."""

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from infwidth.paper.figures import evolution, layers, losses, spectra, width_sweep
from infwidth.paper.measurements import Measurements

FIGURES: Mapping[str, Callable[[Measurements], Figure]] = {
    "width_sweep": width_sweep.draw,
    "evolution": evolution.draw,
    "spectra": spectra.draw,
    "losses": losses.draw,
    "layers": layers.draw,
}
