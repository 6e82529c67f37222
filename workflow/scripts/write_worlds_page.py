"""Write the page of worlds: one HTML file with everything inside."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.paper.worlds import write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
write(
    Path(snakemake.output[0]).parent,
    Path(__file__).parents[1] / "report/worlds",
    snakemake.params.experiment,
)
