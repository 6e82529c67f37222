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

import numpy as np
import torch
from torch import Tensor

from infwidth.files.whole import first_line, replacing

logger = logging.getLogger(__name__)

# What a state is made of besides tensors, arrays and generators; all else is taken from the object
# that the state is put back into, which the same code made from the same configuration.
PLAIN = (bool, int, float, str, type(None))


def state_of(value: Any) -> Any:
    """What of an object can change: tensors and numbers, in dictionaries and lists.

    Tensors are not copied, so this is the state only until the object goes on.
    """
    match value:
        case Tensor() | bool() | int() | float() | str() | None:
            return value
        case np.ndarray():
            return torch.from_numpy(value)
        case torch.Generator():
            return value.get_state()
        case Mapping():
            return {key: state_of(each) for key, each in value.items()}
        case list() | tuple():
            return [state_of(each) for each in value]
        case _ if _is_ours(value):
            return {name: state_of(each) for name, each in vars(value).items()}
    return None


def put_back(value: Any, state: Any) -> Any:
    """An object like `value`, or itself where it can be changed, in a state of `state_of`.

    Tensors come to lie on the device of those whose place they take.

    Raises:
        TypeError: a tensor would take the place of something that has no device.
    """
    match value:
        case Tensor():
            return state.to(value.device)
        case np.ndarray():
            return state.numpy()
        case torch.Generator():
            value.set_state(state)
            return value
        case dict():
            # Keys that came up in training are in the state alone.
            return {key: put_back(value.get(key), each) for key, each in state.items()}
        case list() | tuple():
            return type(value)(put_back(*pair) for pair in zip(value, state, strict=False))
        case _ if _is_ours(value):
            for name, each in vars(value).items():
                setattr(value, name, put_back(each, state[name]))
            return value
    if isinstance(state, Tensor):
        raise TypeError(f"a tensor was kept where training starts with {value!r}")
    return state if isinstance(value, PLAIN) else value


def _is_ours(value: Any) -> bool:
    """Whether an object is one of this package's that training changes."""
    frozen = getattr(value, "__dataclass_params__", None)
    ours = type(value).__module__.partition(".")[0] == __name__.partition(".")[0]
    return ours and not (frozen and frozen.frozen)


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

    def after_step(self, changing: Any) -> None:
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

    def write(self, changing: Any) -> None:
        """Write the state of an object, whole or not at all; a full disk stops no training."""
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path, part) as file:
                torch.save({"training": self.training, "state": state_of(changing)}, file)
        # RuntimeError: how torch tells of what it could not write.
        except (OSError, RuntimeError) as error:
            logger.warning("no checkpoint: %s cannot be written: %s", part, first_line(error))
        self._last = time.monotonic()

    def resume(self, changing: Any) -> bool:
        """Put an object into the state of the checkpoint; whether there was a fitting one."""
        found = self._read()
        if found is None:
            return False
        put_back(changing, found)
        return True

    def _read(self) -> Any:
        if not self.path.exists():
            return None
        try:
            with zipfile.ZipFile(self.path) as archive:
                damaged = archive.testzip()
            if damaged is not None:
                raise zipfile.BadZipFile(f"{damaged} is not as it was written")
            # Tensors and numbers alone: nothing in the file is executed.
            found = torch.load(self.path, map_location="cpu", weights_only=True, mmap=True)
            training, state = found["training"], found["state"]
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
