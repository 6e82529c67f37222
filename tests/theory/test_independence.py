"""Theorem 4.5 through training."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
import torch
from builders import PLAIN_ACTIVATIONS, both, dataset, recipe
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from infwidth.measures.finite_width import log_factors
from infwidth.measures.scaling import by_width
from infwidth.schemes import SCHEMES
from infwidth.theory.independence import draw as figure
from infwidth.theory.independence.fits import FALLING, PAIRED_RATIO, fit_exponent, fit_limit
from infwidth.theory.independence.judge import findings
from infwidth.theory.independence.measure import (
    HALF_INTERVALS,
    Extrapolated,
    independence_table,
)
from infwidth.theory.independence.train import train_activation
from infwidth.theory.setting import RATE_FACTORS

Array = NDArray[np.float64]
WIDTHS = [32, 64, 128, 256, 512]
SAMPLES = 8


@pytest.mark.parametrize("activation", ["sigmoid", "silu"])
def test_the_training_is_that_of_a_plain_network_under_mup(activation: str) -> None:
    data, seeds, width = dataset(), range(2), 24
    how = recipe(activation="tanh", steps=5)
    metrics, spectra = train_activation(data, [16, width], len(seeds), how, activation)
    rate = 0.5 * {"sigmoid": 8.0, "silu": 1.0}[activation]
    same = recipe(activation=activation, learning_rate=rate)
    _, plain = both(data, SCHEMES["µP"], width, seeds, same)
    for seed, network in zip(seeds, plain, strict=True):
        for _ in range(5):
            network.step(torch.as_tensor(data.train_inputs), torch.as_tensor(data.train_labels))
        hidden, _ = network.forward(torch.as_tensor(data.train_inputs))
        for layer, h in enumerate(hidden, 1):
            for kind, feature in (("h", h), ("x", PLAIN_ACTIVATIONS[activation](h))):
                least = np.linalg.eigvalsh((feature.T @ feature / width).detach().numpy())[0]
                rows = metrics[(metrics["width"] == width) & (metrics["seed"] == seed)]
                rows = rows[(rows["layer"] == layer) & (rows["kind"] == kind)]
                last = rows[rows["step"] == 5]["gram_min_eig"]
                assert last.tolist() == [pytest.approx(least, rel=1e-7)]
    assert set(metrics["width"]) == set(spectra["width"]) == {16, width}
    assert set(metrics["scheme"]) == {"µP"}


def test_the_rate_factors_are_of_activations_that_the_paper_names() -> None:
    assert set(RATE_FACTORS) <= {"tanh", "sigmoid", "silu"}


def noisy(means: Array, noise: float, seeds: int = 4, seed: int = 0) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [mean * np.exp(noise * rng.standard_normal(seeds)) for mean in means]


@pytest.mark.parametrize("power", [-0.6, 0.0, 0.4, 1.0, 2.5])
def test_the_fits_are_scipys_bounded_least_squares(power: float) -> None:
    """Also where κ would leave its bounds, 0 and 1."""
    factors = log_factors(np.geomspace(0.1, 3, SAMPLES), WIDTHS, stages=2)
    groups = noisy(0.1 * np.exp(power * factors), noise=0.05)
    means = np.array([np.log(group).mean() for group in groups])
    ones, logs = np.ones(len(WIDTHS)), np.log(WIDTHS)
    free = lsq_linear(
        np.column_stack([ones, logs, factors]),
        means,
        ([-np.inf, -np.inf, 0], [np.inf, np.inf, 1]),
        tol=1e-14,
    )
    fixed = lsq_linear(
        np.column_stack([ones, factors]), means, ([-np.inf, 0], [np.inf, 1]), tol=1e-14
    )
    exponent, limit = fit_exponent(WIDTHS, groups, factors), fit_limit(groups, factors)
    assert exponent.value == pytest.approx(free.x[1], abs=1e-5)
    assert limit.value == pytest.approx(np.exp(fixed.x[0]), rel=1e-5)
    assert exponent.low < exponent.value < exponent.high
    assert limit.low < limit.value < limit.high


def test_without_a_correction_the_fits_are_a_line_and_a_mean() -> None:
    groups = noisy(np.array(WIDTHS) ** -0.7, noise=0.05)
    means = np.array([np.log(group).mean() for group in groups])
    slope = np.polyfit(np.log(WIDTHS), means, 1)[0]
    assert fit_exponent(WIDTHS, groups, None).value == pytest.approx(slope)
    assert fit_limit(groups, None).value == pytest.approx(np.exp(means.mean()))


def test_too_few_widths_give_nothing() -> None:
    groups, factors = noisy(np.ones(5), 0.1), -1 / np.array(WIDTHS)
    assert math.isnan(fit_exponent(WIDTHS[:3], groups[:3], factors[:3]).value)
    assert math.isfinite(fit_exponent(WIDTHS[:4], groups[:4], factors[:4]).value)
    assert math.isnan(fit_limit(groups[:2], factors[:2]).value)
    assert math.isfinite(fit_limit(groups[:3], factors[:3]).value)


def measured(
    power: float,
    collapse: float = 0.0,
    *,
    scheme: str = "µP",
    seeds: int = 12,
    lost: Sequence[int] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """metrics.csv and spectra.csv of Gaussian features with variances 1 to 4.

    Args:
        power: features are multiplied by n^(power / 2).
        collapse: the first sample's by n^(collapse / 2) more.
        scheme: its name.
        seeds: how many.
        lost: widths at which the least eigenvalue is under resolution.
    """
    rng = np.random.default_rng(0)
    metrics, spectra = [], []
    for width in [8, *WIDTHS]:
        every = []
        for seed in range(seeds):
            features = rng.standard_normal((width, SAMPLES)) * np.geomspace(1, 2, SAMPLES)
            features *= width ** (power / 2)
            features[:, 0] *= width ** (collapse / 2)
            eigenvalues = np.linalg.svd(features, compute_uv=False)[::-1] ** 2 / width
            every.append(eigenvalues)
            least = math.nan if width in lost else eigenvalues[0]
            metrics += [
                {"scheme": scheme, "width": width, "seed": seed, "step": step, "layer": 1,
                 "kind": "h", "feature_change": 0.5 * step, "gram_min_eig": least,
                 "gram_mean_eig": eigenvalues.mean(), "resolution": 1e-13 * width}
                for step in (0, 10)
            ]  # fmt: skip
        mean = np.exp(np.log(every).mean(axis=0))
        spectra += [
            {"scheme": scheme, "width": width, "step": step, "layer": 1, "kind": "h",
             "matrix": "gram", "index": index, "eigenvalue": value}
            for step in (0, 10)
            for index, value in enumerate(mean)
        ]  # fmt: skip
    return pd.DataFrame(metrics), pd.DataFrame(spectra)


def extrapolated(metrics: pd.DataFrame, spectra: pd.DataFrame) -> pd.DataFrame:
    return independence_table(
        metrics,
        spectra,
        training="experiment",
        activation="tanh",
        samples=SAMPLES,
        fit_width_ratio=2,
    )


def test_gaussian_features_have_the_least_eigenvalue_of_their_covariance() -> None:
    """1 at n = ∞, under 0.5 to 0.98 at the widths measured: the correction does the rest."""
    table = extrapolated(*measured(0.0))
    assert table["step"].tolist() == [0, 10]
    for _, row in table.iterrows():
        assert row["smallest_seen"] < 0.5 < row["value"] < 0.99
        assert row["limit"] == pytest.approx(1.0, abs=0.06)
        assert row["limit_low"] < row["limit"] < row["limit_high"] < 1.06
        assert abs(row["exponent"]) < 0.1
        assert row["resolution"] == 1e-13 * 512
    uncorrected = extrapolated(measured(0.0)[0], measured(0.0)[1].assign(eigenvalue=0.0))
    assert uncorrected["limit"].max() < 0.9
    assert table["widths"].tolist() == [5, 5]  # 8 is under twice the samples
    assert table["feature_change"].tolist() == pytest.approx([0, 5])
    assert findings(table)[0].verdict == "verified"


def test_what_falls_has_the_limit_zero_and_shrinking_is_no_collapse() -> None:
    shrunk = extrapolated(*measured(-1.0)).iloc[-1]
    assert (shrunk["limit"], shrunk["limit_high"]) == (0, 0)
    assert shrunk["exponent"] == pytest.approx(-1.0, abs=0.1)
    assert abs(shrunk["ratio_exponent"]) < 0.1
    collapsed = extrapolated(*measured(0.0, -1.0)).iloc[-1]
    assert collapsed["ratio_exponent"] == pytest.approx(-1.0, abs=0.1)
    assert collapsed["ratio_high"] < FALLING


def test_a_slow_fall_is_not_taken_for_a_limit() -> None:
    """n^-0.2 lies above `FALLING`, and has a positive constant if one asks for it."""
    table = extrapolated(*measured(-0.2))
    assert (table["limit"] > 0).any()
    assert [finding.verdict for finding in findings(table)] == ["undetermined"]


@pytest.mark.parametrize("factors", [None, log_factors(np.ones(SAMPLES), WIDTHS, stages=2)])
@pytest.mark.parametrize("seeds", [3, 12])
def test_what_is_detectable_is_detected_nine_times_in_ten(
    seeds: int, factors: Array | None
) -> None:
    """By planting n^-b in the scatter that b follows from, where the half intervals scatter too."""
    kept = np.zeros(len(WIDTHS)) if factors is None else 0.5 * factors
    trials = [noisy(np.exp(kept), noise=0.1, seeds=seeds, seed=trial) for trial in range(300)]
    laws = [fit_exponent(WIDTHS, groups, factors) for groups in trials]
    detectable = HALF_INTERVALS * np.mean([law.high - law.value for law in laws])
    for power, fewest, most in ((detectable, 0.86, 0.98), (detectable / 4, 0.0, 0.4)):
        fall = np.array(WIDTHS) ** -power
        planted = [
            fit_exponent(
                WIDTHS,
                [group * level for group, level in zip(groups, fall, strict=True)],
                factors,
            )
            for groups in trials
        ]
        assert fewest <= np.mean([law.high < 0 for law in planted]) <= most


def test_what_is_detectable_stands_in_the_table_and_in_the_evidence() -> None:
    metrics, spectra = measured(0.0)
    table = extrapolated(metrics, spectra)
    margins = pd.DataFrame(
        {
            "free": table["ci_high"] - table["exponent"],
            "paired": table["paired_high"] - table["paired_exponent"],
        }
    )
    expected = HALF_INTERVALS * margins.min(axis=1)
    assert table["detectable"].tolist() == pytest.approx(expected.tolist())
    rows = [row(detectable=0.0612), row(detectable=0.03, ci_high=-0.01)]
    (found,) = findings(pd.DataFrame(rows))
    assert "faster than n^−0.07 would have been seen in any case" in found.evidence
    assert "lies below 0 in 1 of 2" in found.evidence
    unknown = findings(pd.DataFrame([row(), row(**UNKNOWN)]))[0]
    assert "is not known" in unknown.evidence
    (ip,) = findings(pd.DataFrame([row(scheme="IP", detectable=0.0612, **FELL)]))
    assert "at the end a fall faster than n^−0.07 would be seen" in ip.evidence


def test_a_fall_since_the_start_is_seen_in_the_same_networks() -> None:
    """What every network has of its own, and the finite-width effect, are in both steps."""
    metrics, spectra = measured(0.0)
    wide = metrics["width"] >= PAIRED_RATIO * SAMPLES
    later = metrics["step"] > 0
    fall = np.where(later, metrics["width"] ** -0.2, 1.0)
    fell = metrics.assign(gram_min_eig=metrics["gram_min_eig"] * fall)
    table = extrapolated(fell, spectra).set_index("step")
    last = table.loc[10]
    assert last["paired_exponent"] == pytest.approx(-0.2)
    assert last["paired_low"] == pytest.approx(-0.2) == last["paired_high"]
    assert last["detectable"] == pytest.approx(0, abs=1e-9)
    assert set(metrics.loc[wide, "width"]) == {64, 128, 256, 512}
    (found,) = findings(table.reset_index())
    assert found.verdict == "undetermined", "neither above SLOW nor below FALLING"
    assert "−0.20 [−0.20, −0.20]" in found.evidence


def test_at_the_start_the_finite_width_effect_is_known() -> None:
    """There κ = 1, so that the exponent is that of what is left of λ_min without the effect."""
    metrics, spectra = measured(0.0)
    row = extrapolated(metrics, spectra).iloc[0]
    at_start = metrics[(metrics["step"] == 0) & (metrics["width"] >= PAIRED_RATIO * SAMPLES)]
    groups = by_width(at_start, "gram_min_eig")
    widest = spectra[(spectra["width"] == max(groups)) & (spectra["step"] == 0)]
    spectrum = widest.sort_values("index")["eigenvalue"].to_numpy()
    factors = log_factors(spectrum, list(groups), stages=int(row["layer"]))
    assert list(groups) == [64, 128, 256, 512]
    means = np.array([np.log(group).mean() for group in groups.values()])
    slope = np.polyfit(np.log(list(groups)), means - factors, 1)[0]
    assert row["paired_exponent"] == pytest.approx(slope)


def test_an_exponent_that_does_not_tell_gives_no_limit() -> None:
    row = extrapolated(*measured(-0.28)).iloc[-1]
    assert row["ci_low"] < FALLING < row["ci_high"]
    assert np.isnan([row["limit"], row["limit_low"], row["limit_high"]]).all()


def test_what_is_under_resolution_is_counted_and_left_out() -> None:
    row = extrapolated(*measured(0.0, lost=[256, 512])).iloc[-1]
    assert (row["unresolved"], row["unresolved_from"], row["largest_width"]) == (24, 256, 128)
    assert math.isnan(row["limit"])  # three widths are too few
    everything = extrapolated(*measured(0.0, lost=WIDTHS))
    assert everything["widths"].tolist() == [0, 0]
    (found,) = findings(everything)
    assert found.verdict == "refuted"
    assert "at every width" in found.evidence


def test_where_no_width_takes_part_the_table_is_empty_and_drawn() -> None:
    metrics, spectra = measured(0.0, seeds=2)
    narrow = metrics["width"] == 8
    table = extrapolated(metrics[narrow], spectra)
    assert len(table) == 0
    assert findings(table) == []
    assert len(figure.draw(table).axes) == 1


def test_the_nearer_of_the_two_spectra_corrects() -> None:
    """In the logarithm of the step: at step 10 of 200 that is the first, at 50 the last."""
    metrics, spectra = measured(0.0)
    at_ten = metrics[metrics["step"] == 10]
    later = [at_ten.assign(step=step) for step in (10, 50, 200)]
    metrics = pd.concat([metrics[metrics["step"] == 0], *later])
    apart = spectra["index"] * 40.0 + 1
    late = spectra.assign(step=200, eigenvalue=spectra["eigenvalue"] * apart)
    table = extrapolated(metrics, pd.concat([spectra[spectra["step"] == 0], late]))
    limits = dict(zip(table["step"], table["limit"], strict=True))
    assert limits[10] == limits[0]
    assert limits[50] == limits[200] != pytest.approx(limits[0], rel=1e-3)


def row(**changes: object) -> dict[str, object]:
    """A row of independence.csv with a limit above zero."""
    start: dict[str, object] = {
        "training": "experiment", "activation": "tanh", "samples": 8, "scheme": "µP", "step": 9,
        "layer": 2, "kind": "h",
    }  # fmt: skip
    fitted = Extrapolated(
        limit=0.03, limit_low=0.02, limit_high=0.04, exponent=0.0, ci_low=-0.1, ci_high=0.1,
        ratio_exponent=0.0, ratio_low=-0.1, ratio_high=0.1, widths=5, largest_width=512.0,
        value=0.025, resolution=1e-13, unresolved=0, unresolved_from=math.nan,
        smallest_seen=0.01, feature_change=0.8, detectable=0.1,
        paired_exponent=math.nan, paired_low=math.nan, paired_high=math.nan,
    )  # fmt: skip
    return {**start, **vars(fitted), **changes}


FELL = {
    "limit": 0.0, "limit_low": 0.0, "limit_high": 0.0, "exponent": -1.0, "ci_low": -1.2,
    "ci_high": -0.8,
}  # fmt: skip
NO_LIMIT = {"limit": math.nan, "limit_low": math.nan, "limit_high": math.nan}
UNKNOWN = {"ci_low": math.nan, "ci_high": math.nan, "detectable": math.nan, **NO_LIMIT}
NEVER = {"widths": 0, "unresolved": 15, **UNKNOWN}


@pytest.mark.parametrize(
    ("planted", "verdict"),
    [
        ({}, "verified"),
        (FELL, "refuted"),
        ({"ci_low": -0.3, **NO_LIMIT}, "undetermined"),
        ({"ci_low": -0.3}, "undetermined"),
        ({"ci_low": -0.11}, "undetermined"),
        # Clearly a fall, but a slow one.
        ({"exponent": -0.2, "ci_low": -0.22, "ci_high": -0.18}, "undetermined"),
        # So wide that a fall as n^-0.25 might have been missed.
        ({"detectable": 0.26}, "undetermined"),
        ({"limit_low": 1e-14}, "undetermined"),
        ({"unresolved": 1}, "undetermined"),
        ({**NEVER, "smallest_seen": math.nan}, "refuted"),
        # Some seeds under resolution at every width.
        (NEVER, "undetermined"),
        ({"widths": 3, "ci_low": math.nan, **NO_LIMIT}, "undetermined"),
    ],
)
@pytest.mark.parametrize("scheme", ["µP", "SP", "mine"])
@pytest.mark.parametrize("place", [{"layer": 1}, {"kind": "x"}, {"step": 0}])
def test_one_limit_at_zero_in_any_layer_kind_or_step_turns_the_verdict(
    place: dict[str, object], scheme: str, planted: dict[str, object], verdict: str
) -> None:
    rows = [row(scheme=scheme), row(scheme=scheme, **place, **planted)]
    (found,) = findings(pd.DataFrame(rows))
    assert found.verdict == verdict
    assert found.source == {"µP": "Theorem 4.5", "SP": "Table 1", "mine": "here"}[scheme]
    if verdict == "refuted":
        assert "1 of 2 cases" in found.evidence


def test_evidence_names_the_lowest_exponent_and_the_least_limit() -> None:
    rows = [
        row(limit=0.01, limit_low=0.009, limit_high=0.011, layer=1, step=3),
        row(exponent=-0.1, ci_low=-0.2, ci_high=0.0, kind="x"),
        row(feature_change=1.5),
    ]
    evidence = findings(pd.DataFrame(rows))[0].evidence
    assert "changed by 1.50 of itself" in evidence
    assert "−0.10 [−0.20, 0.00] (layer 2, x, step 9)" in evidence
    assert "0.0100 [0.0090, 0.0110] (layer 1, h, step 3)" in evidence
    wide = [row(ci_low=-0.4, ci_high=0.4, unresolved=2, **NO_LIMIT)]
    evidence = findings(pd.DataFrame(wide))[0].evidence
    assert "[−0.40, 0.40]" in evidence
    assert "limit" not in evidence
    assert "2 values are under resolution" in evidence
    few = [row(widths=3, exponent=math.nan, **UNKNOWN)]
    assert "too few widths to extrapolate from (3)" in findings(pd.DataFrame(few))[0].evidence


def test_every_training_and_activation_has_its_own_verdict() -> None:
    rows = [
        row(),
        row(training="activation", activation="tanh", **FELL),
        row(training="activation", activation="silu"),
    ]
    assert [finding.verdict for finding in findings(pd.DataFrame(rows))] == [
        "verified",
        "refuted",
        "verified",
    ]


@pytest.mark.parametrize(
    ("last", "verdict"),
    [
        (FELL, "verified"),
        ({}, "refuted"),
        ({"ci_low": -0.5, "ci_high": 0.1}, "undetermined"),
        ({**NEVER, "smallest_seen": math.nan}, "verified"),
    ],
)
def test_ip_is_judged_by_the_end_of_its_last_layer(last: dict[str, object], verdict: str) -> None:
    rows = [row(scheme="IP", step=0), row(scheme="IP", layer=1), row(scheme="IP", **last)]
    (found,) = findings(pd.DataFrame(rows))
    assert found.verdict == verdict


def test_ips_evidence_tells_shrinking_collapse_and_resolution() -> None:
    collapse = {"ratio_exponent": -1.5, "ratio_low": -1.6, "ratio_high": -1.4}
    lost = {"unresolved": 3, "unresolved_from": 512.0}
    rows = [
        row(scheme="IP", step=0, **FELL),
        row(scheme="IP", step=4, **FELL, **collapse),
        row(scheme="IP", step=9, **FELL, **collapse, **lost),
    ]
    evidence = findings(pd.DataFrame(rows))[0].evidence
    assert "−1.00 [−1.20, −0.80] at step 0" in evidence
    assert "from step 4 on (b = −1.50 [−1.60, −1.40])" in evidence
    assert "under its resolution from step 9 on at n ≥ 512" in evidence
    (kept,) = findings(pd.DataFrame(rows[:1]))
    assert "it is not seen to fall; it stays above its resolution" in kept.evidence


def test_a_repeated_input_leaves_no_independent_features() -> None:
    """Assumption 4.1 violated, through training, reduction and fit."""
    how = recipe(steps=3, snapshots=3)
    widths, seeds = [16, 32, 64, 128], 3
    verdicts = []
    for repeated in ([], [(1, 0)]):
        data = dataset(samples=4, repeated=repeated)
        metrics, spectra = train_activation(data, widths, seeds, how, "tanh")
        table = independence_table(
            metrics,
            spectra,
            training="activation",
            activation="tanh",
            samples=4,
            fit_width_ratio=2,
        )
        verdicts.append(findings(table)[0].verdict)
        assert (table["unresolved"] > 0).all() == bool(repeated)
    assert verdicts[0] != "refuted"
    assert verdicts[1] == "refuted"


def test_limits_are_drawn_and_where_there_is_none_the_value() -> None:
    table = pd.DataFrame(
        [
            row(step=step, kind=kind, scheme=scheme, training=training, **planted)
            for training in ("experiment", "activation")
            for kind in ("h", "x")
            for scheme, planted in (("µP", {}), ("IP", {**FELL, "value": 1e-9}))
            for step in (0, 3, 9)
        ]
    )
    drawn = figure.draw(table)
    assert len(drawn.axes) == 2
    heights = [np.unique(np.asarray(line.get_ydata(), dtype=float)) for line in drawn.axes[0].lines]
    seen = {float(value) for part in heights for value in part if np.isfinite(value)}
    assert seen == {0.03, 1e-9}
    assert "tanh, $N=8$, layer 2" in drawn.axes[0].get_title()
