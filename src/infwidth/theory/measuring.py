"""What a statement's `measured` gets, and gives.

`measured(files, settings)` gives the statement's tables by name; `measured_part(files, settings,
part)` those of one of its parts. Where these are the statement's own, `measured` here joins them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from infwidth.datasets.prepare import PreparedDataset
from infwidth.files.tables import read_csv
from infwidth.measures.features import Features

Settings = Mapping[str, Any]
Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Files:
    """Files of an experiment, opened where they are asked for.

    Attributes:
        paths: what a statement needs, or a table of its parts -> where it is, a file for each
            training or part.
    """

    paths: Mapping[str, Sequence[Path]]

    def dataset(self) -> PreparedDataset:
        """The prepared data."""
        return PreparedDataset.load(self.paths["dataset"][0])

    def table(self, name: str) -> pd.DataFrame:
        """A table of the experiment."""
        return read_csv(self.paths[name][0])

    def parts(self, name: str) -> list[pd.DataFrame]:
        """A table of every part."""
        return [read_csv(path) for path in self.paths[f"{name}_parts"]]

    def features(self, schemes: Iterable[str]) -> Iterator[tuple[str, Features]]:
        """The features of every training, whose files are in the order of schemes and widths."""
        names = list(schemes)
        widths = len(self.paths["features"]) // len(names)
        for index, path in enumerate(self.paths["features"]):
            yield names[index // widths], Features.load(path)


def measured(files: Files, settings: Settings) -> Tables:
    """The tables of all parts, one below the other."""
    names = [path.removesuffix("_parts") for path in files.paths]
    return {name: pd.concat(files.parts(name), ignore_index=True) for name in names}
