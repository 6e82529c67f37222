"""What this machine is, and how fast its cores multiply and read when all of them are busy."""

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

# Of all processes together: far beyond any cache.
STREAM_BYTES = 512 * 2**20
MATRIX = 2048
REPEATS = 3


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's own name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def package_version(name: str) -> str:
    """Of an installed package."""
    return importlib.metadata.version(name)


def peak_megabytes() -> float:
    """The most memory this process has ever held; NaN where /proc does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return float("nan")
    return next((int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM")), 0.0)


class Roofline:
    """One core's part in measuring what no step can beat; see `workers.Task`."""

    def __init__(self, processes: int) -> None:
        """One of so many processes that run at the same time."""
        self.numbers = STREAM_BYTES // 4 // processes

    def prepare(self) -> None:
        """Fill the operands, so that no page is touched for the first time in the run."""
        self.matrix = torch.full((MATRIX, MATRIX), 0.5)
        self.product = torch.zeros(MATRIX, MATRIX)
        self.stream = torch.ones(self.numbers)
        self.copy = torch.zeros(self.numbers)

    def run(self) -> tuple[float, float]:
        """Operations and bytes per second, float32."""
        bytes_read = 4.0 * self.numbers
        multiply = _shortest(lambda: torch.mm(self.matrix, self.matrix, out=self.product))
        # Which of the two is the faster depends on the processor.
        bandwidth = max(
            bytes_read / _shortest(self.stream.sum),
            2 * bytes_read / _shortest(lambda: self.copy.copy_(self.stream)),
        )
        del self.matrix, self.product, self.stream, self.copy
        return 2.0 * MATRIX**3 / multiply, bandwidth


def _shortest(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
