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
others = zip(params.other_activations, files.other_metrics, files.other_spectra, strict=True)
trainings = [
    ("experiment", params.samples, params.activation, files.metrics, files.spectra),
    *(("activation", params.other_samples, *other) for other in others),
]
tables = [
    independence_table(
        read_csv(metrics),
        read_csv(spectra),
        training=training,
        activation=activation,
        samples=samples,
        fit_width_ratio=params.fit_width_ratio,
    )
    for training, samples, activation, metrics, spectra in trainings
]
write_csv(pd.concat(tables, ignore_index=True), snakemake.output[0])
