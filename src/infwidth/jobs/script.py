"""What every Snakemake script does first: log to the rule's file, and end when Snakemake does."""

import ctypes
import logging
import os
import signal
import sys
from types import TracebackType
from typing import Any

from infwidth.files.whole import FileError, first_line

logger = logging.getLogger("infwidth")

LESS_MEMORY = (
    "there is not enough memory: choose fewer `seeds`, `snapshots` or `samples`, smaller `widths`, "
    "`layer: lazy`, or fewer jobs at a time (--cores)"
)
# Of prctl(2): the signal that the kernel sends when the parent process ends.
PR_SET_PDEATHSIG = 1


def start(snakemake: Any) -> None:
    """Log to the rule's `log:` file and to the terminal; uncaught exceptions go to both.

    On Linux the script ends (SIGTERM) when Snakemake is killed, so that it does not go on writing
    files that the next call of Snakemake makes, too.

    Args:
        snakemake: the object Snakemake hands to a script; its first `log` entry is the file.
    """
    _end_with_parent()
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
        if isinstance(error, FileError):  # says all there is to know
            logger.critical("%s failed: %s", snakemake.rule, error)
        elif _out_of_memory(error):
            logger.critical("%s failed: %s; %s", snakemake.rule, first_line(error), LESS_MEMORY)
        else:
            logger.critical("%s failed", snakemake.rule, exc_info=(kind, error, traceback))

    sys.excepthook = log_exception


def _end_with_parent() -> None:
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended in between
        os.kill(os.getpid(), signal.SIGTERM)


def _out_of_memory(error: BaseException) -> bool:
    """Of Python, or of PyTorch, which is not imported here: on a GPU it has its own error."""
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    )
