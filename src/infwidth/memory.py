"""How much memory this machine has."""

import os


def machine_memory_mb() -> int:
    """Memory of this machine, in use or not."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 10**6
