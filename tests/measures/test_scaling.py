import numpy as np
import pandas as pd
import pytest

from infwidth.measures.finite_width import log_factors
from infwidth.measures.metrics import METRICS
from infwidth.measures.scaling import law_along, scaling_table
from infwidth.measures.trends import Thresholds
from infwidth.measures.verdicts import rules_table, table1

WIDTHS = (64, 128, 256, 512, 1024)
SAMPLES = 8
EXPONENTS = {"feature_change": -0.5, "gram_min_eig": -1.0, "spacetime_min_eig": -2.0}


def measurements(unresolved_from: int | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables whose metrics are exact powers of n, at a first and a last step; κ = 0."""
    rows = []
    for step, width, seed in [(s, n, k) for s in (0, 9) for n in WIDTHS for k in range(3)]:
        row = {"scheme": "SP", "width": width, "seed": seed, "step": step, "layer": 2, "kind": "h"}
        jitter = 1.0 + 0.01 * seed if step else 7.0
        for metric, exponent in EXPONENTS.items():
            row[metric] = jitter * width**exponent
        row |= {"gram_mean_eig": 2.0, "resolution": 1e-12, "spacetime_resolution": 3e-12}
        if unresolved_from is not None and width >= unresolved_from:
            row["spacetime_min_eig"] = np.nan
        if width < 2 * SAMPLES:
            row["spacetime_min_eig"] = np.nan
        rows.append(row)
    spectra = [
        {
            "scheme": "SP",
            "width": n,
            "step": 9,
            "layer": 2,
            "kind": "h",
            "matrix": matrix,
            "index": i,
            "eigenvalue": float(n**-1.0 * 4.0**i),
        }
        for n in WIDTHS
        for matrix, size in (("gram", SAMPLES), ("spacetime", 2 * SAMPLES))
        for i in range(size)
    ]
    return pd.DataFrame(rows), pd.DataFrame(spectra)


def row_of(scaling: pd.DataFrame, metric: str) -> "pd.Series[float]":
    return scaling[scaling["metric"] == metric].iloc[0]


def test_exponents_of_every_metric_at_the_last_step() -> None:
    scaling = scaling_table(*measurements(), samples=SAMPLES, steps=9, fit_width_ratio=2)
    assert list(scaling["metric"]) == list(METRICS)
    powers = {**EXPONENTS, "gram_ratio": -1.0, "retention": 0.0}
    for metric, exponent in powers.items():
        row = row_of(scaling, metric)
        assert row["raw_exponent"] == pytest.approx(exponent, abs=1e-6)
        assert row["largest_width"] == 1024
        assert row["seeds"] == 3
        assert row["value_low"] <= row["value"] <= row["value_high"]
    value = row_of(scaling, "feature_change")["value"]
    assert value == pytest.approx(1024**-0.5 * (1.0 * 1.01 * 1.02) ** (1 / 3))


def test_the_ratio_divides_by_the_mean_eigenvalue() -> None:
    scaling = scaling_table(*measurements(), samples=SAMPLES, steps=9, fit_width_ratio=2)
    ratio, gram = row_of(scaling, "gram_ratio"), row_of(scaling, "gram_min_eig")
    assert ratio["value"] == pytest.approx(gram["value"] / 2.0)


def test_only_least_eigenvalues_are_corrected_and_need_wide_networks() -> None:
    scaling = scaling_table(*measurements(), samples=SAMPLES, steps=9, fit_width_ratio=8).set_index(
        "metric"
    )
    assert scaling.loc["feature_change", "correction"] == "none"
    assert scaling.loc["feature_change", "widths"] == 5
    assert scaling.loc["gram_min_eig", "correction"] == "marchenko-pastur"
    assert scaling.loc["gram_min_eig", "widths"] == 5  # n >= 8 x 8
    assert scaling.loc["spacetime_min_eig", "widths"] == 4  # n >= 8 x 16


def test_unresolved_points_are_counted_left_out_of_the_fit_and_bound_the_value() -> None:
    metrics, spectra = measurements(unresolved_from=1024)
    row = row_of(
        scaling_table(metrics, spectra, samples=SAMPLES, steps=9, fit_width_ratio=2),
        "spacetime_min_eig",
    )
    assert row["unresolved"] == 3
    assert row["widths"] == 4
    assert row["largest_width"] == 1024
    assert np.isnan([row["value"], row["value_low"]]).all()
    assert row["value_high"] == 3e-12
    nothing, spectra = measurements(unresolved_from=64)
    row = row_of(
        scaling_table(nothing, spectra, samples=SAMPLES, steps=9, fit_width_ratio=2),
        "spacetime_min_eig",
    )
    assert row["unresolved"] == 15
    assert np.isnan(row["exponent"])


def test_a_width_with_an_unresolved_seed_leaves_the_fit() -> None:
    """The true exponent is -2; at the widest width a floor hides half of the seeds."""
    rng = np.random.default_rng(0)
    covered = exponents = 0.0
    for _ in range(20):
        metrics, spectra = measurements()
        noise = np.exp(0.3 * rng.standard_normal(len(metrics)))
        metrics["spacetime_min_eig"] *= noise
        metrics["spacetime_resolution"] = 1024.0**-2
        hidden = metrics["spacetime_min_eig"] < metrics["spacetime_resolution"]
        metrics.loc[hidden, "spacetime_min_eig"] = np.nan
        table = scaling_table(metrics, spectra, samples=SAMPLES, steps=9, fit_width_ratio=4)
        row = row_of(table, "spacetime_min_eig")
        covered += row["ci_low"] <= -2 <= row["ci_high"]
        exponents += row["raw_exponent"]
    assert covered >= 17
    assert exponents / 20 == pytest.approx(-2.0, abs=0.03)


def test_an_upper_limit_is_never_above_what_is_possible() -> None:
    """A least eigenvalue is at most the mean one, whatever the resolution."""
    metrics, spectra = measurements()
    widest = metrics["width"] == 1024
    metrics.loc[widest, ["gram_min_eig", "spacetime_min_eig"]] = np.nan
    metrics.loc[widest, ["resolution", "spacetime_resolution"]] = 9.0, 7.0
    for mean, ratio in ((2.0, 1.0), (0.0, 1.0)):
        metrics.loc[widest, "gram_mean_eig"] = mean
        table = scaling_table(metrics, spectra, samples=SAMPLES, steps=9, fit_width_ratio=2)
        names = ("gram_min_eig", "gram_ratio", "spacetime_min_eig")
        limits = [row_of(table, metric)["value_high"] for metric in names]
        assert limits == [mean, ratio, mean]


def test_a_least_eigenvalue_of_exactly_zero_in_one_seed_is_no_error() -> None:
    """As of two equal inputs: the geometric mean over seeds is zero, too."""
    metrics, spectra = measurements()
    zero = (metrics["width"] == 1024) & (metrics["seed"] == 1)
    metrics.loc[zero, "gram_min_eig"] = np.nan
    least = (spectra["width"] == 1024) & (spectra["matrix"] == "gram") & (spectra["index"] == 0)
    spectra.loc[least, "eigenvalue"] = 0.0
    row = row_of(
        scaling_table(metrics, spectra, samples=SAMPLES, steps=9, fit_width_ratio=2), "gram_min_eig"
    )
    assert (row["widths"], row["unresolved"]) == (4, 1)
    assert row["raw_exponent"] == pytest.approx(-1.0, abs=1e-6)
    assert np.isnan(row["value"])


def test_a_change_that_is_undefined_is_counted_and_gives_no_value() -> None:
    """ReLU in a few units: a seed whose initial features are all zero."""
    metrics, spectra = measurements()
    metrics.loc[(metrics["width"] == 1024) & (metrics["seed"] == 0), "feature_change"] = np.nan
    table = scaling_table(metrics, spectra, samples=SAMPLES, steps=9, fit_width_ratio=2)
    row = row_of(table, "feature_change")
    assert (row["widths"], row["unresolved"]) == (4, 1)
    assert np.isnan(row[["value", "value_low", "value_high"]].astype(float)).all()
    cells, _ = table1(table, pd.DataFrame({"scheme": []}), Thresholds(0.25, 0.5, 1e-4))
    reason = cells.loc[cells["column"] == "feature_variation", "reason"].item()
    assert "1 points undefined" in reason
    assert cells.loc[cells["column"] == "feature_variation", "measured"].item() == "undetermined"


def test_the_resolution_of_the_ratio_is_relative_to_the_mean_eigenvalue() -> None:
    metrics, spectra = measurements()
    metrics.loc[metrics["width"] == 1024, "gram_min_eig"] = np.nan
    row = row_of(
        scaling_table(metrics, spectra, samples=SAMPLES, steps=9, fit_width_ratio=2), "gram_ratio"
    )
    assert row["value_high"] == 0.5e-12


def test_a_scheme_that_never_reached_the_last_step_keeps_its_rows() -> None:
    metrics, spectra = measurements()
    lost = metrics[metrics["step"] == 0].assign(scheme="wild")
    scaling = scaling_table(
        pd.concat([metrics, lost]), spectra, samples=SAMPLES, steps=9, fit_width_ratio=2
    )
    rows = scaling[scaling["scheme"] == "wild"]
    assert len(rows) == len(METRICS)
    assert rows[["exponent", "value", "value_high"]].isna().all(axis=None)


def test_nothing_is_taken_from_an_earlier_step_for_the_last() -> None:
    metrics, spectra = measurements()
    early = metrics[metrics["step"] == 0]
    scaling = scaling_table(early, spectra, samples=SAMPLES, steps=9, fit_width_ratio=2)
    assert len(scaling) == len(METRICS)
    assert scaling[["exponent", "value", "value_high"]].isna().all(axis=None)


def test_where_the_matrix_is_undefined_nothing_counts_as_unresolved() -> None:
    metrics, spectra = measurements()
    narrow = metrics[metrics["width"] == 64].assign(width=15, spacetime_min_eig=np.nan)
    scaling = scaling_table(
        pd.concat([narrow, metrics]), spectra, samples=SAMPLES, steps=9, fit_width_ratio=2
    )
    assert row_of(scaling, "spacetime_min_eig")["unresolved"] == 0


def test_a_constant_under_sampling_is_stable_with_the_correction_alone() -> None:
    """λ_min as sampling lowers it: a constant, which grows if nobody corrects it."""
    metrics, spectra = measurements()
    final = (spectra["width"] == 1024) & (spectra["matrix"] == "spacetime")
    spectrum = spectra[final].sort_values("index")["eigenvalue"].to_numpy()
    factors = dict(zip(WIDTHS, log_factors(spectrum, WIDTHS, stages=2), strict=True))
    jitter = 1 + 0.01 * metrics["seed"]
    metrics["spacetime_min_eig"] = 0.01 * jitter * np.exp(0.9 * metrics["width"].map(factors))
    table = scaling_table(metrics, spectra, samples=SAMPLES, steps=9, fit_width_ratio=2)
    row = row_of(table, "spacetime_min_eig")
    assert row["correction_power"] == pytest.approx(0.9)
    assert row["exponent"] == row["unbounded_exponent"] == pytest.approx(0.0, abs=1e-9)
    assert str(row["law"]) == "power"
    assert row["raw_low"] > 0.15 > row["full_high"] > -0.15
    rules = rules_table(table, Thresholds(0.15, 0.5, 1e-4))
    rules = rules[rules["column"] == "space_time"]
    words = dict(zip(rules["rule"], rules["measured"], strict=True))
    assert words.pop("raw") == "increases with width"
    assert set(words.values()) == {"stable across widths"}


def test_a_law_runs_through_its_points_and_its_power_apart() -> None:
    """Of a constant under sampling: the law has the factor, its power is the constant."""
    metrics, spectra = measurements()
    spectrum = spectra[(spectra["width"] == 1024) & (spectra["matrix"] == "gram")]["eigenvalue"]
    factors = np.exp(log_factors(spectrum.to_numpy(), WIDTHS, stages=2))
    lowered = dict(zip(WIDTHS, 0.3 * factors, strict=True))
    metrics["gram_min_eig"] = metrics["width"].map(lowered) * (1 + 0.01 * metrics["seed"])
    scaling = scaling_table(metrics, spectra, samples=SAMPLES, steps=9, fit_width_ratio=16)
    fit = row_of(scaling, "gram_min_eig")
    law = law_along(fit, metrics[metrics["step"] == 9], spectra)
    assert law.index.tolist() == [128, 256, 512, 1024]
    middle = (1 * 1.01 * 1.02) ** (1 / 3)
    np.testing.assert_allclose(law["law"], [middle * lowered[n] for n in law.index], rtol=1e-6)
    np.testing.assert_allclose(law["power"], 0.3 * middle, rtol=1e-6)


def test_a_law_that_is_no_power_is_refused() -> None:
    metrics, spectra = measurements()
    metrics["feature_change"] = np.log(metrics["width"] / 16) * (1 + 0.01 * metrics["seed"])
    table = scaling_table(metrics, spectra, samples=SAMPLES, steps=9, fit_width_ratio=2)
    assert table.set_index("metric")["law"].to_dict() == {
        metric: "crossover" if metric == "feature_change" else "power" for metric in METRICS
    }
    row = row_of(table, "feature_change")
    # Of log(n/16), at n = 256 to 1024.
    assert 1 / np.log(1024 / 16) < row["local_exponent"] < 1 / np.log(256 / 16)
    assert row["misfit"] < 1e-3 < 0.01 < row["residual"]
    assert row["curvature_high"] < 0
    cells, _ = table1(table, pd.DataFrame({"scheme": []}), Thresholds(0.25, 0.5, 1e-4))
    told = cells.set_index("column")["reason"].str.contains("not a single power: local exponent")
    assert told[told].index.tolist() == ["feature_variation"]
    assert cells["measured"].iloc[0] == "large"  # which it is, and does not fall
