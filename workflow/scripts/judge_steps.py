"""Judge Table 1 at every step, and which of its cells are independent facts."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.measures.through_time import write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
params = snakemake.params
write(Path(snakemake.output.steps).parent, **params.settings, **params.thresholds)
