"""Generalisation: kernel limits against networks and closed forms, planted tables and verdicts."""

from dataclasses import replace
from typing import Any

import builders
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.theory.coordinates.reference import ENDLESS
from infwidth.theory.gaussian import weight_variances
from infwidth.theory.generalisation import draw as figure
from infwidth.theory.generalisation.choice import at_best, at_common
from infwidth.theory.generalisation.judge import findings
from infwidth.theory.generalisation.kernels import in_angle, limit_kernels, matrix
from infwidth.theory.generalisation.limit import Images, descend, limit_rows, regression
from infwidth.theory.generalisation.matched import matched
from infwidth.theory.generalisation.measure import limit_table, signal_table
from infwidth.theory.generalisation.names import (
    FROM_PROCESS,
    FROM_ZERO,
    LIMITS,
    SIGNAL,
    TANGENT_REGRESSION,
)
from infwidth.theory.generalisation.signal import signal_rows
from infwidth.theory.linearised.measure import effective_rates, tangent_kernel
from infwidth.theory.transfer.names import COLUMNS
from infwidth.training.batches import Batches
from infwidth.training.descent import Descent

Array = NDArray[np.float64]

DATA = builders.dataset(samples=6, test_samples=5)
EVERY = builders.all_inputs(DATA)


def exact(name: str, inputs: Array, how: Recipe) -> Array:
    """Θ at a rate of 1, by the quadrature of every pair."""
    scheme = SCHEMES[name]
    variances = weight_variances(
        scheme, ENDLESS, hidden_layers=how.hidden_layers, init_std=1, reference_width=1
    )
    one = replace(how, learning_rate=1.0)
    rates = effective_rates(scheme, ENDLESS, one)
    return tangent_kernel(inputs @ inputs.T, variances, rates, how.activation)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("name", ["NTP", "SP"])
def test_kernels_in_the_angle_are_those_of_every_pair(activation: str, name: str) -> None:
    how = builders.recipe(activation=activation, hidden_layers=2)
    inputs = np.concatenate([EVERY, -EVERY[:1], EVERY[:1]])
    found = matrix(limit_kernels(SCHEMES[name], how).tangent, inputs[:4], inputs)
    np.testing.assert_allclose(found, exact(name, inputs, how)[:4], rtol=1e-7, atol=1e-7)


def test_a_kernel_with_a_jump_is_refused() -> None:
    with pytest.raises(ValueError, match="polynomial"):
        in_angle(lambda gram: np.sign(gram - 0.3))


def ended(how: Recipe, start: Array, rates: tuple[float, ...] = (0.5,), seed: int = 0) -> Array:
    theta = exact("NTP", EVERY, how)[:6]
    images = Images.of(DATA)
    return descend(theta, torch.from_numpy(start), images, how.loss, rates, seed, how).numpy()


def test_full_batch_has_a_closed_form_for_squared_error() -> None:
    """On trained images f = y + (1 - η Θ / N)^t (f_0 - y); tests add up their signals."""
    how = builders.recipe(steps=5)
    start, theta = np.random.default_rng(0).standard_normal((11, 3)), exact("NTP", EVERY, how)
    y = np.eye(3)[DATA.train_labels]
    for rate, found in zip((0.5, 0.25), ended(how, start, (0.5, 0.25)), strict=True):
        one = np.eye(6) - rate * theta[:6, :6] / 6
        errors = [np.linalg.matrix_power(one, step) @ (start[:6] - y) for step in range(6)]
        np.testing.assert_allclose(found[:6], y + errors[5], rtol=1e-10)
        tests = start[6:] - rate * theta[6:, :6] @ sum(errors[:5]) / 6
        np.testing.assert_allclose(found[6:], tests, rtol=1e-10)


def test_batches_are_those_of_the_trainings() -> None:
    how = builders.recipe(steps=4, batch_size=4, loss="cross_entropy")
    theta, y = exact("NTP", EVERY, how), np.eye(3)[DATA.train_labels]
    outputs, batches = np.zeros((11, 3)), Batches([7], 6, 4)
    for _ in range(4):
        told = np.exp(outputs[:6]) / np.exp(outputs[:6]).sum(axis=1, keepdims=True)
        outputs = outputs - 0.5 * theta[:, :6] @ (next(batches)[0].numpy()[:, None] * (told - y))
    np.testing.assert_allclose(ended(how, np.zeros((11, 3)), seed=7)[0], outputs, rtol=1e-10)


@pytest.mark.parametrize("name", ["NTP", "SP"])
def test_wide_networks_go_to_their_limit(name: str) -> None:
    """From their own outputs, on the same batches; a quarter of the distance at 16 times n."""
    how = builders.recipe(steps=8, batch_size=3, loss="cross_entropy")
    theta, apart = exact(name, EVERY, how)[:6], {}
    for width in (64, 1024):
        network = initial_network(DATA, SCHEMES[name], width, [0, 1], how, builders.CPU)
        starts = torch.cat([network.outputs, network.test_outputs()], dim=1)
        rates = learning_rates(SCHEMES[name], width, how)
        descent = Descent(network, DATA, rates, [0, 1], how.loss, how.batch_size)
        for _ in range(how.steps):
            descent.advance()
        outputs = torch.cat([network.outputs, network.test_outputs()], dim=1)
        apart[width] = [
            float((outputs[seed] - descend(*args, how.loss, (0.5,), seed, how)[0]).norm())
            for seed in (0, 1)
            for args in [(theta, starts[seed], Images.of(DATA))]
        ]
    assert np.mean(apart[1024]) < 0.4 * np.mean(apart[64])
    assert np.mean(apart[1024]) < 0.1


def test_regression_is_where_descent_ends() -> None:
    how = builders.recipe(steps=5_000, hidden_layers=1)
    theta = exact("NTP", EVERY, how)[:6]
    found = regression(theta, Images.of(DATA)).numpy()
    np.testing.assert_allclose(found, ended(how, np.zeros((11, 3)), (2.0,))[0], atol=1e-5)


def test_rows_of_a_limit() -> None:
    how = builders.recipe(steps=3, hidden_layers=1)
    rates = {"mse": (1e-9, 0.5, 1e9)}
    rows = pd.DataFrame(limit_rows("NTP", SCHEMES["NTP"], DATA, how, rates, range(300)))
    of_process = rows[rows["kind"] == FROM_PROCESS]
    assert of_process.loc[of_process["learning_rate"] == 1e9, "test_accuracy"].isna().all()
    # Untrained, E ½|f - y|² = ½ (classes k(ξ, ξ) + 1).
    kernel = matrix(limit_kernels(SCHEMES["NTP"], how).outputs, EVERY[:1], EVERY[:1])
    drawn = of_process.loc[of_process["learning_rate"] == 1e-9, "test_loss"]
    assert drawn.mean() == pytest.approx((3 * float(kernel[0, 0]) + 1) / 2, rel=0.1)
    of_zero = rows[(rows["kind"] == FROM_ZERO) & (rows["learning_rate"] == 1e-9)]
    assert of_zero["train_loss"].to_numpy() == pytest.approx(0.5)
    assert list(rows.loc[rows["kind"] == TANGENT_REGRESSION, "train_accuracy"]) == [1.0]


def test_the_ridge_is_that_of_leaving_images_out() -> None:
    """Against ridge regressions that are solved anew without each image."""
    rng = np.random.default_rng(0)
    train, test = rng.standard_normal((12, 4)) * [3, 1, 0.3, 1e-6], rng.standard_normal((9, 4))
    labels, others = rng.integers(3, size=12), rng.integers(3, size=9)
    found = list(signal_rows(train, labels, test, others, 3))[-1]
    mean, targets = train.mean(axis=0), np.eye(3)[labels]
    scale = np.linalg.svd(train - mean)[1] ** 2

    def weights(kept: NDArray[np.bool_], ridge: float) -> Array:
        design, wanted = (train - mean)[kept], targets[kept]
        design = np.column_stack([design, np.ones(len(design))])
        return np.linalg.solve(design.T @ design + np.diag([ridge] * 4 + [0.0]), design.T @ wanted)

    def missed(ridge: float) -> float:
        total = 0.0
        for image in range(12):
            told = np.append(train[image] - mean, 1) @ weights(np.arange(12) != image, ridge)
            total += np.square(told - targets[image]).sum()
        return total

    ridge = min((10.0**power * scale.mean() for power in range(-9, 3)), key=missed)
    told = np.column_stack([test - mean, np.ones(9)]) @ weights(np.ones(12, bool), ridge)
    assert found["accuracy"] == pytest.approx((told.argmax(axis=1) == others).mean())
    assert found["signal"] <= 1
    assert found["variance"] == pytest.approx(1)


@pytest.mark.parametrize("leads", [True, False])
def test_planted_classes_are_found_in_their_directions(leads: bool) -> None:
    """Classes in the two strongest directions, or in two weak ones behind much noise."""
    rng = np.random.default_rng(1)
    labels = rng.integers(3, size=400)
    corners = np.array([[1.0, 0], [-0.5, 0.9], [-0.5, -0.9]])[labels]
    noise = rng.standard_normal((400, 8))
    features = np.hstack([(10 if leads else 0.1) * corners, noise])
    rows = list(signal_rows(features[:200], labels[:200], features[200:], labels[200:], 3))
    by_count = {row["directions"]: row for row in rows}
    assert by_count[10]["accuracy"] > 0.97
    assert (by_count[2]["accuracy"] > 0.97) == leads
    assert (by_count[2]["signal"] > 0.9) == leads


RATES = (0.5, 1.0, 2.0, 4.0)
WIDTHS = (64, 128, 256, 512)
SCHEMES_OF_TABLES = ("SP", "NTP", "IP", "µP")


def planted_transfer(
    power: float = -0.1,
    accuracy: dict[str, float] | None = None,
    retention: float = 1e-4,
    sign: float = 1.0,
) -> pd.DataFrame:
    """Test losses go by a power of n; accuracy is the scheme's, and at one loss it is movement's.

    The best rate is 2, at which all train equally well; that of 4 diverges in one seed.
    """
    rng = np.random.default_rng(2)
    right = {"SP": 0.5, "NTP": 0.5, "IP": 0.61, "µP": 0.6} | (accuracy or {})
    moved = {"SP": 0.1, "NTP": 0.15, "IP": 100.0, "µP": 1.0}
    rows = []
    for scheme in SCHEMES_OF_TABLES:
        for width in WIDTHS:
            for place, rate in enumerate(RATES):
                for seed in range(4):
                    noise = 0.002 * rng.standard_normal()
                    lost = rate == 4.0 and seed == 3
                    gain = sign * (right[scheme] - 0.5)
                    values = (
                        0.4 - 0.1 * place,
                        0.7,
                        0.5 * (width / 64) ** power * np.exp(noise),
                        0.5 + gain + noise,
                        moved[scheme],
                        retention if scheme == "IP" else 0.9,
                    )
                    row = [np.nan] * 6 if lost else values
                    rows.append((scheme, "mse", width, rate, seed, 3 if lost else None, *row, 0.5))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def planted_limit(
    loss: float = 0.4, process: float = 0.5, zero: float = 0.5, regression: float = 0.5
) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows: list[tuple[object, ...]] = []
    for scheme in ("SP", "NTP"):
        rows.append((scheme, "mse", TANGENT_REGRESSION, np.nan, np.nan, 0, 1, 0.4, regression))
        for kind, right in ((FROM_PROCESS, process), (FROM_ZERO, zero)):
            for rate in RATES:
                for seed in range(4):
                    noise = 0.002 * rng.standard_normal()
                    values = (0.5 - rate / 10, 0.7, loss + noise, right + noise)
                    rows.append((scheme, "mse", kind, rate, seed, *values))
    return pd.DataFrame(rows, columns=list(LIMITS))


def planted_signal(beyond: float = 0.0, gain: float = 0.1) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    rows: list[tuple[object, ...]] = []
    for scheme in SCHEMES_OF_TABLES:
        for seed in range(4):
            for step in (0, 50):
                learnt = gain if step and scheme in ("IP", "µP") else 0.0
                for count in (1, 9, 512):
                    more = beyond if count == 512 else 0.0
                    right = 0.5 + learnt + more + 0.002 * rng.standard_normal()
                    rows.append((scheme, "mse", 512, 2.0, seed, step, count, 0.9, 0.2, right, 10))
    return pd.DataFrame(rows, columns=list(SIGNAL))


def test_the_best_rate_is_chosen_by_training_loss_where_no_seed_diverged() -> None:
    table = planted_transfer()
    best = at_best(table.assign(test_loss=table["learning_rate"]))
    assert set(best["learning_rate"]) == {2.0}
    assert len(best) == 4 * len(WIDTHS) * 4


def test_of_rates_that_fit_all_the_lowest_is_best() -> None:
    table = planted_transfer()
    fitted = table.assign(train_loss=table["train_loss"].where(table["learning_rate"] < 1, 0.0))
    assert set(at_best(fitted)["learning_rate"]) == {1.0}
    assert len(findings(fitted, planted_limit(), planted_signal())) == WHOLE


def test_a_common_rate_is_one_that_most_were_trained_at() -> None:
    table = planted_transfer()
    assert set(at_common(table)["learning_rate"]) == {2.0}
    # Without it in one scheme the next best of those that all have is common.
    fewer = table[(table["scheme"] != "IP") | (table["learning_rate"] != 2.0)]
    assert set(at_common(fewer)["learning_rate"]) == {1.0}


def test_schemes_are_matched_at_the_loss_of_the_worst() -> None:
    """Losses fall as 1/η; the better scheme meets the other's least, 0.125, between two rates.

    Accuracies are set to the places of the rates, movements to the rates.
    """
    rows = [
        (scheme, "mse", 64, rate, seed, None, start / rate, 1, 1, place, rate, 1, 1)
        for scheme, start, count in (("NTP", 0.5, 3), ("µP", 0.35, 4))
        for place, rate in enumerate((1.0, 2.0, 4.0, 8.0)[:count], 1)
        for seed in (0, 1)
    ]
    equal = matched(pd.DataFrame(rows, columns=list(COLUMNS)))
    found = equal.groupby("scheme").mean(numeric_only=True)
    assert list(found["feature_change"]) == pytest.approx([4, 2.8])
    assert list(found["test_accuracy"]) == pytest.approx([3, 2 + np.log2(1.4)])
    assert list(found["train_loss"]) == pytest.approx([0.125, 0.125])


def verdicts(*tables: pd.DataFrame) -> list[str]:
    return [finding.verdict for finding in findings(*tables)]


WHOLE = 14


def test_planted_tables_are_told() -> None:
    assert (
        verdicts(planted_transfer(), planted_limit(0.5 * 8**-0.1), planted_signal())
        == ["verified"] * WHOLE
    )


@pytest.mark.parametrize(
    ("place", "expected", "change"),
    [
        (0, "refuted", {"transfer": {"power": 0.0}}),
        (4, "refuted", {"transfer": {"power": 0.05}, "limit": {"loss": 0.2}}),
        (4, "undetermined", {"limit": {"loss": 0.2}}),
        (6, "refuted", {"limit": {"regression": 0.6}}),
        (7, "refuted", {"limit": {"process": 0.6}}),
        (8, "refuted", {"limit": {"zero": 0.7}}),
        (9, "refuted", {"transfer": {"sign": -1.0}}),
        (9, "depends", {"transfer": {"accuracy": {"IP": 0.4}}}),
        (10, "refuted", {"transfer": {"accuracy": {"IP": 0.5}}}),
        (10, "undetermined", {"transfer": {"retention": 0.5}}),
        (10, "verified", {"transfer": {"retention": np.nan}}),
        (11, "refuted", {"signal": {"beyond": 0.1}}),
        (13, "depends", {"signal": {"gain": 0.0}}),
    ],
)
def test_planted_violations_turn_the_verdicts(
    place: int, expected: str, change: dict[str, dict[str, Any]]
) -> None:
    tables = (
        planted_transfer(**change.get("transfer", {})),
        planted_limit(**change.get("limit", {})),
        planted_signal(**change.get("signal", {})),
    )
    found = findings(*tables)[place]
    assert found.verdict == expected
    assert bool(found.depends_on) == (expected == "depends")


def test_networks_are_not_held_against_a_limit_that_diverges() -> None:
    limit = planted_limit(0.5 * 8**-0.1)
    limit.loc[limit["learning_rate"] == 2.0, "train_loss"] = 9.0
    told = findings(planted_transfer(), limit, planted_signal())[4].evidence
    assert "η = 1.0: 2" in told
    assert "η = 2.0: networks or their limit do not learn" in told


def test_without_a_limit_nothing_is_said_of_it() -> None:
    found = findings(planted_transfer(), planted_limit().iloc[:0], planted_signal())
    assert [finding.verdict for finding in found[4:9]] == ["undetermined"] * 5
    assert all("at most" in finding.evidence for finding in found[4:9])


def test_few_of_everything_decide_nothing() -> None:
    tables = planted_transfer(), planted_limit(), planted_signal()
    lone = [table[~(table["seed"] > 0)] for table in tables]
    assert set(verdicts(*lone)) == {"undetermined"}
    assert set(verdicts(*(table.iloc[:0] for table in tables))) == {"undetermined"}


def test_measured_tables_of_a_small_training() -> None:
    data = replace(builders.dataset(samples=40, test_samples=20), probe_inputs=EVERY[:2])
    how = builders.recipe(steps=4, batch_size=10, hidden_layers=1)
    transfer = planted_transfer()
    transfer = transfer[transfer["scheme"].isin(["NTP", "µP"]) & (transfer["width"] == 64)]
    limit = limit_table(data, SCHEMES, transfer, [0, 1], how)
    assert set(limit["scheme"]) == {"NTP"}
    assert set(limit["learning_rate"].dropna()) == set(RATES)
    few = transfer[(transfer["seed"] == 0) & (transfer["learning_rate"] < 4)]
    signal = signal_table(data, SCHEMES, few, how)
    assert set(signal["step"]) == {0, 4}
    assert set(signal["learning_rate"]) == {2.0}
    assert (signal.groupby(["scheme", "step"])["directions"].max() == 39).all()
    assert (signal["accuracy"] <= 1).all()


def test_too_many_images_have_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infwidth.theory.generalisation.measure.MOST_IMAGES", 10)
    found = limit_table(DATA, SCHEMES, planted_transfer(), [0], builders.recipe())
    assert found.empty
    assert list(found) == list(LIMITS)


def test_figures_of_tables_and_of_parts() -> None:
    tables = planted_transfer(), planted_limit(), planted_signal()
    drawn = figure.draw(*tables)
    assert isinstance(drawn, Figure)
    best = at_best(tables[0])
    means = best[best["scheme"] == "µP"].groupby("width")["test_accuracy"].mean()
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in drawn.axes[1].lines]
    assert any(len(line) == 4 and np.allclose(line, means, rtol=1e-4) for line in lines)
    for part in (
        [table.iloc[:0] for table in tables],
        [tables[0], tables[1].iloc[:0], tables[2].iloc[:0]],
        [table[table["scheme"] == "NTP"] for table in tables],
    ):
        assert isinstance(figure.draw(*part), Figure)
