"""A line in the log every few seconds while a download takes its time."""

import logging
import time

logger = logging.getLogger(__name__)

MEGABYTE = 1e6
SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Progress of one connection, which starts at byte `start` of a file of `total` bytes."""

    def __init__(self, name: str, start: int, total: int | None) -> None:
        self.name, self.start, self.total = name, start, total
        self.begun = self.shown = time.monotonic()

    def show(self, size: int) -> None:
        """Log the size so far and the rate, unless the last line is only seconds old."""
        now = time.monotonic()
        if now - self.shown < SECONDS_BETWEEN_LINES:
            return
        self.shown = now
        rate = (size - self.start) / (now - self.begun)
        of_total = f" of {self.total / MEGABYTE:.1f}" if self.total else ""
        logger.info(
            "%s: %.1f%s MB, %.1f MB/s", self.name, size / MEGABYTE, of_total, rate / MEGABYTE
        )
