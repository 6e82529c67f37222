"""Judge the paper's statements from the tables of the checks."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.paper.theory import tables
from infwidth.script import start

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
tables.write(Path(snakemake.input.rest).parent)
