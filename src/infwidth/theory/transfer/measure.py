"""Where the least loss lies, and where training stops being stable, of all trainings together."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.transfer.grid import OCTAVE, best, edge, logarithms, score, window
from infwidth.theory.transfer.names import EDGE, FLAT, INSIDE, MOVED, TRAININGS, UNMOVED

Array = NDArray[np.float64]
NOWHERE = (np.nan, np.nan)


def optima_table(table: pd.DataFrame) -> pd.DataFrame:
    """The best rate and the edge of stability of every scheme, loss, width and seed.

    Args:
        table: transfer.csv.

    Returns:
        A row for each. `optimum` is the vertex of a parabola through the logarithm of the training
        loss, over log η, at the rates within a factor of 2 of that of the least mean loss; where
        there is no higher stable rate, it lies between the neighbours of that rate, `optimum_low`
        and `optimum_high`. `place` says which, or why there is none. `edge_low` is the highest
        stable rate, `edge_high` the next that was tried, where training is not, `edge` between
        them; the latter two are empty where all rates are stable. `best_rate` is that of the least
        mean loss, `least_loss` the training loss there.
    """
    rows = [
        {**dict(zip(TRAININGS, key, strict=True)), **row}
        for key, own in table.groupby(TRAININGS, sort=False)
        for row in _rows(own)
    ]
    return pd.DataFrame(rows)


def _rows(own: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Of one scheme, loss and width."""
    losses = own.pivot(index="learning_rate", columns="seed", values="train_loss").sort_index()
    untrained = own.groupby("seed")["untrained_loss"].first()
    left = (losses / untrained).fillna(np.inf).to_numpy(dtype=np.float64)
    # Places count from the lowest rate on.
    octaves = np.log2(losses.index.to_numpy(dtype=np.float64))
    places = np.rint(OCTAVE * (octaves - octaves[0])).astype(int).tolist()
    tried = dict(zip(places, left, strict=True))
    rates = dict(zip(places, losses.index, strict=True))
    middle = best(tried)
    for index, seed in enumerate(losses.columns):
        low, high = edge(tried, index)
        place, optimum = _optimum(tried, rates, index)
        yield {
            "seed": seed,
            "place": place,
            **_between("optimum", *optimum),
            **_between("edge", rates[low], np.nan if high is None else rates[high]),
            "best_rate": rates[middle],
            "least_loss": losses[seed][rates[middle]],
        }


def _optimum(
    tried: Mapping[int, Array], rates: Mapping[int, float], seed: int
) -> tuple[str, tuple[float, float]]:
    """Where a seed's least loss lies, and the rates that it lies between."""
    middle = best(tried)
    if not score(tried[middle]) < np.log(1 - MOVED):
        return UNMOVED, NOWHERE
    near = window(tried)
    higher = [place for place in sorted(tried) if place > middle]
    if near[0] == middle or not higher:
        return FLAT, NOWHERE
    if near[-1] == middle:
        return EDGE, (rates[near[-2]], rates[higher[0]])
    logs = np.log([rates[place] for place in near])
    heights = logarithms(np.array([tried[place][seed] for place in near]))
    square, linear, _ = np.polyfit(logs - logs.mean(), heights, 2)
    vertex = logs.mean() - linear / (2 * square) if square > 0 else np.nan
    if not logs[0] <= vertex <= logs[-1]:
        return FLAT, NOWHERE
    return INSIDE, (float(np.exp(vertex)), float(np.exp(vertex)))


def _between(name: str, low: float, high: float) -> dict[str, float]:
    return {name: float(np.sqrt(low * high)), f"{name}_low": low, f"{name}_high": high}


def measured(files: Files, settings: Settings) -> Tables:
    """The tables of the statement."""
    table = pd.concat(files.parts("transfer"), ignore_index=True)
    return {"transfer": table, "optima": optima_table(table)}
