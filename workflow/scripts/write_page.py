"""Write the page of the paper folder: one HTML file with everything inside."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.paper.page import write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
write(
    Path(snakemake.output[0]).parent,
    Path(__file__).parents[1] / "report",
    snakemake.params.statements,
)
