"""Fail if a cell of Table 1 disagrees with the paper."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import logger, start
from infwidth.paper.tables import disagreements, read

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
table = read(Path(snakemake.input[0]))
wrong = disagreements(table)
for cell in wrong:
    logger.error(cell)
if wrong:
    sys.exit(1)
logger.info("%d cells agree with the paper", int((table["agrees"] == "agrees").sum()))
