"""Judge every cell of Table 1."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.measures.verdicts import write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
write(Path(snakemake.output.headline).parent, **snakemake.params.thresholds)
