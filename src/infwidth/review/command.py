"""The command: review paper folders, two side by side."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from infwidth.review.reviewing import WORKFLOW, Outcome, review
from infwidth.review.showing import shown, summary

# Notebooks run in processes of their own beside these.
PROCESSES = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Review folders; return 0 if everything agrees and 1 if not."""
    parser = argparse.ArgumentParser(
        prog="python -m infwidth.review", description="Review paper folders."
    )
    parser.add_argument("folders", nargs="+", type=Path, help="paper folders", metavar="FOLDER")
    parser.add_argument(
        "--rewrite",
        action="store_true",
        help="write what is made from the measurements into the folders, before the review",
    )
    options = parser.parse_args(arguments)
    folders: list[Path] = options.folders
    if not (WORKFLOW / "report").is_dir():
        parser.error(
            "it needs the checkout, whose notebook and report are made again and are not in an "
            "installed package: call `make review` in a clone of the repository"
        )
    for folder in folders:
        if not folder.is_dir():
            parser.error(f"{folder} is no folder")
    start = time.perf_counter()
    # The largest first, so that none is left over for the end.
    folders.sort(key=_size, reverse=True)
    reviewed = partial(_reviewed, rewrite=options.rewrite)
    parts = _side_by_side(reviewed, folders) if len(folders) > 1 else [reviewed(folders[0])]
    outcomes = [outcome for part in sorted(parts, key=_name) for outcome in part]
    print(shown(outcomes))
    print(f"\n{summary(outcomes)} ({time.perf_counter() - start:.0f} s)")
    return 0 if all(outcome.passes for outcome in outcomes) else 1


def _side_by_side(
    reviewed: Callable[[Path], list[Outcome]], folders: Sequence[Path]
) -> list[list[Outcome]]:
    # Spawned: a copy of a process that has talked to a notebook's kernel waits for it for ever.
    fresh = get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=fresh) as processes:
        return list(processes.map(reviewed, folders))


def _reviewed(folder: Path, *, rewrite: bool) -> list[Outcome]:
    start = time.perf_counter()

    def tell(sentence: str) -> None:
        seconds = time.perf_counter() - start
        print(f"{seconds:5.0f} s  {folder.name}: {sentence}", file=sys.stderr, flush=True)

    return review(folder, tell=tell, rewrite=rewrite)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.csv"))


def _name(outcomes: Sequence[Outcome]) -> str:
    return outcomes[0].experiment
