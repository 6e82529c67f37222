"""worlds.csv and readings.csv: the rows of a world from what its trainings left.

A world's rows depend on no other's: they are the same, to the byte, wherever it is read.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from infwidth.files.whole import written
from infwidth.measures.estimate import NOT_MEASURED
from infwidth.multiverse.outcomes import BESIDE, FAILED, NUMBERS, Cell, cells_of
from infwidth.multiverse.readings import Outcome, Progress, Reading, Seen, judged, seen
from infwidth.multiverse.record import Record


def rows(
    number: int,
    point: int,
    levels: Mapping[str, str],
    settings: Mapping[str, Any],
    record: Record,
    readings: Mapping[str, Reading],
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A world's row of worlds.csv, and its rows of readings.csv.

    Args:
        number: of the world.
        point: of the sequence that it was drawn from.
        levels: factor -> level.
        settings: as for `infwidth.multiverse.readings.seen`.
        record: what its trainings left.
        readings: name -> reading; the first is told in worlds.csv.
    """
    schemes = tuple(settings["schemes"])
    looked: dict[tuple[str, ...], Seen] = {}
    by_reading: dict[str, dict[Cell, Outcome]] = {}
    for name, reading in readings.items():
        if record.failed:
            failed = Outcome(FAILED, NOT_MEASURED, NOT_MEASURED)
            by_reading[name] = dict.fromkeys(cells_of(schemes), failed)
            continue
        if reading.seen not in looked:
            looked[reading.seen] = seen(record, reading, settings)
        by_reading[name] = dict(judged(reading, looked[reading.seen]))
    name, first = next(iter(readings.items()))
    unknown = Progress(math.nan, math.nan, 0)
    progress = looked[first.seen].progress if looked else dict.fromkeys(schemes, unknown)
    row = {"world": number, **levels, "status": FAILED if record.failed else "done"}
    row |= {"error": record.failed, "point": point}
    for cell, outcome in by_reading[name].items():
        told = zip(NUMBERS, (*outcome.value, *outcome.exponent), strict=True)
        row[cell.name] = outcome.word
        row |= {f"{cell.name}:{name}": number for name, number in told}
    for scheme in schemes:
        row |= {f"{scheme}:{name}": getattr(progress[scheme], name) for name in BESIDE}
    words = [
        {"world": number, "reading": name} | {cell.name: its.word for cell, its in found.items()}
        for name, found in by_reading.items()
    ]
    return row, words


def join(parts: Sequence[Path], whole: Path) -> None:
    """Put tables of the same columns below each other, line by line."""
    with written(whole) as file:
        for place, part in enumerate(parts):
            head, *lines = part.read_bytes().splitlines(keepends=True)
            file.writelines(lines if place else [head, *lines])


def table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a table."""
    return pd.DataFrame(list(rows))


def row_text(row: Mapping[str, Any]) -> str:
    """A row with its column names, as it stands in the file."""
    return table([row]).to_csv(index=False, lineterminator="\n")
