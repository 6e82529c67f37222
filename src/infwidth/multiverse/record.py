"""What one world's trainings leave behind, and its file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd

from infwidth.files.whole import FileError, load_arrays, save_arrays

TABLES = ("metrics", "runs", "diverged", "spectra")


@dataclass(frozen=True)
class Record:
    """Tables with the columns that an experiment has in its paper folder; or why there are none.

    Attributes:
        metrics: metrics.csv.
        runs: runs.csv.
        diverged: diverged.csv.
        spectra: spectra.csv at the largest width, which sets the finite-width correction.
        device: the names of the processors that trainings ran on, in a line.
        failed: an error in a line; empty where there are tables.
    """

    metrics: pd.DataFrame
    runs: pd.DataFrame
    diverged: pd.DataFrame
    spectra: pd.DataFrame
    device: str = ""
    failed: str = ""

    @classmethod
    def of_failure(cls, error: str) -> Self:
        """Of a world whose training came to no end."""
        nothing = pd.DataFrame()
        return cls(nothing, nothing, nothing, nothing, failed=error)

    def save(self, path: Path) -> None:
        """Write an npz file: an array for each column."""
        arrays = {
            f"{name}:{column}": _array(values)
            for name in TABLES
            for column, values in getattr(self, name).items()
        }
        save_arrays(path, device=self.device, failed=self.failed, **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            infwidth.files.whole.FileError: it is damaged.
        """
        arrays = load_arrays(path)
        columns: dict[str, dict[str, Any]] = {name: {} for name in TABLES}
        device, failed = (str(arrays.pop(name, "")) for name in ("device", "failed"))
        for key, values in arrays.items():
            name, _, column = key.partition(":")
            columns[name][column] = values
        metrics, runs, diverged, spectra = (pd.DataFrame(columns[name]) for name in TABLES)
        return cls(metrics, runs, diverged, spectra, device, failed)


def _array(values: "pd.Series[Any]") -> Any:
    return values.to_numpy() if pd.api.types.is_numeric_dtype(values) else values.to_numpy(str)


def remove_damaged(paths: list[Path]) -> list[Path]:
    """Remove the files that are not as they were written, so that they are made again; which."""
    removed = []
    for path in paths:
        try:
            load_arrays(path)
        except FileError:
            path.unlink()
            removed.append(path)
    return removed
