"""The tables of measurements: one row per scheme, width, seed and step."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from infwidth.files.whole import load_arrays
from infwidth.measures.features import KINDS, Features
from infwidth.measures.spectra import Spectra, spectra_of
from infwidth.training.record import CURVES, TrainingRecord


@dataclass(frozen=True)
class Curves:
    """The curves of one training, as `TrainingRecord.save` wrote them."""

    steps: NDArray[np.int64]
    seeds: NDArray[np.int64]
    values: NDArray[np.float64]
    diverged: NDArray[np.int64]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an npz file."""
        arrays = load_arrays(path)
        return cls(
            steps=arrays["steps"],
            seeds=arrays["seeds"],
            values=arrays["values"],
            diverged=arrays["diverged"],
        )

    @classmethod
    def of_record(cls, record: TrainingRecord) -> Self:
        """Those of a training in memory."""
        return cls(
            steps=record.steps,
            seeds=record.seeds,
            values=record.stacked_curves,
            diverged=record.lost,
        )


def runs_table(scheme: str, width: int, curves: Curves) -> pd.DataFrame:
    """Losses and accuracies, without the rows of diverged replicas."""
    step, seed = np.meshgrid(curves.steps, curves.seeds, indexing="ij")
    table = pd.DataFrame({"seed": seed.ravel(), "step": step.ravel()})
    table.insert(0, "scheme", scheme)
    table.insert(1, "width", width)
    for name, values in zip(CURVES, curves.values, strict=True):
        table[name] = values.ravel()
    return _ordered(table[table["train_loss"].notna()])


def diverged_table(scheme: str, width: int, curves: Curves) -> pd.DataFrame:
    """Which seed diverged, at which step."""
    table = pd.DataFrame(curves.diverged, columns=["seed", "step"])
    table.insert(0, "scheme", scheme)
    table.insert(1, "width", width)
    return table


def metrics_table(scheme: str, width: int, features: Features, values: Spectra) -> pd.DataFrame:
    """Feature change and extreme eigenvalues; empty where undefined or under resolution."""
    table = _index(scheme, width, features)
    columns = {
        "feature_change": values.feature_change,
        "gram_min_eig": _resolved(values.gram[..., 0], values.resolution),
        "gram_mean_eig": values.gram.mean(axis=-1),
        "gram_max_eig": values.gram[..., -1],
        "spacetime_min_eig": _resolved(values.spacetime[..., 0], values.spacetime_resolution),
        "spacetime_max_eig": values.spacetime[..., -1],
        "resolution": values.resolution,
        "spacetime_resolution": values.spacetime_resolution,
    }
    for name, column in columns.items():
        table[name] = column.ravel()
    # A replica that diverged has no features; one whose features are zero has.
    return _ordered(table[table["gram_mean_eig"].notna()])


def spectra_table(scheme: str, width: int, features: Features, values: Spectra) -> pd.DataFrame:
    """Full spectra at initialisation and at the end: geometric means over the seeds, and range."""
    ends = [0, -1] if len(features.steps) > 1 else [0]
    parts = []
    for matrix, eigenvalues in (("gram", values.gram), ("spacetime", values.spacetime)):
        # At initialisation both halves of the space-time matrix are the same.
        for end in ends if matrix == "gram" else ends[1:]:
            means, lows, highs = _over_seeds(eigenvalues[end])
            kind, layer, index = np.indices(means.shape).reshape(3, -1)
            parts.append(
                pd.DataFrame(
                    {
                        "scheme": scheme,
                        "width": width,
                        "step": features.steps[end],
                        "layer": layer + 1,
                        "kind": np.array(KINDS)[kind],
                        "matrix": matrix,
                        "index": index,
                        "eigenvalue": means.ravel(),
                        "eigenvalue_low": lows.ravel(),
                        "eigenvalue_high": highs.ravel(),
                    }
                )
            )
    together = pd.concat(parts, ignore_index=True)
    return together[together["eigenvalue"].notna()]


def _over_seeds(eigenvalues: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Geometric mean, least and largest over the replicas that did not diverge.

    (kinds, layers, R, m) -> (kinds, layers, m) each.
    """
    going = eigenvalues[:, :, np.isfinite(eigenvalues).all(axis=(0, 1, 3))]
    if not going.shape[2]:
        nothing = np.full((*eigenvalues.shape[:2], eigenvalues.shape[-1]), np.nan)
        return nothing, nothing, nothing
    with np.errstate(divide="ignore"):
        logs: NDArray[np.float64] = np.log(going)
    return np.exp(logs.mean(axis=2)), going.min(axis=2), going.max(axis=2)


class Collected(NamedTuple):
    """The tables of a whole experiment, in the order of its schemes and widths."""

    metrics: pd.DataFrame
    runs: pd.DataFrame
    diverged: pd.DataFrame
    spectra: pd.DataFrame


def collect(trainings: Iterable[tuple[str, int, Path, Path]]) -> Collected:
    """Measure trainings given as (scheme, width, features file, curves file)."""
    return together(
        measured(scheme, width, Features.load(features), Curves.load(curves))
        for scheme, width, features, curves in trainings
    )


def measured(scheme: str, width: int, features: Features, curves: Curves) -> Collected:
    """The rows of one training."""
    values = spectra_of(features)
    return Collected(
        metrics=metrics_table(scheme, width, features, values),
        runs=runs_table(scheme, width, curves),
        diverged=diverged_table(scheme, width, curves),
        spectra=spectra_table(scheme, width, features, values),
    )


def together(parts: Iterable[Collected]) -> Collected:
    """The rows of several trainings, in their order."""
    return Collected(*(pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True)))


def _index(scheme: str, width: int, features: Features) -> pd.DataFrame:
    """Columns that name each (step, kind, layer, replica), in the arrays' own order."""
    layers = np.arange(1, features.factors.shape[2] + 1)
    step, kind, layer, seed = np.meshgrid(
        features.steps, np.array(KINDS), layers, features.seeds, indexing="ij"
    )
    return pd.DataFrame(
        {
            "scheme": scheme,
            "width": width,
            "seed": seed.ravel(),
            "step": step.ravel(),
            "layer": layer.ravel(),
            "kind": kind.ravel(),
        }
    )


def _resolved(values: NDArray[np.float64], resolution: NDArray[np.float64]) -> NDArray[np.float64]:
    """NaN in place of values under their resolution."""
    return np.where(values > resolution, values, np.nan)


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    keys = [key for key in ("seed", "step", "layer", "kind") if key in table]
    return table.sort_values(keys, kind="stable", ignore_index=True)
