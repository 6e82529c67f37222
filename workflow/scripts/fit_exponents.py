"""Fit the exponent in the width of every metric."""

from typing import TYPE_CHECKING

from infwidth.files.tables import read_csv, write_csv
from infwidth.jobs.script import start
from infwidth.measures.scaling import scaling_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
scaling = scaling_table(
    read_csv(snakemake.input.metrics),
    read_csv(snakemake.input.spectra),
    samples=snakemake.params.samples,
    steps=snakemake.params.steps,
    fit_width_ratio=snakemake.params.fit_width_ratio,
)
write_csv(scaling, snakemake.output[0])
