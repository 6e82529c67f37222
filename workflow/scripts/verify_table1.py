"""Fail if a cell of Table 1 disagrees with the paper."""

import sys
from typing import TYPE_CHECKING

from infwidth.csv_files import read_csv
from infwidth.script import logger, start
from infwidth.verdicts import disagreements

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
table = read_csv(snakemake.input[0])
wrong = disagreements(table)
for cell in wrong:
    logger.error(cell)
if wrong:
    sys.exit(1)
logger.info("%d cells agree with the paper", int((table["agrees"] == "true").sum()))
