"""The CSV files of one experiment as typed tables, and what is drawn of them: one curve at a time.

A value below the resolution of its computation is empty in the file, with its resolution beside it.
Such a value enters a mean as its resolution, and the mean is then marked as an upper bound.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from infwidth.files.tables import read_csv
from infwidth.measures.metrics import METRICS

WORDS = frozenset(
    {"scheme", "kind", "metric", "correction", "matrix", "column", "measured", "agrees", "law"}
)
COUNTS = frozenset({"width", "seed", "step", "layer", "index", "widths", "seeds", "unresolved"})


@dataclass(frozen=True)
class Measurements:
    """The tables of one experiment, columns as in its files.

    Attributes:
        metrics: features by scheme, width, seed, step, layer and kind.
        runs: losses by scheme, width, seed and step.
        diverged: the replicas that diverged, with the step.
        spectra: full spectra, geometric means over the seeds.
        scaling: fitted powers of the width.
        table1_steps: the cells of Table 1 at every step.
    """

    metrics: pd.DataFrame
    runs: pd.DataFrame
    diverged: pd.DataFrame
    spectra: pd.DataFrame
    scaling: pd.DataFrame
    table1_steps: pd.DataFrame

    @cached_property
    def schemes(self) -> tuple[str, ...]:
        """Every scheme, in the order of scaling.csv, which is the config's."""
        names = [*self.scaling["scheme"], *self.runs["scheme"], *self.diverged["scheme"]]
        return tuple(dict.fromkeys(names))

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Every width at which anything was run, ascending."""
        values = {*self.metrics["width"], *self.runs["width"], *self.diverged["width"]}
        return tuple(sorted(int(value) for value in values))

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """The hidden layers, from 1."""
        return tuple(sorted(int(value) for value in set(self.metrics["layer"])))

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """The steps at which features were measured."""
        return tuple(sorted(int(value) for value in set(self.metrics["step"])))

    @property
    def last_step(self) -> int:
        """The last step that any replica reached."""
        return max(self.steps, default=0)

    @cached_property
    def seeds(self) -> int:
        """The number of seeds of one scheme and width."""
        return len({*self.metrics["seed"], *self.runs["seed"], *self.diverged["seed"]})

    @cached_property
    def samples(self) -> int | None:
        """N, read off the number of eigenvalues of a Gram matrix; None without spectra."""
        index = self.spectra.loc[self.spectra["matrix"] == "gram", "index"]
        return int(index.max()) + 1 if len(index) else None

    def features(
        self, *, layer: int | None = None, kind: str = "h", step: int | None = None
    ) -> pd.DataFrame:
        """The metrics of one layer (the last hidden one) and kind, of all steps or of one."""
        table = self.metrics
        layer = layer or max(self.layers, default=0)
        chosen = (table["kind"] == kind) & (table["layer"] == layer)
        if step is not None:
            chosen &= table["step"] == step
        return table[chosen]

    def fit(self, metric: str, scheme: str, layer: int, kind: str) -> "pd.Series[float] | None":
        """The fitted power of one metric, scheme, layer and kind; None where there is none."""
        table = self.scaling
        chosen = (table["metric"] == metric) & (table["scheme"] == scheme)
        found = table[chosen & (table["layer"] == layer) & (table["kind"] == kind)]
        found = found.dropna(subset=["exponent"])
        return found.iloc[0] if len(found) else None


def read(folder: Path) -> Measurements:
    """The measurements in a paper folder.

    Raises:
        FileNotFoundError: one of the files is missing.
    """
    names = Measurements.__dataclass_fields__
    return Measurements(**{name: read_table(folder / f"{name}.csv") for name in names})


def read_table(path: Path) -> pd.DataFrame:
    """One CSV file, with names as strings, counts as integers and all else as floats."""
    table = read_csv(path)
    for column in table.columns.difference(list(WORDS)):
        table[column] = pd.to_numeric(table[column])
        if column in COUNTS and table[column].notna().all():
            table[column] = table[column].astype(int)
    return table


def curve(table: pd.DataFrame, value: str, along: str) -> pd.DataFrame:
    """The geometric mean over seeds and the range, against one variable.

    Args:
        table: rows of one scheme (and layer and kind).
        value: the metric or the column that is drawn; it is positive, or it is left out.
        along: the column on the horizontal axis, such as "width".

    Returns:
        Columns `mean`, `low`, `high` (extremes over seeds), `upper` (True where some seed's value
        is below its resolution, so that `mean` is an upper bound), indexed by `along`, ascending.
    """
    metric = METRICS.get(value)
    values = (table[value] if metric is None else metric.values(table)).astype(float)
    unresolved = pd.Series(False, index=table.index)
    upper = None if metric is None else metric.upper(table)
    if upper is not None:
        unresolved = values.isna() & upper.notna()
        values = values.where(~unresolved, upper.astype(float))
    drawn = pd.DataFrame({along: table[along], "log": np.log(values.where(values > 0))})
    drawn["upper"] = unresolved
    groups = drawn.dropna().groupby(along)
    return pd.DataFrame(
        {
            "mean": np.exp(groups["log"].mean()),
            "low": np.exp(groups["log"].min()),
            "high": np.exp(groups["log"].max()),
            "upper": groups["upper"].any().astype(bool),
        }
    )
