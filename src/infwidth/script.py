"""What every Snakemake script does first: send its log and its errors to the rule's log file."""

import logging
import sys
from types import TracebackType
from typing import Any

logger = logging.getLogger("infwidth")


def start(snakemake: Any) -> None:
    """Log to the rule's `log:` file and to the terminal; uncaught exceptions go to both.

    Args:
        snakemake: the object Snakemake hands to a script; its first `log` entry is the file.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if len(snakemake.log):
        handlers.append(logging.FileHandler(snakemake.log[0], mode="w", encoding="utf-8"))
    logging.basicConfig(
        level=logging.WARNING,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=handlers,
    )
    logger.setLevel(logging.INFO)
    logging.captureWarnings(True)

    def log_exception(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        logger.critical("%s failed", snakemake.rule, exc_info=(kind, error, traceback))

    sys.excepthook = log_exception
