"""What is timed: trainings of every contender in rounds, each in processes of its own."""

import logging
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field

import pandas as pd
import torch
from contenders import KINDS, Contender, Directions, timed_steps
from machine import Roofline, cores, peak_megabytes
from workers import Team

from infwidth.schemes import SCHEMES

logger = logging.getLogger(__name__)

WARM_UP_WIDTH = 16


@dataclass(frozen=True)
class Entry:
    """One contender at one width.

    Attributes:
        contender: a key of `KINDS`.
        scheme: a key of `SCHEMES`.
        width: n.
        marks: numbers of steps after which the clock is read, ascending. For a lazy training, whose
            steps become dearer while it finds directions, several; else the last one counts.
    """

    contender: str
    scheme: str
    width: int
    marks: tuple[int, ...]


@dataclass(frozen=True)
class Group:
    """Entries that are measured in turn, so many times."""

    entries: tuple[Entry, ...]
    rounds: int


@dataclass(frozen=True)
class Lap:
    """A reading of the clock.

    Attributes:
        steps: since the start of the training.
        seconds: that these steps took.
        threads: of the process.
        memory: most MB held so far, beyond what the process held before it drew its weights.
        directions: of the lazy layers.
    """

    steps: int
    seconds: float
    threads: int
    memory: float
    directions: Directions


class Training:
    """Trainings of one entry from their start, one after the other; see `workers.Task`."""

    def __init__(self, entry: Entry, seed: int) -> None:
        """The seed, like the entry, is the same in every round."""
        self.entry = entry
        self.seed = seed
        self._contender: Contender | None = None
        self._start = 0.0

    def prepare(self) -> None:
        """Draw the initial weights."""
        if self._contender is None:
            # Libraries set themselves up on first use, and take their memory then.
            self._build(WARM_UP_WIDTH).step()
            self._start = peak_megabytes()
        self._contender = None  # no room for two
        self._contender = self._build(self.entry.width)
        if self.entry.contender != "lazy":
            # Every step costs the same but the first, which touches its memory for the first time.
            self._contender.step()

    def run(self) -> list[Lap]:
        """Take all steps."""
        assert self._contender is not None
        laps = []
        spent = 0.0
        done = 0
        for mark in self.entry.marks:
            start = time.perf_counter()
            for _ in range(mark - done):
                self._contender.step()
            spent += time.perf_counter() - start
            done = mark
            memory = peak_megabytes() - self._start
            threads = torch.get_num_threads()
            laps.append(Lap(mark, spent, threads, memory, self._contender.directions()))
        return laps

    def _build(self, width: int) -> Contender:
        kind = KINDS[self.entry.contender]
        return kind.build(width, SCHEMES[self.entry.scheme], self.seed)


@dataclass
class Timings:
    """Everything measured, a row each.

    Attributes:
        rounds: rate (replica-steps per second of all cores), threads and memory (MB beyond its
            start) of one process, by contender, scheme, width, steps and round.
        directions: of lazy layers, by scheme, width, steps and layer.
        roofline: operations and bytes per second of all cores, by round.
    """

    rounds: list[dict[str, object]] = field(default_factory=list)
    directions: list[dict[str, object]] = field(default_factory=list)
    roofline: list[dict[str, float]] = field(default_factory=list)

    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """The three as tables."""
        return pd.DataFrame(self.rounds), pd.DataFrame(self.directions), pd.DataFrame(self.roofline)


def measure(groups: Iterable[Group]) -> Timings:
    """Measure group by group; within one, entry by entry in every round."""
    timings = Timings()
    for group in groups:
        _measure_group(group, timings)
    return timings


def _measure_group(group: Group, timings: Timings) -> None:
    with ExitStack() as stack:
        reference = stack.enter_context(Team([Roofline(cores())] * cores(), threads=1))
        teams = [(entry, stack.enter_context(_team(entry))) for entry in group.entries]
        for number in range(group.rounds):
            speeds = reference.round()
            timings.roofline.append(
                {
                    "operations": sum(operations for operations, _ in speeds),
                    "bytes": sum(moved for _, moved in speeds),
                }
            )
            # Nobody always comes first.
            first = number % len(teams)
            for entry, team in teams[first:] + teams[:first]:
                _record(entry, number, team.round(), timings)


def _team(entry: Entry) -> Team[list[Lap]]:
    side_by_side = KINDS[entry.contender].side_by_side
    processes = cores() if side_by_side else 1
    tasks = [Training(entry, seed) for seed in range(processes)]
    return Team(tasks, threads=1 if side_by_side else None)


def _record(entry: Entry, number: int, trainings: list[list[Lap]], timings: Timings) -> None:
    kind = KINDS[entry.contender]
    named = {"contender": entry.contender, "scheme": entry.scheme, "width": entry.width}
    for laps in zip(*trainings, strict=True):
        steps = laps[0].steps
        timings.rounds.append(
            named
            | {
                "steps": steps,
                "round": number,
                "rate": sum(kind.replicas * lap.steps / lap.seconds for lap in laps),
                "threads": laps[0].threads,
                "memory": max(lap.memory for lap in laps),
            }
        )
        if number == 0:
            timings.directions += [
                {
                    "scheme": entry.scheme,
                    "width": entry.width,
                    "steps": steps,
                    "layer": layer,
                    "forward": forward,
                    "backward": backward,
                }
                for layer, (forward, backward) in enumerate(laps[0].directions, 2)
            ]
    rate = timings.rounds[-1]["rate"]
    logger.info(
        "%s %s n=%d, round %d: %.3g replica-steps/s",
        entry.contender, entry.scheme, entry.width, number + 1, rate,
    )  # fmt: skip


def entries(width: int, lazy_marks: tuple[int, ...], schemes: tuple[str, ...]) -> tuple[Entry, ...]:
    """All contenders at one width under µP, and lazy trainings under these schemes, too."""
    every = tuple(
        Entry(name, "µP", width, (timed_steps(kind, width, lazy_marks[-1]),))
        for name, kind in KINDS.items()
        if name != "lazy"
    )
    return every + tuple(Entry("lazy", scheme, width, lazy_marks) for scheme in schemes)
