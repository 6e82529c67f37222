"""Write Table 1 for readers: Markdown and LaTeX, and Markdown for every layer."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.paper import tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
tables.write(Path(snakemake.input.headline).parent)
