"""Extrapolate the least eigenvalues through training to n = ∞."""

from typing import TYPE_CHECKING

import pandas as pd

from infwidth.csv_files import read_csv, write_csv
from infwidth.script import start
from infwidth.theory.independence import independence_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
params, files = snakemake.params, snakemake.input
tables = [
    independence_table(
        read_csv(files.metrics),
        read_csv(files.spectra),
        training="experiment",
        activation=params.activation,
        samples=params.samples,
        fit_width_ratio=params.fit_width_ratio,
    )
]
for activation, metrics, spectra in zip(
    params.other_activations, files.other_metrics, files.other_spectra, strict=True
):
    tables.append(
        independence_table(
            read_csv(metrics),
            read_csv(spectra),
            training="activation",
            activation=activation,
            samples=params.other_samples,
            fit_width_ratio=params.fit_width_ratio,
        )
    )
write_csv(pd.concat(tables, ignore_index=True), snakemake.output[0])
