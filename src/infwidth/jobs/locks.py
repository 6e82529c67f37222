"""Locks of the operating system, which end with the process that holds them, however it ends."""

import fcntl
import os
from pathlib import Path


def lock(path: Path) -> int | None:
    """Lock a file, which is made if need be, for as long as this process leaves it open.

    Returns:
        The descriptor of the open file; None if another process holds the lock.

    Raises:
        OSError: the file cannot be opened, or its file system has no locks.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    except OSError:
        os.close(file)
        raise
    return file
