"""The rows of the metrics, and what is read off them."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from infwidth.measures.metrics import DRAWN, JUDGING, METRICS, SHOWN, headline
from infwidth.measures.trends import RULES


def test_every_column_of_table1_is_shown_by_one_metric_and_judged_by_one() -> None:
    assert list(SHOWN) == list(RULES)
    assert set(JUDGING) == set(RULES)
    for ends in ("shown_in", "judges"):
        columns = [getattr(metric, ends) for metric in METRICS.values()]
        assert len([column for column in columns if column]) == len(RULES)
    assert set(SHOWN.values()) <= set(DRAWN)


def test_labels_are_of_the_last_step_or_of_any() -> None:
    assert METRICS["feature_change"].label() == r"change $\|h^T-h^0\|\,/\,\|h^0\|$"
    assert METRICS["spacetime_min_eig"].label("t") == r"space-time $\lambda_{\min}(K_{0,t})/n$"
    assert METRICS["gram_min_eig"].label("t") == METRICS["gram_min_eig"].label()


def test_values_resolutions_and_bounds_of_a_quotient_are_in_its_unit() -> None:
    table = pd.DataFrame(
        {
            "gram_min_eig": [0.5, math.nan, math.nan],
            "gram_mean_eig": [2.0, 4.0, 0.0],
            "resolution": [1.0, 8.0, 0.0],
        }
    )
    ratio, least = METRICS["gram_ratio"], METRICS["gram_min_eig"]
    assert ratio.beside(table)["gram_ratio"][0] == 0.25
    resolution, upper, bound = ratio.resolution(table), ratio.upper(table), least.upper(table)
    assert resolution is not None
    assert upper is not None
    assert bound is not None
    assert resolution[:2].tolist() == [0.5, 2.0]
    # A least eigenvalue is no larger than the mean one, also where all of them are zero.
    assert upper.tolist() == [0.5, 1.0, 1.0]
    assert bound.tolist() == [1.0, 4.0, 0.0]
    assert METRICS["feature_change"].upper(table) is None


def test_retention_is_the_ratio_over_that_of_the_same_training_at_step_0() -> None:
    rng = np.random.default_rng(0)
    keys = list(itertools.product(("SP", "IP"), (8, 16), (0, 1), (1, 2), "hx", (5, 0, 20)))
    table = pd.DataFrame(keys, columns=["scheme", "width", "seed", "layer", "kind", "step"])
    table["gram_min_eig"] = rng.uniform(0.1, 1, len(table))
    table["gram_mean_eig"] = rng.uniform(1, 2, len(table))
    table["resolution"] = 0.05
    table.loc[[0, 4], "gram_min_eig"] = math.nan  # of one training at step 5, of another at step 0
    retention = METRICS["retention"]
    values, upper = retention.values(table), retention.upper(table)
    assert upper is not None
    ratios = {
        key: row["gram_min_eig"] / row["gram_mean_eig"]
        for key, row in zip(keys, table.to_dict("records"), strict=True)
    }
    for place, (key, mean) in enumerate(zip(keys, table["gram_mean_eig"], strict=True)):
        start = ratios[(*key[:-1], 0)]
        assert values[place] == pytest.approx(ratios[key] / start, nan_ok=True)
        most = 0.05 / mean / start
        assert upper[place] == pytest.approx(most, nan_ok=True)
    assert values.isna().sum() == 1 + 3
    # Without step 0 there is nothing to set it against.
    assert retention.values(table[table["step"] > 0]).isna().all()
    assert not retention.corrected
    assert METRICS["gram_ratio"].corrected


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_the_headline_is_the_last_layer_whichever_that_is(layers: int) -> None:
    rows = [(layer, kind) for layer in range(1, layers + 1) for kind in "hx"]
    table = pd.DataFrame(rows, columns=["layer", "kind"])
    assert headline(table).to_numpy().tolist() == [[layers, "h"]]
