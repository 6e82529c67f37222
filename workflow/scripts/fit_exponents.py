"""Fit the exponent in the width of every metric."""

from typing import TYPE_CHECKING

from infwidth.csv_files import read_csv, write_csv
from infwidth.exponents import scaling_table
from infwidth.script import start

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
