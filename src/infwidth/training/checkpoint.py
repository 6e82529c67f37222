"""Interrupted trainings go on where they were: their state in a file, written now and then.

A checkpoint is no result: it lies beside what a job declares as its outputs, is never trusted
unless it is whole and of the very same training, and goes when the training is through.
"""

import json
import logging
import os
import signal
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from infwidth.files.whole import first_line, replacing
from infwidth.network.state import State, Stateful

logger = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoint file of one training."""

    def __init__(self, path: Path, training: Mapping[str, Any], seconds: float) -> None:
        """Nothing is read or written yet.

        Args:
            path: the file, which need not exist.
            training: all that the numbers depend on, in JSON types; a checkpoint of a training
                that differs in any of it is not taken.
            seconds: from one checkpoint to the next.
        """
        self.path = path
        self.training = json.dumps(training, sort_keys=True)
        self.seconds = seconds
        self._last = time.monotonic()
        self._asked_to_stop: signal.Signals | None = None

    def stop_when_asked(self) -> None:
        """On SIGTERM or SIGINT, write a checkpoint after the step and exit.

        For a process's main thread.
        """

        def note(number: int, frame: FrameType | None) -> None:
            self._asked_to_stop = signal.Signals(number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, note)

    def after_step(self, changing: Stateful) -> None:
        """Write the state of an object if it is time.

        Raises:
            SystemExit: it was asked to stop, and did what it could.
        """
        if self._asked_to_stop or time.monotonic() - self._last >= self.seconds:
            self.write(changing)
        if self._asked_to_stop:
            logger.warning(
                "stopped by %s; the same command goes on from the last checkpoint",
                self._asked_to_stop.name,
            )
            raise SystemExit(128 + self._asked_to_stop)

    def write(self, changing: Stateful) -> None:
        """Write the state of an object, whole or not at all; a full disk stops no training."""
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path, part) as file:
                torch.save({"training": self.training, "state": changing.state()}, file)
        # RuntimeError: how torch tells of what it could not write.
        except (OSError, RuntimeError) as error:
            logger.warning("no checkpoint: %s cannot be written: %s", part, first_line(error))
        self._last = time.monotonic()

    def resume(self, changing: Stateful) -> bool:
        """Put an object into the state of the checkpoint; whether there was a fitting one."""
        found = self._read()
        if found is None:
            return False
        changing.restore(found)
        return True

    def _read(self) -> State | None:
        if not self.path.exists():
            return None
        try:
            with zipfile.ZipFile(self.path) as archive:
                damaged = archive.testzip()
            if damaged is not None:
                raise zipfile.BadZipFile(f"{damaged} is not as it was written")
            # Tensors and numbers alone: nothing in the file is executed.
            found = torch.load(self.path, map_location="cpu", weights_only=True, mmap=True)
            training = found["training"]
            state: State = found["state"]
        # Whatever is wrong with it, the training can do without.
        except Exception as error:
            logger.warning("%s is of no use: %s; starting anew", self.path, first_line(error))
            return None
        if training != self.training:
            logger.info("%s is of another training; starting anew", self.path)
            return None
        return state

    def remove(self) -> None:
        """The training is through."""
        self.path.unlink(missing_ok=True)
        for part in self.path.parent.glob(f"{self.path.name}.*.part"):
            part.unlink(missing_ok=True)
