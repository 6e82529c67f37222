"""Which GPUs this machine offers, and one of them for each training that runs here.

A scheduler such as Slurm hands every job its own device. On one machine nobody does: trainings side
by side would all take the first. Here each claims a device of its own before PyTorch looks for any.
"""

import logging
import os
import re
import tempfile
import time
from collections.abc import MutableMapping
from itertools import takewhile
from pathlib import Path

from infwidth.jobs.locks import lock

logger = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
# How CUDA calls a device: its number, or the identifier of a GPU or of a part of one. It reads the
# list up to the first entry that is none.
NAME = re.compile(r"\d+|(GPU|MIG)-.+")
SECONDS_BETWEEN_TRIES = 1.0


def visible_devices(
    environment: MutableMapping[str, str] = os.environ, folder: Path = Path("/dev")
) -> list[str]:
    """The devices that CUDA would use, as `CUDA_VISIBLE_DEVICES` names them.

    Args:
        environment: where `CUDA_VISIBLE_DEVICES` is looked up; without it, all devices are visible.
        folder: where the driver makes a file `nvidia0`, `nvidia1`, ... for each device.
    """
    if VISIBLE in environment:
        names = [name.strip() for name in environment[VISIBLE].split(",")]
        return list(takewhile(NAME.fullmatch, names))
    # Counted, not read: CUDA's numbers start at 0 whichever of the files a container has.
    return [str(number) for number, _ in enumerate(folder.glob("nvidia[0-9]*"))]


def claim_device(
    device: str,
    locks: Path | None = None,
    environment: MutableMapping[str, str] = os.environ,
    folder: Path = Path("/dev"),
) -> str | None:
    """Make one GPU this process's own, and the only one that CUDA shows it.

    To be called before anything asks CUDA for its devices. Where `CUDA_VISIBLE_DEVICES` gives a
    single device, a scheduler or the user has decided, and it is left as it is. Otherwise the first
    device that no other process of this user has claimed is taken; while there is none, the process
    waits. The claim lasts until the process ends.

    Args:
        device: `auto`, `cpu` or `cuda`, as configured; on `cpu` nothing is claimed.
        locks: the folder of the lock files; one of this user's if not given.
        environment: where `CUDA_VISIBLE_DEVICES` is looked up and set.
        folder: as for `visible_devices`.

    Returns:
        The device's name, or None where there is none to claim.
    """
    names = visible_devices(environment, folder)
    if device == "cpu" or not names:
        return None
    if VISIBLE in environment and len(names) == 1:
        logger.info("on GPU %s, as given", names[0])
        return names[0]
    locks = locks or _own_folder()
    waiting = False
    while True:
        for name in names:
            # Left open: the lock is held until this process ends.
            if lock(locks / name.replace("/", "_")) is not None:
                environment[VISIBLE] = name
                logger.info("on GPU %s", name)
                return name
        if not waiting:
            logger.info("waiting for a GPU: other trainings use all %d", len(names))
            waiting = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def _own_folder() -> Path:
    """A folder for locks that nobody else can write to."""
    folder = Path(tempfile.gettempdir()) / f"infwidth-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    return folder
