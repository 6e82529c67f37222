"""Extrapolate every metric of Table 1 to n = ∞."""

from typing import TYPE_CHECKING

from infwidth.csv_files import read_csv, write_csv
from infwidth.script import start
from infwidth.theory.limits import limits_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
table = limits_table(
    read_csv(snakemake.input.metrics),
    read_csv(snakemake.input.scaling),
    stable_exponent=snakemake.params.stable_exponent,
    steps=snakemake.params.steps,
)
write_csv(table, snakemake.output[0])
