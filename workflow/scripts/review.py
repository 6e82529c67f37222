"""Fail if something in the paper folder does not follow from the measurements there."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import logger, start
from infwidth.review import review, shown, summary

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
outcomes = review(Path(snakemake.params.folder), tell=logger.info)
logger.info("%s", shown(outcomes))
if not all(outcome.passes for outcome in outcomes):
    logger.error("%s", summary(outcomes))
    sys.exit(1)
logger.info("%s", summary(outcomes))
