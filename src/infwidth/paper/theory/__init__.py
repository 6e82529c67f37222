"""The figures of the checks of the theory, one a module, from the tables in `theory/`."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from infwidth.csv_files import read_csv
from infwidth.paper.style import save
from infwidth.paper.theory import (
    covariance,
    decomposition,
    independence,
    inputs,
    kernels,
    limits,
    linearised,
    rest,
)

Tables = Mapping[str, pd.DataFrame]

# In the order of the argument: what is assumed, where training starts, what it does, where it ends.
TITLES: Mapping[str, str] = {
    "inputs": "Assumption 4.1: separate inputs",
    "kernels": "Initialisation in closed form",
    "independence": "Theorem 4.5: independent features through training",
    "linearised": "NTP and its linearised limit",
    "covariance": "Covariance preservation",
    "decomposition": "The parts of the pre-activations",
    "rest": "Corollary 4.6: rest and zero error",
    "limits": "The limits of Table 1 at infinite width",
}
FIGURES: Mapping[str, Callable[[Tables], Figure]] = {
    "inputs": lambda tables: inputs.draw(tables["separation"], tables["violations"]),
    "kernels": lambda tables: kernels.draw(tables["kernels"]),
    "independence": lambda tables: independence.draw(tables["independence"]),
    "linearised": lambda tables: linearised.draw(tables["linearised"]),
    "covariance": lambda tables: covariance.draw(tables["covariance"]),
    "decomposition": lambda tables: decomposition.draw(tables["decomposition"]),
    "rest": lambda tables: rest.draw(tables["rest"]),
    "limits": lambda tables: limits.draw(tables["limits"]),
}


def read(folder: Path) -> dict[str, pd.DataFrame]:
    """Every table in a theory folder, by name."""
    return {path.stem: read_csv(path) for path in sorted(folder.glob("*.csv"))}


def save_all(folder: Path, config_sha256: str) -> None:
    """Draw every figure of a theory folder, into its `figures`.

    Args:
        folder: the theory folder, with its CSV files.
        config_sha256: digest of the configuration, as from `infwidth.provenance.figures_digest`.
    """
    tables = read(folder)
    for name, draw in FIGURES.items():
        save(draw(tables), folder / "figures" / name, config_sha256=config_sha256)
