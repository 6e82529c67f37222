"""Judge the paper's statements from the tables of the checks."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.paper import findings as tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
tables.write(Path(snakemake.input[0]).parent, snakemake.params.statements)
