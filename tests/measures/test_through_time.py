"""Table 1 at every step, on measurements that follow planted powers of the width."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from infwidth.measures.finite_width import nearest_step
from infwidth.measures.scaling import scaling_table
from infwidth.measures.through_time import COLUMNS, steps_table
from infwidth.measures.trends import Thresholds
from infwidth.measures.verdicts import table1

WIDTHS, STEPS, SEEDS = (64, 128, 256, 512, 1024), (0, 1, 3, 9), 3
SAMPLES = 4
RULES = Thresholds(stable_exponent=0.25, small_change=0.5, collapse_ratio=1e-4)
# Step -> the powers of n of change and of the space-time eigenvalue; the change at n = 64.
PLANTED = {1: (0.0, 0.0, 0.1), 3: (-0.5, 0.0, 0.8), 9: (-0.5, -1.0, 0.8)}
METRIC = {"feature_variation": "feature_change", "space_time": "spacetime_min_eig"}


def measurements() -> tuple[pd.DataFrame, pd.DataFrame]:
    """metrics.csv and spectra.csv of two layers, of which the first is not to be looked at."""
    rng = np.random.default_rng(3)
    rows = []
    for layer, kind, n, seed, step in itertools.product((1, 2), "hx", WIDTHS, range(SEEDS), STEPS):
        change, joint, size = PLANTED.get(step, (0.0, 0.0, 0.0))
        noise = np.exp(0.02 * rng.standard_normal(2))
        other = (layer, kind) != (2, "h")
        rows.append(
            {
                "scheme": "SP",
                "width": n,
                "seed": seed,
                "step": step,
                "layer": layer,
                "kind": kind,
                "feature_change": 7.0 if other else size * (n / 64) ** change * noise[0],
                "gram_min_eig": 0.03,
                "gram_mean_eig": 0.3,
                "resolution": 1e-15,
                "spacetime_min_eig": 1e-3 * (n / 64) ** joint * noise[1] if step else math.nan,
                "spacetime_resolution": 1e-15,
            }
        )
    # The least eigenvalue stands so far apart from the others that sampling hardly lowers it.
    spectra = [
        {
            "scheme": "SP",
            "width": n,
            "step": step,
            "layer": 2,
            "kind": "h",
            "matrix": matrix,
            "index": index,
            "eigenvalue": 1e-3 * 1e3**index,
        }
        for n in WIDTHS
        for matrix, size, steps in (("gram", SAMPLES, (0, 9)), ("spacetime", 2 * SAMPLES, (9,)))
        for step in steps
        for index in range(size)
    ]
    return pd.DataFrame(rows), pd.DataFrame(spectra)


def steps_of(metrics: pd.DataFrame, spectra: pd.DataFrame) -> pd.DataFrame:
    table = steps_table(metrics, spectra, RULES, samples=SAMPLES, fit_width_ratio=2)
    assert tuple(table.columns) == COLUMNS
    return table.set_index(["column", "step"])


def slow(metrics: pd.DataFrame, name: str, step: int) -> tuple[float, float]:
    """Value at the largest width and raw slope: one number after the other."""
    points = []
    for n in WIDTHS:
        logs = [
            math.log(row[name])
            for row in metrics.to_dict("records")
            if (row["layer"], row["kind"], row["width"], row["step"]) == (2, "h", n, step)
        ]
        assert len(logs) == SEEDS
        points.append((math.log(n), sum(logs) / SEEDS))
    widths, means = np.array(points).T
    return math.exp(means[-1]), float(np.polyfit(widths, means, 1)[0])


def test_every_step_is_fitted_and_judged_on_its_own() -> None:
    metrics, spectra = measurements()
    cells = steps_of(metrics, spectra)
    assert set(cells.index) == {
        (column, step) for column in (*METRIC, "feature_diversity") for step in PLANTED
    }
    records = cells.to_dict("index")
    for (column, name), step in itertools.product(METRIC.items(), PLANTED):
        value, slope = slow(metrics, name, step)
        cell = records[(column, step)]
        assert cell["value"] == pytest.approx(value)
        if column == "feature_variation":
            assert cell["exponent"] == pytest.approx(slope)
        assert cell["ci_low"] <= PLANTED[step][0 if "variation" in column else 1] <= cell["ci_high"]
    assert cells["measured"].unstack("step").loc[list(METRIC)].to_numpy().tolist() == [
        ["undetermined", "small", "small"],
        ["stable across widths", "stable across widths", "decreases with width"],
    ]
    assert cells["agrees"].unstack("step").loc[list(METRIC)].to_numpy().tolist() == [
        ["false", "true", "true"],
        ["false", "false", "true"],
    ]


def test_a_violation_planted_at_a_step_turns_that_step_alone() -> None:
    metrics, spectra = measurements()
    before = steps_of(metrics, spectra)
    there = (metrics["step"] == 3) & (metrics["layer"] == 2) & (metrics["kind"] == "h")
    metrics.loc[there, "feature_change"] *= metrics.loc[there, "width"]
    after = steps_of(metrics, spectra)
    turned = before["measured"] != after["measured"]
    assert list(before.index[turned]) == [("feature_variation", 3)]
    cell = after.to_dict("index")[("feature_variation", 3)]
    assert (cell["measured"], cell["agrees"]) == ("large", "false")


def test_the_last_step_is_that_of_table_1() -> None:
    metrics, spectra = measurements()
    scaling = scaling_table(metrics, spectra, samples=SAMPLES, steps=9, fit_width_ratio=2)
    headline, _ = table1(scaling, pd.DataFrame({"scheme": []}), RULES)
    table = steps_table(metrics, spectra, RULES, samples=SAMPLES, fit_width_ratio=2)
    last = table[table["step"] == 9].drop(columns="step").reset_index(drop=True)
    pd.testing.assert_frame_equal(last, headline[list(last.columns)])


def test_without_training_there_is_no_step() -> None:
    metrics, spectra = measurements()
    start = metrics[metrics["step"] == 0]
    table = steps_table(start, spectra, RULES, samples=SAMPLES, fit_width_ratio=2)
    assert (len(table), tuple(table.columns)) == (0, COLUMNS)


@pytest.mark.parametrize(("step", "nearest"), [(0, 0), (1, 0), (10, 0), (20, 200), (200, 200)])
def test_the_nearer_spectrum_is_so_in_the_logarithm_of_the_step(step: int, nearest: int) -> None:
    assert nearest_step((0, 200), step) == nearest
    assert nearest_step((200,), step) == 200
