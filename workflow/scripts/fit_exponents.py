"""Fit the exponent in the width of every metric."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.measures.scaling import write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
write(Path(snakemake.output[0]).parent, **snakemake.params.settings)
