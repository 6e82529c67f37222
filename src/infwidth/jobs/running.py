"""Which run of Snakemake has an experiment in hand, and what a killed one left locked.

Snakemake locks the files of a run, and a run that was killed leaves them locked. Here every run
holds a lock of the operating system as well, which ends with its process: so the next run knows
that the files' lock is nobody's.

The lists are removed by hand since `snakemake --unlock`, all that is public, is a call of its own
and removes those of every run in the folder, also of one that goes on.
"""

import json
import logging
import os
import socket
import time
from pathlib import Path
from typing import IO, Any

from infwidth.jobs.locks import lock

logger = logging.getLogger("snakemake.logging")

# How long to wait for a dry run of the same experiment to end.
PATIENCE = 60.0


class Run:
    """This process's hold on one experiment."""

    def __init__(self, experiment: str, state: Path = Path(".snakemake")) -> None:
        """Nothing is held yet.

        Args:
            experiment: its name.
            state: Snakemake's folder.
        """
        self.experiment = experiment
        self.state = state
        self._file: IO[str] | None = None

    def begin(self) -> None:
        """Hold the experiment, and unlock what a killed run left, if no run goes on.

        If one goes on, Snakemake finds its files locked, and says so.
        """
        if not self._hold():
            return
        assert self._file is not None
        before = _holder(self._file)
        locked = self._locked_files()
        if locked and before.get("host", socket.gethostname()) != socket.gethostname():
            logger.warning(
                f"{self.experiment}: a run on {before['host']} has locked it; if it is over, "
                "use --unlock"
            )
            return
        if locked and before.get("remote"):
            logger.warning(
                f"{self.experiment}: the last run was killed, its jobs on the cluster may go on: "
                "cancel them, then use --unlock"
            )
            return
        if locked:
            for path in locked:
                path.unlink(missing_ok=True)
            logger.warning(f"{self.experiment}: unlocked; the run that locked it was killed")
        self._tell(remote=False)

    def go_on(self, *, remote: bool) -> None:
        """Jobs are about to start.

        Args:
            remote: elsewhere than in processes that end with this one.
        """
        deadline = time.monotonic() + PATIENCE
        # Only a dry run can hold it now: Snakemake lets no two runs have the same files.
        while not self._hold() and time.monotonic() < deadline:
            time.sleep(0.2)
        self._tell(remote=remote)

    def _hold(self) -> bool:
        if self._file is not None:
            return True
        folder = self.state / "infwidth"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = lock(folder / f"{self.experiment}.lock")
        except OSError:  # a folder that may be read only, or a file system without locks
            return False
        if file is not None:
            self._file = os.fdopen(file, "r+", encoding="utf-8")
        return file is not None

    def _tell(self, *, remote: bool) -> None:
        """Write down who holds it."""
        if self._file is None:
            return
        self._file.seek(0)
        self._file.truncate()
        holder = {"host": socket.gethostname(), "pid": os.getpid(), "remote": remote}
        json.dump(holder, self._file)
        self._file.flush()

    def _locked_files(self) -> list[Path]:
        """Snakemake's lists of locked files that have one of this experiment."""
        folders = tuple(f"{kind}/{self.experiment}/" for kind in ("results", "paper"))
        return [
            path
            for path in sorted(self.state.glob("locks/*.lock"))
            if any(line.startswith(folders) for line in path.read_text().splitlines())
        ]


def _holder(file: IO[str]) -> dict[str, Any]:
    """Who held it last; nothing of what cannot be read."""
    file.seek(0)
    try:
        found = json.loads(file.read())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
