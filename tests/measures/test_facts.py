"""Which cells follow from others: on numbers that keep the bounds, and on such that break them."""

import itertools

import numpy as np
import pandas as pd
import pytest

from infwidth.measures.facts import facts_table
from infwidth.measures.trends import Thresholds

RULES = Thresholds(stable_exponent=0.25, small_change=0.5, collapse_ratio=1e-4)
WIDTHS = (64, 256, 1024, 4096)
MEASURED = {
    "SP": ("small", "rich", "decreases with width"),
    "NTP": ("small", "rich", "decreases with width"),
    "IP": ("large", "collapsed", "decreases with width"),
    "µP": ("large and stable", "rich", "stable across widths"),
}
# Powers of n of the change, of λ_min(K_0)/n and of the space-time eigenvalue; what is retained.
LAWS = {
    "SP": (-0.5, 0.0, -1.0, 1.0),
    "NTP": (-0.5, 0.0, -1.0, 1.0),
    "IP": (0.9, -2.0, -2.2, 1e-7),
    "µP": (0.0, 0.0, 0.0, 0.3),
}


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """table1.csv, as far as it is read, and metrics.csv."""
    rows, cells = [], []
    rng = np.random.default_rng(0)
    for scheme, n, seed in itertools.product(LAWS, WIDTHS, range(3)):
        change, start, joint, _ = LAWS[scheme]
        noise = 1 + 0.02 * rng.standard_normal()
        place = {"scheme": scheme, "width": n, "seed": seed, "layer": 3, "kind": "h"}
        eigenvalue = 0.03 * (n / 64) ** start * noise
        initial = {
            "feature_change": 0.0,
            "gram_min_eig": eigenvalue,
            "gram_mean_eig": 10 * eigenvalue,
            "gram_max_eig": 60 * eigenvalue,
        }
        final = {
            "feature_change": 0.4 * (n / 64) ** change * noise,
            "spacetime_min_eig": 1e-3 * (n / 64) ** joint * noise,
        }
        rows += [place | initial | {"step": 0}, place | initial | final | {"step": 9}]
    for scheme, words in MEASURED.items():
        kept = LAWS[scheme][3]
        ends = {"retention": kept, "retention_low": 0.95 * kept, "retention_high": 1.05 * kept}
        columns = ("feature_variation", "feature_diversity", "space_time")
        for column, measured in zip(columns, words, strict=True):
            cells.append({"scheme": scheme, "column": column, "measured": measured} | ends)
    return pd.DataFrame(cells), pd.DataFrame(rows)


def followed(cells: pd.DataFrame, metrics: pd.DataFrame) -> dict[tuple[str, str], str]:
    found = facts_table(cells, metrics, RULES)
    assert len(found) == len(cells)
    return {
        (str(row["scheme"]), str(row["column"])): str(row["follows_from"])
        for row in found.to_dict("records")
        if row["follows_from"]
    }


ALL = {
    ("SP", "space_time"): "feature variation",
    ("NTP", "space_time"): "feature variation",
    ("IP", "space_time"): "initialisation",
    ("NTP", "feature_diversity"): "SP",
    ("µP", "feature_diversity"): "SP",
}


def test_seven_of_twelve_are_facts_where_the_bounds_hold() -> None:
    assert followed(*tables()) == ALL


@pytest.mark.parametrize("scheme", ["SP", "IP"])
def test_a_space_time_value_above_its_bound_is_a_fact_of_its_own(scheme: str) -> None:
    cells, metrics = tables()
    there = (metrics["scheme"] == scheme) & (metrics["step"] == 9) & (metrics["width"] == 256)
    metrics.loc[there & (metrics["seed"] == 1), "spacetime_min_eig"] = 1e4
    expected = {cell: source for cell, source in ALL.items() if cell != (scheme, "space_time")}
    assert followed(cells, metrics) == expected


def test_space_time_does_not_follow_from_a_change_that_does_not_fall() -> None:
    cells, metrics = tables()
    there = (metrics["scheme"] == "NTP") & (metrics["step"] == 9)
    metrics.loc[there, "feature_change"] = 0.4
    assert ("NTP", "space_time") not in followed(cells, metrics)


def test_what_training_changed_by_more_than_a_decade_is_a_fact_of_its_own() -> None:
    cells, metrics = tables()
    there = (cells["scheme"] == "µP") & (cells["column"] == "feature_diversity")
    cells.loc[there, "retention_low"] = 0.09
    assert ("µP", "feature_diversity") not in followed(cells, metrics)


def test_schemes_that_begin_apart_do_not_share_a_fact() -> None:
    cells, metrics = tables()
    metrics.loc[metrics["scheme"] == "µP", "gram_mean_eig"] *= 3
    assert ("µP", "feature_diversity") not in followed(cells, metrics)
    assert ("NTP", "feature_diversity") in followed(cells, metrics)


def test_what_does_not_decrease_needs_no_bound() -> None:
    cells, metrics = tables()
    cells.loc[cells["scheme"] == "SP", "measured"] = "undetermined"
    assert ("SP", "space_time") not in followed(cells, metrics)


def test_the_bounds_hold_for_any_features() -> None:
    """By which they may be used: of random features, however they moved."""
    rng = np.random.default_rng(5)
    for scale in (1e-3, 1.0, 1e3):
        start, moved = rng.standard_normal((40, 6)), scale * rng.standard_normal((40, 6))
        both = np.hstack([start, start + moved])
        least = np.linalg.eigvalsh(both.T @ both)[0]
        initial = np.linalg.eigvalsh(start.T @ start)
        change = (np.linalg.norm(moved, axis=0) / np.linalg.norm(start, axis=0)).mean()
        assert least <= initial[0] * (1 + 1e-9)
        assert least <= 0.5 * change**2 * initial[-1] * (1 + 1e-9)
