"""Initialisation in closed form: how far the measured Gram matrices are off the n = ∞ kernels.

The kernels are those of `infwidth.theory.gaussian`, at each width's own variances.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from infwidth.measures.features import KINDS, Features
from infwidth.measures.spectra import spectra
from infwidth.network.activations import ACTIVATIONS
from infwidth.schemes import Scheme
from infwidth.theory.gaussian import Known, LayerKernels, nngp, weight_variances
from infwidth.theory.measuring import Files, Settings, Tables

Array = NDArray[np.float64]


@dataclass(frozen=True)
class KernelRow:
    """One row of kernels.csv; NaN stands for an empty cell."""

    scheme: str
    width: int
    seed: int
    layer: int
    kind: str
    error: float
    min_eig: float
    resolution: float
    limit_min_eig: float
    limit_resolution: float
    limit_mean_eig: float


def kernels_table(
    inputs: Array,
    trainings: Iterable[tuple[str, Features]],
    schemes: Mapping[str, Scheme],
    *,
    activation: str,
    init_std: float,
    reference_width: float,
    hidden_layers: int,
) -> pd.DataFrame:
    """Measured Gram matrices at step 0 beside the closed form, for each layer and seed.

    Args:
        inputs: the N training inputs, shape (N, d).
        trainings: (scheme, its features at one width).
        schemes: by name.
        activation: φ's name.
        init_std: σ.
        reference_width: n0.
        hidden_layers: L.

    Returns:
        One row for each scheme, width, seed, layer and kind. `error` is ‖K_n - K‖_F / ‖K‖_F with
        K_n the Gram matrix of h (kind x: of x) over n; `min_eig` its least eigenvalue; and
        `limit_min_eig`, `limit_mean_eig` the least and the mean eigenvalue of the closed form at
        this width's variances. Least eigenvalues under the resolution of their computation, which
        stands beside them, are NaN.
    """
    gram = inputs @ inputs.T
    value = ACTIVATIONS[activation].value
    known: Known = {}
    rows: list[KernelRow] = []
    for name, features in trainings:
        variances = weight_variances(
            schemes[name],
            features.width,
            hidden_layers=hidden_layers,
            init_std=init_std,
            reference_width=reference_width,
        )[:-1]
        rows += _rows(name, features, nngp(gram, variances, value, known))
    return pd.DataFrame([asdict(row) for row in rows], columns=[*KernelRow.__dataclass_fields__])


def _rows(name: str, features: Features, kernels: Sequence[LayerKernels]) -> Iterator[KernelRow]:
    """The rows of one training."""
    samples = features.factors.shape[-1] // 2
    initial = features.factors[0]
    measured = spectra(initial, features.width, features.unit_roundoff)
    roots = initial[..., :samples]
    grams = roots.mT @ roots / features.width
    for (kind, kind_name), (layer, kernel) in itertools.product(
        enumerate(KINDS), enumerate(kernels)
    ):
        limit = kernel.feature if kind_name == "x" else kernel.preactivation
        eigenvalues = np.linalg.eigvalsh(limit)
        # By Weyl's inequality an eigenvalue moves by no more than the norm of the errors: that of
        # the quadrature, in this and in the layer before, and rounding.
        before = kernels[layer - 1] if layer else None
        quadrature = kernel.quadrature_error if kind_name == "x" else 0.0
        if before is not None:
            carried = before.quadrature_error / float(np.abs(before.feature).max())
            quadrature += carried * float(np.abs(limit).max())
        rounding = float(np.finfo(np.float64).eps) * float(eigenvalues[-1])
        limit_resolution = samples * (quadrature + rounding)
        for place, seed in enumerate(features.seeds):
            index = (kind, layer, place)
            if not np.isfinite(grams[index]).all():
                continue
            resolution = float(measured.resolution[index])
            yield KernelRow(
                scheme=name,
                width=features.width,
                seed=int(seed),
                layer=layer + 1,
                kind=kind_name,
                error=float(np.linalg.norm(grams[index] - limit) / np.linalg.norm(limit)),
                min_eig=_resolved(float(measured.gram[index][0]), resolution),
                resolution=resolution,
                limit_min_eig=_resolved(float(eigenvalues[0]), limit_resolution),
                limit_resolution=limit_resolution,
                limit_mean_eig=float(eigenvalues.mean()),
            )


def _resolved(value: float, resolution: float) -> float:
    return value if value > resolution else math.nan


def measured(files: Files, settings: Settings) -> Tables:
    """The table of the statement."""
    table = kernels_table(
        files.dataset().probes,
        files.features(settings["schemes"]),
        {name: Scheme(**exponents) for name, exponents in settings["schemes"].items()},
        activation=settings["activation"],
        init_std=settings["init_std"],
        reference_width=settings["reference_width"],
        hidden_layers=settings["hidden_layers"],
    )
    return {"kernels": table}
