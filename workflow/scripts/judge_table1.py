"""Judge every cell of Table 1."""

from typing import TYPE_CHECKING

from infwidth.files.tables import read_csv, write_csv
from infwidth.jobs.script import start
from infwidth.measures.verdicts import Thresholds, table1

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
headline, layers = table1(
    read_csv(snakemake.input.scaling),
    read_csv(snakemake.input.diverged),
    Thresholds(**snakemake.params.thresholds),
)
write_csv(headline, snakemake.output.headline)
write_csv(layers, snakemake.output.layers)
