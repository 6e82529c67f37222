"""What the page's script shows of every world: levels and outcomes, a letter each."""

from typing import Any

import numpy as np
import pandas as pd

from infwidth.measures.claims import claim_on
from infwidth.measures.metrics import SHOWN
from infwidth.multiverse.outcomes import NO_OUTCOME, Cell, Outcomes, in_words
from infwidth.multiverse.robustness.contrasts import ordered
from infwidth.multiverse.robustness.shares import levels_of

# Digits of the places in lists: one letter tells one of as many.
BASE = 36


def data(found: Outcomes, folder: str) -> dict[str, Any]:
    """Everything that the page's script reads, but the plot.

    Args:
        found: the worlds.
        folder: name of the paper folder, for the command that prints a world.
    """
    levels = levels_of(found)
    by_reading = {name: found.words(name).reindex(levels.index) for name in found.names}
    words = ordered(pd.unique(pd.concat(by_reading.values()).to_numpy().ravel()))
    return {
        "folder": folder,
        "worlds": [int(world) for world in levels.index],
        "factors": [_factor(str(name), levels[name]) for name in levels],
        "words": words,
        "nothing": [word for word in words if word in NO_OUTCOME],
        "cells": [_cell(cell) for cell in found.cells],
        "readings": [
            {
                "name": name,
                "outcomes": {cell.name: _letters(table[cell.name], words) for cell in found.cells},
            }
            for name, table in by_reading.items()
        ],
        "errors": _errors(found.worlds),
    }


def _factor(name: str, levels: "pd.Series[str]") -> dict[str, Any]:
    there = ordered(levels)
    return {
        "name": name,
        "title": in_words(name),
        "levels": there,
        "of": [there.index(level) for level in levels],
    }


def _cell(cell: Cell) -> dict[str, Any]:
    claim = claim_on(*cell)
    assert claim is not None
    return {
        "name": cell.name,
        "scheme": cell.scheme,
        "title": SHOWN[cell.column].title,
        "claim": claim.words,
        "agreeing": sorted(claim.by_any_rule),
    }


def _letters(said: "pd.Series[str]", words: list[str]) -> str:
    assert len(words) <= BASE
    return "".join(np.base_repr(words.index(word), BASE).lower() for word in said)


def _errors(worlds: pd.DataFrame) -> dict[str, str]:
    """Number of a world -> what went wrong there."""
    told = worlds[worlds["error"] != ""]
    return {
        str(world): str(error) for world, error in zip(told["world"], told["error"], strict=True)
    }
