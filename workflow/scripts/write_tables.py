"""Write Table 1 for readers: Markdown and LaTeX, and Markdown for every layer."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.paper import tables
from infwidth.script import start

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
tables.write(Path(snakemake.input.headline).parent)
