"""Which activations are GOOD."""

from typing import TYPE_CHECKING

from infwidth.csv_files import write_csv
from infwidth.script import start
from infwidth.theory.activations import good_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
write_csv(good_table(), snakemake.output[0])
