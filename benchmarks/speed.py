"""Replica-steps per second and memory against the width: by hand, with `mup`, dense, lazy.

    python benchmarks/speed.py             about ten minutes on two cores
    python benchmarks/speed.py --quick     a minute

Writes speed.csv, speed.md, speed.png, speed.pdf, and what they are made of (rounds.csv, ratios.csv,
directions.csv, machine.csv), to benchmarks/results/ or the folder given by --out.
"""

import argparse
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import plots
import tables
from machine import cores, package_version, processor
from trainings import Entry, Group, entries, measure

from infwidth.drawing import style
from infwidth.files.tables import write_csv
from infwidth.schemes import SCHEMES

# All contenders meet at these widths; so many rounds, the fewer the longer they take.
ROUNDS = {64: 9, 256: 7, 1024: 5, 4096: 3}
# Lazy trainings of every scheme.
SCHEME_WIDTHS = (1024, 4096)
# Lazy trainings alone.
LAZY_ROUNDS = {2048: 3, 8192: 2, 16384: 2, 32768: 2, 65536: 1}
# Beyond this width trainings end after COMMON_STEPS, at which those below are timed, too.
LONG_WIDTH = 8192
LONG_STEPS = 200
COMMON_STEPS = 60
# Programs at work, on average over the last minute, that still leave the cores to us.
QUIET_LOAD = 0.5


def plan(widest: int) -> list[Group]:
    """The full measurement."""
    long = (COMMON_STEPS, LONG_STEPS)
    groups = [
        Group(entries(width, long, tuple(SCHEMES) if width in SCHEME_WIDTHS else ("µP",)), rounds)
        for width, rounds in ROUNDS.items()
    ]
    groups += [
        Group((Entry("lazy", "µP", width, long if width <= LONG_WIDTH else long[:1]),), rounds)
        for width, rounds in LAZY_ROUNDS.items()
        if width <= widest
    ]
    return groups


def quick_plan() -> list[Group]:
    """The same in small: every part runs, no number means much."""
    marks = (5, 10)
    return [
        Group(entries(64, marks, ("µP",)), 2),
        Group(entries(256, marks, tuple(SCHEMES)), 1),
        Group((Entry("lazy", "µP", 1024, marks[:1]),), 1),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small widths, few steps: a minute")
    parser.add_argument(
        "--widest", type=int, default=32768, help="largest lazy width, up to 65536 (default 32768)"
    )
    results = Path(__file__).parent / "results"
    parser.add_argument("--out", type=Path, default=results, help="folder of the results")
    asked = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if os.getloadavg()[0] > QUIET_LOAD:
        logging.warning("other programs keep this machine busy: its speeds will say little")
    timings = measure(quick_plan() if asked.quick else plan(asked.widest))
    rounds, directions, roofline = timings.tables()
    machine = pd.Series(
        {
            "processor": processor(),
            "cores": cores(),
            "torch": package_version("torch"),
            "mup": package_version("mup"),
            **roofline.median(),
        }
    )
    summary = tables.summarise(rounds, roofline, cores())
    quotients = tables.ratios(rounds)
    asked.out.mkdir(parents=True, exist_ok=True)
    for name, table in {
        "speed": summary,
        "rounds": rounds,
        "ratios": quotients,
        "directions": directions,
        "machine": machine.to_frame().T,
    }.items():
        write_csv(table, asked.out / f"{name}.csv")
    page = tables.report(summary, quotients, directions, machine)
    (asked.out / "speed.md").write_text(page, encoding="utf-8")
    style.save(plots.draw(summary, roofline), asked.out / "speed")


if __name__ == "__main__":
    main()
