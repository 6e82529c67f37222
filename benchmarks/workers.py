"""Processes that get ready, wait for each other, and then do the same thing at the same time."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

ResultT = TypeVar("ResultT")
ResultT_co = TypeVar("ResultT_co", covariant=True)

# Processes are copies of one that has imported this and computed nothing, since importing takes
# seconds. Its memory counts as theirs, which is why memory is reported beyond that at their start.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "torch",
        "torch._dynamo",  # which optimizers import in their first step
        "mup",
        "infwidth.training.train",
        "infwidth.measures.tables",
        "infwidth.drawing.panels",
    ]
)


class Task(Protocol[ResultT_co]):
    """What a process does again and again."""

    def prepare(self) -> None:
        """Everything that is not to be timed."""

    def run(self) -> ResultT_co:
        """The timed part, and what came of it."""


class Team(Generic[ResultT]):
    """Processes side by side, one task each."""

    def __init__(self, tasks: Sequence[Task[ResultT]], threads: int | None) -> None:
        """Start them.

        Args:
            tasks: one per process.
            threads: of each process; None leaves torch's default.
        """
        self._connections = []
        self._processes = []
        for task in tasks:
            here, there = PROCESSES.Pipe()
            process = PROCESSES.Process(target=_serve, args=(there, task, threads), daemon=True)
            process.start()
            # With its other end open here, the death of a process would leave us waiting.
            there.close()
            self._connections.append(here)
            self._processes.append(process)

    def round(self) -> list[ResultT]:
        """All prepare; when the last one is ready, all run."""
        self._ask_all("prepare")
        return self._ask_all("run")

    def _ask_all(self, request: str) -> list[ResultT]:
        for connection in self._connections:
            connection.send(request)
        answers = []
        for connection in self._connections:
            try:
                answers.append(connection.recv())
            except EOFError:
                raise RuntimeError("a process of the benchmark died, see above") from None
        return answers

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.join()


def _serve(connection: Connection, task: Task[object], threads: int | None) -> None:
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        if request == "prepare":
            task.prepare()
            connection.send(None)
        else:
            connection.send(task.run())
