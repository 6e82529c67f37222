"""Compile the report on worlds in the paper folder, whose files it reads."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.paper.worlds.report import write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
write(Path(snakemake.output[0]).parent, Path(__file__).parents[1] / "report/multiverse.typ")
