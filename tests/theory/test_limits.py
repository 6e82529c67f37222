"""The n = ∞ column of Table 1."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from infwidth.measures.claims import CLAIMS
from infwidth.theory.limits import draw as figure
from infwidth.theory.limits.judge import describe, findings, one_each
from infwidth.theory.limits.measure import FEWEST_WIDTHS, RATES, extrapolate, limits_table

Array = NDArray[np.float64]
WIDTHS = [64, 128, 256, 512, 1024, 2048, 4096]


def law(limit: float, amplitude: float, rate: float, widths: Sequence[int] = WIDTHS) -> Array:
    return limit * (1 + amplitude * np.asarray(widths, dtype=float) ** -rate)


def noisy(values: Array, noise: float, seeds: int = 5, seed: int = 0) -> list[Array]:
    """Seeds around the values, with the fluctuations of a mean over n units."""
    rng = np.random.default_rng(seed)
    return [
        value * np.exp(noise / math.sqrt(width) * rng.standard_normal(seeds))
        for value, width in zip(values, WIDTHS, strict=True)
    ]


@pytest.mark.parametrize(("amplitude", "rate"), [(-5.0, 1.0), (3.0, 0.5), (-1.0, 0.25), (20.0, 2)])
def test_an_exact_law_is_found_back(amplitude: float, rate: float) -> None:
    found = extrapolate(WIDTHS, noisy(law(0.03, amplitude, rate), noise=0.0))
    assert found.limit.value == pytest.approx(0.03, rel=1e-9)
    assert (found.limit.low, found.limit.high) == pytest.approx((0.03, 0.03), rel=1e-9)
    assert found.amplitude == pytest.approx(amplitude, rel=1e-7)
    assert found.rate.value == found.rate.low == found.rate.high == pytest.approx(rate)


@pytest.mark.parametrize(
    "values",
    [law(2.0, -6.0, 0.83), law(2.0, 4.0, 0.6), 5.0 / np.array(WIDTHS), law(-0.3, -10, 0.25)],
)
def test_the_fit_is_the_best_of_scipys_bounded_least_squares(values: Array) -> None:
    groups = noisy(values, noise=0.4, seed=3)
    means = np.array([np.exp(np.log(group).mean()) for group in groups])
    weights = np.sqrt(WIDTHS)
    fits = []
    for rate in RATES:
        design = np.column_stack([np.ones(len(WIDTHS)), np.array(WIDTHS, dtype=float) ** -rate])
        fit = lsq_linear(
            design * weights[:, None], means * weights, ([0, -np.inf], np.inf), tol=1e-13
        )
        fits.append((fit.cost, rate, fit.x[0]))
    _, rate, limit = min(fits)
    found = extrapolate(WIDTHS, groups)
    assert found.limit.value == pytest.approx(limit, rel=1e-5, abs=1e-6)
    assert math.isnan(found.rate.value) or found.rate.value == rate


def test_the_interval_holds_the_limit_nearly_as_often_as_it_says() -> None:
    """With fluctuations that fall as is supposed, and with such as do not."""
    for seeds, power in ((3, -0.5), (5, -0.5), (5, 0.0), (8, -0.5)):
        covered = narrow = 0
        for seed in range(100):
            spread = np.array(WIDTHS) ** (power + 0.5) * (2.0 if power else 0.05)
            values = [
                np.exp(np.log(law(0.03, -8.0, 0.8)[place]) + np.log(group) * width)
                for place, (group, width) in enumerate(
                    zip(noisy(np.ones(len(WIDTHS)), 1.0, seeds, seed), spread, strict=True)
                )
            ]
            found = extrapolate(WIDTHS, values)
            covered += found.limit.low <= 0.03 <= found.limit.high
            narrow += found.limit.high < 2 * found.limit.low
        assert covered >= 88
        assert narrow >= 90


def test_a_rate_is_told_only_where_there_is_an_approach() -> None:
    flat = extrapolate(WIDTHS, noisy(law(0.03, 0.0, 1.0), noise=1.0))
    assert math.isnan(flat.rate.value)
    assert flat.limit.low < 0.03 < flat.limit.high
    steep = extrapolate(WIDTHS, noisy(law(0.03, -8.0, 0.8), noise=1.0))
    assert steep.rate.low < 0.8 < steep.rate.high


def test_a_slow_power_is_not_taken_for_an_approach() -> None:
    """n^-0.12 falls less than any threshold on exponents and has no limit but 0."""
    assert extrapolate(WIDTHS, noisy(np.array(WIDTHS) ** -0.12, noise=0.1)).slow
    assert not extrapolate(WIDTHS, noisy(law(1.0, 0.3, 0.25), noise=0.1)).slow
    assert not extrapolate(WIDTHS, noisy(law(1.0, 8.0, 0.5), noise=0.1)).slow


def test_a_single_seed_has_a_limit_but_no_interval() -> None:
    found = extrapolate(WIDTHS, noisy(law(0.03, -5.0, 1.0), noise=0.0, seeds=1))
    assert found.limit.value == pytest.approx(0.03)
    assert np.isnan([found.limit.low, found.limit.high, found.rate.value]).all()


def test_too_few_widths_are_refused() -> None:
    with pytest.raises(ValueError, match=f"needs {FEWEST_WIDTHS}"):
        extrapolate(WIDTHS[:3], noisy(law(1.0, 1.0, 1.0), 0.1)[:3])


def tables(
    values: Array, low: float, high: float, **changes: float | str
) -> tuple[pd.DataFrame, ...]:
    """metrics.csv and scaling.csv of one metric: least eigenvalues of one scheme and layer."""
    groups = noisy(values, noise=0.3)
    metrics = pd.DataFrame(
        [
            {"scheme": "µP", "width": width, "seed": seed, "step": 9, "layer": 1, "kind": "h",
             "feature_change": value, "gram_min_eig": value, "gram_mean_eig": 2.0,
             "spacetime_min_eig": value}
            for width, group in zip(WIDTHS, groups, strict=True)
            for seed, value in enumerate(group)
        ]
    )  # fmt: skip
    widest = float(np.exp(np.log(groups[-1]).mean()))
    row = {
        "metric": "gram_min_eig", "scheme": "µP", "layer": 1, "kind": "h",
        "exponent": (low + high) / 2, "ci_low": low, "ci_high": high, "value": widest,
        "largest_width": 4096.0, "widths": len(WIDTHS), "unresolved": 0, "law": "power", **changes,
    }  # fmt: skip
    return metrics, pd.DataFrame([row])


def limit(values: Array, low: float, high: float, **changes: float | str) -> "pd.Series[Any]":
    metrics, scaling = tables(values, low, high, **changes)
    earlier = metrics.assign(step=3, gram_min_eig=7.0)
    table = limits_table(pd.concat([metrics, earlier]), scaling, stable_exponent=0.25, steps=9)
    assert table["width"].tolist() == WIDTHS
    measured = metrics[metrics["width"] == 512]["gram_min_eig"]
    at_512 = table[table["width"] == 512].iloc[0]
    assert at_512["value"] == pytest.approx(math.exp(np.log(measured).mean()))
    assert (at_512["value_low"], at_512["value_high"]) == (measured.min(), measured.max())
    (row,) = (row for _, row in one_each(table).iterrows())
    return row


def test_what_falls_vanishes_and_what_grows_diverges_at_the_fitted_power() -> None:
    falls = limit(law(1.0, 0.0, 1.0), -0.6, -0.4)
    assert (falls["approach"], falls["limit"]) == ("vanishes", 0.0)
    assert (falls["rate"], falls["rate_low"], falls["rate_high"]) == (0.5, 0.4, 0.6)
    grows = limit(law(1.0, 0.0, 1.0), 0.4, 0.6)
    assert (grows["approach"], grows["limit"]) == ("diverges", math.inf)
    assert (grows["rate"], grows["rate_low"], grows["rate_high"]) == (0.5, 0.4, 0.6)
    assert "→ 0 as n^−a, a = 0.500" in describe(falls)
    assert "→ ∞ as n^a, a = 0.500" in describe(grows)


def test_what_does_neither_converges_to_its_extrapolation() -> None:
    row = limit(law(0.03, -8.0, 0.8), -0.1, 0.1)
    assert row["approach"] == "converges"
    assert row["limit_low"] < 0.03 < row["limit_high"]
    assert row["limit"] == pytest.approx(0.03, rel=0.02)
    assert row["value_at_largest"] < row["limit"]


@pytest.mark.parametrize(
    "changes",
    [{"ci_low": -0.3}, {"ci_high": 0.3}, {"unresolved": 1}, {"widths": 3}, {"ci_low": math.nan}],
)
def test_without_its_conditions_nothing_converges(changes: dict[str, float]) -> None:
    assert limit(law(0.03, -8.0, 0.8), -0.1, 0.1)["approach"] == "converges"
    row = limit(law(0.03, -8.0, 0.8), -0.1, 0.1, **changes)
    assert row["approach"] == "undetermined"
    assert "not seen to tend to anything" in describe(row)


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_a_limit_far_from_what_was_measured_is_not_believed(factor: float) -> None:
    """Neither far below nor far above the value at the largest width."""
    row = limit(law(0.03, -8.0, 0.8), -0.1, 0.1, value=0.03 / factor)
    assert row["limit"] == pytest.approx(0.03, rel=0.02)
    assert row["approach"] == "undetermined"


def test_a_width_with_an_unresolved_seed_takes_no_part() -> None:
    metrics, scaling = tables(law(0.03, -8.0, 0.8), -0.1, 0.1)
    lost = (metrics["width"] == 4096) & (metrics["seed"] < 2)
    metrics.loc[lost, "gram_min_eig"] = np.nan
    metrics.loc[(metrics["width"] == 4096) & ~lost, "gram_min_eig"] = 0.045
    table = limits_table(metrics, scaling, stable_exponent=0.25, steps=9)
    assert one_each(table)["limit"].item() == pytest.approx(0.03, rel=0.05)


def bend(local: float) -> dict[str, float | str]:
    """Columns of a refused power."""
    ends = {"local_low": local - 0.01, "local_high": local + 0.01}
    return {"law": "crossover", "local_exponent": local, **ends}


@pytest.mark.parametrize(("low", "high"), [(0.9, 0.92), (-0.6, -0.4), (-0.3, 0.1), (-0.1, 0.1)])
def test_what_follows_no_single_power_goes_nowhere(low: float, high: float) -> None:
    row = limit(law(1.0, 0.0, 1.0), low, high, **bend(0.895))
    assert (row["approach"], row["rate"]) == ("crossover", 0.895)
    assert math.isnan(row["limit"])
    assert "follows no single power of n and is not seen to tend to anything" in describe(row)
    assert "n^a at the largest widths, a = 0.895 [0.885, 0.905]" in describe(row)


def test_what_bends_within_the_stable_is_extrapolated() -> None:
    """As an approach to a limit does."""
    assert limit(law(0.03, -8.0, 0.8), -0.1, 0.1, **bend(0.05))["approach"] == "converges"


def test_a_slow_fall_is_undetermined() -> None:
    assert limit(np.array(WIDTHS) ** -0.12, -0.13, -0.11)["approach"] == "undetermined"


def test_widths_far_from_the_limit_take_no_part() -> None:
    """At n = 64 and 128 values are over a factor of 2 away: whatever they are is the same."""
    values = law(0.03, 0.0, 1.0)
    values[:2] = 0.01, 0.012
    one = limit(values, -0.1, 0.1)
    values[:2] = 0.001, 0.07
    other = limit(values, -0.1, 0.1)
    assert one["limit"] == other["limit"]
    assert one["limit"] == pytest.approx(0.03, rel=0.01)


def agreeing(scheme: str, column: str) -> tuple[str, str]:
    """The metric that decides a cell, and an approach that the paper's words ask for."""
    words = CLAIMS[scheme][column].words
    if column == "feature_variation":
        kind = {"large": "diverges", "large and stable": "converges"}
        return "feature_change", kind.get(words, "vanishes")
    if column == "feature_diversity":
        rich = words == "rich"
        return ("gram_min_eig", "converges") if rich else ("gram_ratio", "vanishes")
    return "spacetime_min_eig", "converges" if words.startswith("stable") else "vanishes"


def as_claimed() -> pd.DataFrame:
    """limits.csv that agrees with the paper in every cell."""
    rows: list[dict[str, object]] = []
    for scheme, columns in CLAIMS.items():
        approaches = {"gram_min_eig": "vanishes", "gram_ratio": "converges"}
        approaches |= dict(agreeing(scheme, column) for column in columns)
        for metric, approach in approaches.items():
            for layer in (1, 2):
                rows += [_row(scheme, metric, layer, width, approach) for width in (64, 1024)]
    return pd.DataFrame(rows)


def _row(scheme: str, metric: str, layer: int, width: int, approach: str) -> dict[str, object]:
    limit = {"vanishes": 0.0, "diverges": math.inf, "converges": 0.5}.get(approach, 0.1)
    power = {"vanishes": -0.5, "diverges": 0.5}.get(approach, 0.0)
    return {
        "scheme": scheme, "metric": metric, "layer": layer, "kind": "h", "width": width,
        "value": 0.5 * (width / 1024) ** power, "value_low": 0.4, "value_high": 0.6,
        "limit": limit, "limit_low": 0.9 * limit, "limit_high": 1.1 * limit, "rate": 0.5,
        "rate_low": 0.4, "rate_high": 0.6, "amplitude": 0.1, "approach": approach,
        "value_at_largest": 0.5, "largest_width": 1024.0,
    }  # fmt: skip


CELLS = [(scheme, column) for scheme, columns in CLAIMS.items() for column in columns]


def test_the_papers_own_limits_agree_in_every_cell() -> None:
    found = findings(as_claimed())
    assert [finding.verdict for finding in found] == ["verified"] * len(CELLS)
    assert {finding.source for finding in found} == {"Table 1"}
    assert "in 2 of 2 hidden layers and kinds" in found[0].evidence


@pytest.mark.parametrize(("scheme", "column"), CELLS)
def test_every_cell_turns_with_its_limit_and_no_other(scheme: str, column: str) -> None:
    table = as_claimed()
    metric, approach = agreeing(scheme, column)
    place = CELLS.index((scheme, column))
    at = (table["scheme"] == scheme) & (table["metric"] == metric)
    other = "converges" if approach == "vanishes" else "vanishes"
    open_ = ("undetermined", "crossover")
    for planted, verdict in ((other, "refuted"), *((name, "undetermined") for name in open_)):
        headline = table.copy()
        headline.loc[at & (table["layer"] == 2), "approach"] = planted
        verdicts = [finding.verdict for finding in findings(headline)]
        assert verdicts.pop(place) == verdict
        assert set(verdicts) == {"verified"}
        elsewhere = table.copy()
        elsewhere.loc[at & (table["layer"] == 1), "approach"] = planted
        found = findings(elsewhere)
        assert found[place].verdict == "verified"
        assert "in 1 of 2 hidden layers" in found[place].evidence


def test_what_was_not_measured_is_undetermined() -> None:
    table = as_claimed()
    missing = (table["scheme"] == "µP") & (table["metric"] == "feature_change")
    verdicts = [finding.verdict for finding in findings(table[~missing])]
    assert verdicts[CELLS.index(("µP", "feature_variation"))] == "undetermined"
    assert verdicts.count("verified") == len(CELLS) - 1


def test_schemes_that_the_paper_does_not_judge_are_left_alone() -> None:
    assert findings(as_claimed().assign(scheme="mine")) == []


def marks(ax: Axes, marker: str) -> list[tuple[float, float]]:
    return [
        (float(np.asarray(line.get_xdata())[0]), float(np.asarray(line.get_ydata())[0]))
        for line in ax.lines
        if line.get_marker() == marker and len(np.asarray(line.get_xdata())) == 1
    ]


def test_limits_stand_beyond_the_widths_and_what_has_none_says_its_power() -> None:
    table = as_claimed()
    drawn = figure.draw(table)
    change, diversity, space_time, *ratios = drawn.axes
    for ax in (change, diversity, space_time):
        ((place, height),) = marks(ax, "^")  # µP's
        assert place > 1024
        assert height == 0.5
    assert {text.get_text() for text in change.texts} >= {
        r"$n^{0.50}$ $\to\infty$", r"$n^{-0.50}$ $\to 0$", "$n^{-1/2}$",
    }  # fmt: skip
    assert [marks(ax, "^")[0][1] for ax in ratios] == [1.0, 1.0, 1.0]
    undetermined = table.assign(approach="undetermined")
    texts = [text.get_text() for text in figure.draw(undetermined).axes[0].texts]
    assert texts.count("?") == len(CLAIMS)
    refused = table.assign(approach="crossover", rate=0.895)
    texts = [text.get_text() for text in figure.draw(refused).axes[0].texts]
    assert texts.count("?") == texts.count("locally\n$n^{0.90}$") == len(CLAIMS)
