"""The outcomes of worlds that were never run, with choices that flip cells by design."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from infwidth.files.tables import write_csv
from infwidth.measures.claims import FALLS, GROWS, STABLE
from infwidth.multiverse.outcomes import BESIDE, DIVERGED, NOT_MOVING, NUMBERS, cells_of

FACTORS: Mapping[str, tuple[str, ...]] = {
    "activation": ("tanh", "silu", "sigmoid", "relu", "gelu"),
    "loss": ("mse", "cross_entropy"),
    "learning_rate": ("0.1", "0.5", "2"),
    "hidden_layers": ("1", "2", "3", "4", "5", "6"),
    "steps": ("10", "30", "100"),
    "probes": ("trained", "held out"),
}
SCHEMES = ("SP", "NTP", "IP", "µP")
READINGS = ("headline", "h of the first layer", "thresholds of Table 1")
CLAIMED = {
    "feature_variation": {"SP": FALLS, "NTP": FALLS, "IP": GROWS, "µP": STABLE},
    "feature_diversity": {"SP": "rich", "NTP": "rich", "IP": "collapsed", "µP": "rich"},
    "space_time": {"SP": FALLS, "NTP": FALLS, "IP": FALLS, "µP": STABLE},
}


def outcomes(worlds: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """worlds.csv and readings.csv.

    IP's change falls from four layers on; µP's space-time grows for relu in four tenths of the
    worlds and is undetermined in one; IP does not move where η x steps is under 5, and one world in fifty diverges under SP.
    Everything else is as claimed.
    """
    rng = np.random.default_rng(seed)
    levels = {name: rng.choice(given, worlds) for name, given in FACTORS.items()}
    table = pd.DataFrame({"world": np.arange(worlds), **levels, "status": "done", "error": ""})
    words = {
        cell.name: np.full(worlds, CLAIMED[cell.column][cell.scheme], dtype=object)
        for cell in cells_of(SCHEMES)
    }
    deep = table["hidden_layers"].astype(int).to_numpy() >= 4
    words["IP:feature_variation"][deep] = FALLS
    relu, chance = (table["activation"] == "relu").to_numpy(), rng.random(worlds)
    words["µP:space_time"][relu & (chance < 0.5)] = GROWS
    words["µP:space_time"][relu & (chance < 0.1)] = "undetermined"
    still = (table["learning_rate"].astype(float) * table["steps"].astype(int)).to_numpy() < 5
    diverged = rng.random(worlds) < 0.02
    for column in CLAIMED:
        words[f"IP:{column}"][still] = NOT_MOVING
        words[f"SP:{column}"][diverged] = DIVERGED
    readings = [
        pd.DataFrame({"world": np.arange(worlds), "reading": name, **words}) for name in READINGS
    ]
    # By the last reading µP's change falls, and nothing is settled of its space-time.
    readings[-1]["µP:feature_variation"] = FALLS
    readings[-1]["µP:space_time"] = "undetermined"
    numbers = {}
    for cell in cells_of(SCHEMES):
        numbers[cell.name] = words[cell.name]
        numbers |= {f"{cell.name}:{number}": rng.normal(size=worlds) for number in NUMBERS}
    for scheme in SCHEMES:
        numbers |= {f"{scheme}:{name}": rng.random(worlds) for name in BESIDE}
    return pd.concat([table, pd.DataFrame(numbers)], axis=1), pd.concat(readings)


def folder_of(folder: Path, worlds: int, seed: int = 0) -> Path:
    """A paper folder with `outcomes`."""
    table, readings = outcomes(worlds, seed)
    write_csv(table, folder / "worlds.csv")
    write_csv(readings, folder / "readings.csv")
    return folder
