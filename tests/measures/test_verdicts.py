"""Verdicts on synthetic scaling laws: each rule must be able to say every one of its words."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from infwidth.measures.claims import CLAIMS
from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.losses import final
from infwidth.measures.power_law import OTHER_POWERS
from infwidth.measures.trends import (
    RULES,
    UNDETERMINED,
    Thresholds,
    Trend,
    feature_diversity,
    feature_variation,
    space_time,
    word,
)
from infwidth.measures.verdicts import rules_table, table1, where_rules_disagree

THRESHOLDS = Thresholds(stable_exponent=0.25, small_change=0.5, collapse_ratio=1e-4)


def trend(value: float, exponent: float, margin: float = 0.05, unresolved: int = 0) -> Trend:
    return Trend(
        value=Estimate(value, 0.9 * value, 1.1 * value),
        exponent=Estimate(exponent, exponent - margin, exponent + margin),
        unresolved=unresolved,
    )


NOTHING = Trend(NOT_MEASURED, NOT_MEASURED, unresolved=5)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (trend(0.07, -0.5), "small"),
        (trend(1.6, 0.0), "large and stable"),
        (trend(600, 0.9), "large"),
        (trend(1.6, 0.2, margin=0.2), "large"),  # not falling, perhaps growing
        (trend(0.07, 0.0), UNDETERMINED),  # small here, but it would not vanish
        (trend(0.6, -0.5), UNDETERMINED),  # vanishing, but not yet small
        (trend(0.5, 0.0), UNDETERMINED),  # its interval holds the threshold
        (trend(0.07, -0.5, margin=0.4), UNDETERMINED),
        (trend(0.07, -0.5, margin=math.nan), UNDETERMINED),
        (NOTHING, UNDETERMINED),
    ],
)
def test_feature_variation(change: Trend, verdict: str) -> None:
    assert feature_variation(change, THRESHOLDS) == verdict


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        (trend(0.03, 0.0), "rich"),
        (trend(0.03, 0.4), "rich"),
        (trend(1e-7, -1.6), "collapsed"),
        (trend(1e-7, 0.0), "collapsed"),  # low at every width
        (trend(0.03, -1.0), "collapsed"),  # on its way
        (trend(0.03, -0.2, margin=0.2), UNDETERMINED),
        (trend(1e-4, 0.0), UNDETERMINED),
        (trend(0.03, 0.0, unresolved=3), UNDETERMINED),
        (trend(1e-7, -1.6, unresolved=3), "collapsed"),
        (NOTHING, UNDETERMINED),
    ],
)
def test_feature_diversity(ratio: Trend, verdict: str) -> None:
    assert feature_diversity(ratio, THRESHOLDS) == verdict


@pytest.mark.parametrize(
    ("eigenvalue", "verdict"),
    [
        (trend(1e-6, -1.0), "decreases with width"),
        (trend(1e-6, -1.0, unresolved=5), "decreases with width"),
        (trend(5e-3, 0.1), "stable across widths"),
        (trend(5e-3, 1.0), "increases with width"),
        (trend(5e-3, 0.1, unresolved=5), UNDETERMINED),
        (trend(5e-3, 0.1, margin=0.3), UNDETERMINED),
        (trend(5e-3, -0.3, margin=0.1), UNDETERMINED),
        (NOTHING, UNDETERMINED),
    ],
)
def test_space_time(eigenvalue: Trend, verdict: str) -> None:
    assert space_time(eigenvalue, THRESHOLDS) == verdict


def scaling(**metrics: Trend) -> pd.DataFrame:
    rows = []
    for scheme in ("SP", "NTP", "IP", "µP", "mine"):
        for layer, kind in ((1, "h"), (1, "x"), (2, "h"), (2, "x")):
            for metric, seen in metrics.items():
                numbers: dict[str, float | str] = {
                    **seen.value.columns("value"),
                    **seen.exponent.columns("exponent"),
                    "unresolved": seen.unresolved,
                    **seen.local.columns("local_exponent", "local"),
                    "law": seen.law,
                }
                for rule in OTHER_POWERS:
                    other = seen.others.get(rule, seen.exponent)
                    numbers |= other.columns(f"{rule}_exponent", rule)
                rows.append(
                    {"metric": metric, "scheme": scheme, "layer": layer, "kind": kind, **numbers}
                )
    return pd.DataFrame(rows)


AS_MUP = {
    "feature_change": trend(1.6, 0.0),
    "gram_min_eig": trend(0.03, 0.0),
    "gram_ratio": trend(0.1, 0.0),
    "spacetime_min_eig": trend(5e-3, 0.0),
    "retention": trend(0.35, 0.0),
}
NONE_DIVERGED = pd.DataFrame(columns=["scheme", "width", "seed", "step"])


def test_the_same_measurements_agree_for_mup_and_disagree_for_sp() -> None:
    headline, every = table1(scaling(**AS_MUP), NONE_DIVERGED, THRESHOLDS)
    assert len(headline) == 5 * 3
    assert len(every) == 5 * 3 * 4
    assert set(zip(headline["layer"], headline["kind"], strict=True)) == {(2, "h")}
    agrees = headline.set_index(["scheme", "column"])["agrees"].unstack()
    assert list(agrees.loc["µP"]) == ["true", "true", "true"]
    assert agrees.loc["SP"].to_dict() == {
        "feature_variation": "false",
        "feature_diversity": "true",
        "space_time": "false",
    }
    assert agrees.loc["IP"].to_dict() == {
        "feature_variation": "true",
        "feature_diversity": "false",
        "space_time": "false",
    }
    assert list(agrees.loc["mine"]) == ["", "", ""]
    assert (headline["agrees"] == "false").sum() == 2 + 2 + 2


def test_a_cell_shows_the_least_eigenvalue_and_is_judged_by_the_ratio() -> None:
    headline, _ = table1(
        scaling(**{**AS_MUP, "gram_ratio": trend(1e-7, -1.0)}), NONE_DIVERGED, THRESHOLDS
    )
    cell = headline[(headline["scheme"] == "µP") & (headline["column"] == "feature_diversity")]
    assert cell["measured"].item() == "collapsed"
    assert cell["value"].item() == 0.03
    assert "gram_ratio 1e-07" in cell["reason"].item()
    assert cell["judging"].item() == 1e-7
    assert cell["judging_exponent"].item() == -1.0


def test_beside_a_cell_stand_retention_raw_exponent_and_loss() -> None:
    losses = {"SP": Estimate(0.15, 0.12, 0.19)}
    raw = {"raw": Estimate(0.4, 0.3, 0.5)}
    trends = {name: replace(each, others=raw) for name, each in AS_MUP.items()}
    headline, _ = table1(scaling(**trends), NONE_DIVERGED, THRESHOLDS, losses)
    cells = headline.set_index(["scheme", "column"])
    assert cells.loc[("SP", "feature_diversity"), "retention"] == 0.35
    assert cells.xs("space_time", level="column")["retention"].isna().all()
    assert cells.loc[("SP", "space_time"), "raw_exponent"] == 0.4
    # A change has no finite-width term that a raw exponent could be without.
    assert cells.xs("feature_variation", level="column")["raw_exponent"].isna().all()
    assert (cells.loc["SP", ["loss", "loss_low", "loss_high"]].to_numpy() == losses["SP"]).all()
    assert headline.loc[headline["scheme"] == "NTP", "loss"].isna().all()


def test_the_final_loss_is_the_geometric_mean_at_the_last_step_and_largest_width() -> None:
    runs = pd.DataFrame(
        [
            *(("SP", n, seed, step, loss * n) for n in (8, 16) for seed, step, loss in RUNS),
            ("IP", 16, 0, 0, 5.0),
            ("µP", 16, 0, 9, 0.0),
        ],
        columns=["scheme", "width", "seed", "step", "train_loss"],
    )
    found = final(runs, "train_loss")
    assert found["SP"].value == pytest.approx(16 * (0.2 * 0.8) ** 0.5)
    assert found["SP"].low < found["SP"].value < found["SP"].high
    # One never reached the last step, another has no logarithm.
    assert math.isnan(found["IP"].value)
    assert math.isnan(found["µP"].value)


RUNS = ((0, 0, 9.0), (1, 0, 9.0), (0, 9, 0.2), (1, 9, 0.8))


def test_diverged_runs_are_told_in_every_cell_of_their_scheme() -> None:
    diverged = pd.DataFrame(
        [["SP", 64, 0, 3], ["SP", 64, 1, 4]], columns=["scheme", "width", "seed", "step"]
    )
    headline, _ = table1(scaling(**AS_MUP), diverged, THRESHOLDS)
    told = headline["reason"].str.contains("2 runs diverged")
    assert list(headline.loc[told, "scheme"].unique()) == ["SP"]
    assert told.sum() == 3


def test_every_claim_names_verdicts_that_its_rule_can_give() -> None:
    possible = {
        "feature_variation": {"small", "large", "large and stable"},
        "feature_diversity": {"rich", "collapsed"},
        "space_time": {
            "decreases with width",
            "stable across widths",
            "increases with width",
        },
    }
    assert set(possible) == set(RULES)
    for claims in CLAIMS.values():
        assert set(claims) == set(RULES)
        for column, claim in claims.items():
            assert claim.agreeing
            assert claim.agreeing <= possible[column]


def bent(value: float, exponent: float, local: float, margin: float = 0.05) -> Trend:
    """A single power is refused; another one at the largest widths."""
    interval = Estimate(local, local - margin, local + margin)
    return replace(trend(value, exponent), local=interval, law="crossover")


@pytest.mark.parametrize(
    ("column", "seen", "verdict"),
    [
        ("feature_variation", bent(600, 0.9, 0.7), "large"),  # large, and not falling there either
        ("feature_variation", bent(600, 0.9, -0.5), "crossover"),
        ("feature_variation", bent(1.6, 0.1, 0.5), "crossover"),
        ("feature_variation", bent(0.07, -0.5, -0.1), "crossover"),
        ("feature_variation", bent(0.07, 0.0, -0.5), "crossover"),
        ("feature_diversity", bent(1e-7, -1.6, 0.0), "collapsed"),  # by its value
        ("feature_diversity", bent(0.03, -1.0, -0.6), "collapsed"),
        ("feature_diversity", bent(0.03, 0.0, -0.6), "crossover"),
        ("space_time", bent(1e-6, -1.0, -2.0), "decreases with width"),
        ("space_time", bent(1e-6, -0.4, 0.0), "crossover"),
        ("space_time", bent(1e-6, -0.4, -0.3, margin=0.1), "crossover"),
        ("space_time", bent(1e-6, -0.3, -0.3, margin=0.1), UNDETERMINED),
    ],
)
def test_of_a_refused_power_the_largest_widths_must_say_the_same(
    column: str, seen: Trend, verdict: str
) -> None:
    if verdict == UNDETERMINED:
        seen = replace(seen, exponent=seen.local)
    assert word(column, seen, THRESHOLDS) == verdict
    # What is not refused is judged by its exponent alone.
    for law in ("power", "undetermined", ""):
        pure = replace(seen, law=law)
        assert word(column, pure, THRESHOLDS) == RULES[column](pure, THRESHOLDS)


def test_a_crossover_agrees_with_nothing_and_is_told() -> None:
    turned = {**AS_MUP, "feature_change": bent(1.6, 0.0, -0.5)}
    headline, _ = table1(scaling(**turned), NONE_DIVERGED, THRESHOLDS)
    cells = headline[headline["column"] == "feature_variation"].set_index("scheme")
    assert set(cells["measured"]) == {"crossover"}
    assert set(cells["agrees"].drop("mine")) == {"false"}
    assert cells.loc["µP", "law"] == "crossover"
    cell = headline[headline["column"] == "feature_variation"].iloc[0]
    assert Estimate.of(cell, "local_exponent", "local") == turned["feature_change"].local
    told = "not a single power: local exponent -0.50 in [-0.55, -0.45] at the largest widths"
    assert told in str(cells.loc["µP", "reason"])
    kept = {**AS_MUP, "feature_change": bent(600, 0.9, 0.7)}
    headline, _ = table1(scaling(**kept), NONE_DIVERGED, THRESHOLDS)
    cells = headline[headline["column"] == "feature_variation"].set_index("scheme")
    assert [cells.loc["IP", name] for name in ("measured", "agrees")] == ["large", "true"]
    assert "from which no limit at n = ∞ follows" in str(cells.loc["IP", "reason"])


def test_where_the_word_hangs_on_the_correction_the_cell_says_so() -> None:
    raw = {"raw": Estimate(0.52, 0.46, 0.58)}
    seen = replace(AS_MUP["spacetime_min_eig"], others=raw)
    table = scaling(**{**AS_MUP, "spacetime_min_eig": seen})
    headline, _ = table1(table, NONE_DIVERGED, THRESHOLDS)
    hang = headline["reason"].str.contains("depends on the finite-width correction")
    assert set(headline.loc[hang, "column"]) == {"space_time"}
    other = "increases with width raw (κ = 0), exponent 0.52 in [0.46, 0.58]"
    assert headline.loc[hang, "reason"].str.endswith(other).all()
    rules = rules_table(table, THRESHOLDS)
    columns = "scheme column rule measured exponent ci_low ci_high agrees"
    assert list(rules.columns) == columns.split()
    assert len(rules) == len(headline) * 4
    mine = rules[(rules["scheme"] == "µP") & (rules["column"] == "space_time")]
    assert dict(zip(mine["rule"], mine["agrees"], strict=True)) == {
        "bounded": "true", "raw": "false", "full": "true", "unbounded": "true",
    }  # fmt: skip
    told = where_rules_disagree(rules)
    assert len(told) == 5
    assert told[3].startswith(
        "µP, space_time: stable across widths with κ in [0, 1], exponent 0.00 in [-0.05, 0.05]; "
        f"{other}; stable across widths with κ = 1,"
    )
    assert where_rules_disagree(rules_table(scaling(**AS_MUP), THRESHOLDS)) == []
