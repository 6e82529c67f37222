"""Collect the spectra and curves of every training into the tables of measurements."""

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.files.tables import write_csv
from infwidth.jobs.script import start
from infwidth.measures.tables import collect

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
trainings = product(snakemake.params.schemes, snakemake.params.widths)
tables = collect(
    (scheme, width, Path(features), Path(curves))
    for (scheme, width), features, curves in zip(
        trainings, snakemake.input.features, snakemake.input.curves, strict=True
    )
)
for name, table in tables._asdict().items():
    write_csv(table, snakemake.output[name])
