import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from infwidth.measures.losses import ENDS, ends, final


def runs(values: dict[tuple[str, int], list[float]], step: int = 9) -> pd.DataFrame:
    """At the last step every quantity is this value; before it, another."""
    return pd.DataFrame(
        {"scheme": scheme, "width": width, "seed": seed, "step": at}
        | dict.fromkeys(ENDS, value if at == step else 7.0)
        for (scheme, width), group in values.items()
        for seed, value in enumerate(group)
        for at in (0, step)
    )


def test_means_and_intervals_are_students() -> None:
    values = [0.31, 0.35, 0.42]
    table = runs({("SP", 64): [0.1, 0.2], ("SP", 128): values})
    (accuracy,) = ends(table, "test_accuracy").query("width == 128").to_dict("records")
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert list(accuracy.values()) == pytest.approx(["SP", 128, np.mean(values), low, high])
    (loss,) = ends(table, "test_loss").query("width == 128").to_dict("records")
    logs = np.log(values)
    low, high = stats.t.interval(0.95, 2, np.mean(logs), stats.sem(logs))
    expected = np.exp([np.mean(logs), low, high])
    assert [loss["value"], loss["low"], loss["high"]] == pytest.approx(expected)
    assert final(table, "test_loss")["SP"].value == loss["value"]


def test_an_interval_of_accuracies_ends_where_they_do() -> None:
    found = final(runs({("SP", 64): [0.99, 1.0, 0.9], ("µP", 64): [1.0, 1.0]}), "train_accuracy")
    assert found["SP"].high == 1
    assert found["µP"] == (1, 1, 1)


def test_what_is_not_known_is_not_told() -> None:
    table = runs({("SP", 64): [0.5], ("µP", 64): [0.0, 0.5]})
    alone = final(table, "test_accuracy")["SP"]
    assert alone.value == 0.5
    assert math.isnan(alone.low)
    assert math.isnan(alone.high)
    assert math.isnan(final(table, "train_loss")["µP"].value)
    lost = table[(table["scheme"] == "SP") | (table["step"] == 0)]
    assert math.isnan(final(lost, "test_accuracy")["µP"].value)
    assert set(ends(lost, "test_accuracy")["scheme"]) == {"SP"}
