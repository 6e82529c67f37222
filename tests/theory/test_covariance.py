"""Covariance preservation: its error by loops, and verdicts that turn when the lemma is broken."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from builders import dataset, recipe
from matplotlib.figure import Figure
from torch import Tensor

from infwidth.network.layers.directions import Basis
from infwidth.network.layers.initial import KnownWeights
from infwidth.schemes import SCHEMES
from infwidth.theory.covariance import draw as figure
from infwidth.theory.covariance.judge import MOMENTS, findings, moment_errors
from infwidth.theory.covariance.measure import (
    COLUMNS,
    covariance_error,
    covariance_table,
    sampling_error,
)
from infwidth.theory.finding import conjunction
from infwidth.theory.innovations.matrix import ObservedWeights
from infwidth.theory.innovations.products import SplitProduct
from infwidth.theory.innovations.training import Observation, observe

WIDTHS = (64, 128, 256, 512)
SEEDS = range(3)
DATA = dataset(5, 24, 1)
HOW = recipe(steps=8, snapshots=4, learning_rate=1.0)


def train_all(scheme: str) -> list[Observation]:
    return [observe(DATA, SCHEMES[scheme], width, seed, HOW) for width in WIDTHS for seed in SEEDS]


@cache
def trainings(scheme: str) -> list[Observation]:
    return train_all(scheme)


def verdicts(table: pd.DataFrame) -> list[str]:
    """Lemma and contrast forward, lemma and contrast backward."""
    return [finding.verdict for finding in findings(table)]


def test_error_is_that_of_loops_over_pairs_of_inputs() -> None:
    rng = np.random.default_rng(0)
    early, late = (SplitProduct(*rng.standard_normal((4, 3, 17))) for _ in range(2))
    std = 0.3
    square, sizes = 0.0, np.zeros(2)
    for i in range(3):
        for j in range(3):
            sample = (
                sum(early.gaussian[i, unit] * late.unbiased[j, unit] for unit in range(17)) / 17
            )
            expected = std**2 * sum(early.vectors[i] * late.vectors[j])
            square += (sample - expected) ** 2
            for place, product in enumerate((early, late)):
                sizes[place] += (std**2 * sum(product.vectors[i] * product.vectors[j])) ** 2
    slow = np.sqrt(square / np.sqrt(sizes[0] * sizes[1]))
    fast = covariance_error(early, late, early.gaussian, late.unbiased, std)
    assert fast == pytest.approx(slow, rel=1e-12)


def test_error_of_vectors_that_know_nothing_of_the_matrix_is_that_of_a_gaussian_sample() -> None:
    """Of one matrix, drawn anew each time; within 4 standard errors (error rate 6e-5)."""
    rng = np.random.default_rng(1)
    size, std = 200, 0.1
    first, second = rng.standard_normal((2, 4, size))
    second[:2] += first[:2]
    squares, predicted = [], 0.0
    for _ in range(300):
        weights = std * rng.standard_normal((size, size))
        early, late = (SplitProduct(v, *[v @ weights.T] * 3) for v in (first, second))
        squares.append(covariance_error(early, late, early.whole, late.whole, std) ** 2)
        predicted = sampling_error(early, late) ** 2
    mean, spread = np.mean(squares), np.std(squares) / np.sqrt(len(squares))
    assert abs(mean - predicted) < 4 * spread
    assert spread < 0.1 * predicted


def test_table_has_every_pair_of_steps() -> None:
    seen = trainings("µP")[:2]
    table = covariance_table("µP", seen)
    assert tuple(table.columns) == COLUMNS
    assert len(seen[0].close_steps) == 4
    # Trainings, layers, directions, pairs.
    assert len(table) == 2 * 2 * 2 * 10
    assert not table.duplicated(list(COLUMNS[:-3])).any()
    row = table[(table["early_step"] == 1) & (table["late_step"] == 8)].iloc[-1]
    early, late = seen[1].snapshots[1, 3].backward, seen[1].snapshots[8, 3].backward
    std = seen[1].stds[3]
    assert row["direction"] == "backward"
    assert row["error"] == covariance_error(early, late, early.unbiased, late.unbiased, std)
    assert row["error_whole"] == covariance_error(early, late, early.whole, late.whole, std)
    assert row["sampling_error"] == sampling_error(early, late)


@pytest.mark.parametrize("scheme", ["NTP", "µP"])
def test_the_lemma_holds_of_the_gaussian_part_and_not_of_the_whole(scheme: str) -> None:
    table = covariance_table(scheme, trainings(scheme))
    lemma, contrast, backward, _ = verdicts(table)
    assert (lemma, contrast, backward) == ("verified", "verified", "verified")
    # At initialisation W_0 was never looked at backward: the whole is the Gaussian part.
    start = table[(table["late_step"] == 0) & (table["direction"] == "forward")]
    np.testing.assert_allclose(start["error"], start["error_whole"], rtol=1e-6)


def unprojected(self: ObservedWeights, rows: Tensor, known: Basis) -> Tensor:
    """The wrong news, W_0 q_k: nothing is taken off them."""
    self.forward_news.append(rows @ self.matrix.T)
    self.known_backward += [0] * len(rows)
    return KnownWeights.forward(self, rows, known)


def test_news_that_are_not_projected_turn_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ObservedWeights, "forward", unprojected)
    lemma, _, backward, _ = verdicts(covariance_table("µP", train_all("µP")))
    assert (lemma, backward) == ("refuted", "verified")


@pytest.mark.parametrize("power", [-1, -0.5, 0.5, 1])
def test_a_variance_off_by_a_power_of_the_width_turns_the_verdict(power: float) -> None:
    wrong = [
        replace(
            seen,
            stds={layer: std * seen.width ** (power / 2) for layer, std in seen.stds.items()},
        )
        for seen in trainings("µP")
    ]
    lemma, _, backward, _ = verdicts(covariance_table("µP", wrong))
    assert (lemma, backward) == ("refuted", "refuted")


def test_a_variance_off_by_a_factor_turns_the_verdict() -> None:
    wrong = [
        replace(seen, stds={layer: 1.5 * std for layer, std in seen.stds.items()})
        for seen in trainings("µP")
    ]
    assert verdicts(covariance_table("µP", wrong))[0] == "refuted"


def errors(
    powers: dict[str, float],
    whole: float = 0.0,
    level: float = 1.0,
    scheme: str = "mine",
    scatter: float = 0.05,
) -> pd.DataFrame:
    """A table whose errors are powers of n by moment; `level`: their ratio to a sample's.

    Three seeds scatter about the power law; their geometric mean is on it.
    """
    largest = max(WIDTHS)
    rows = []
    for width in WIDTHS:
        for seed in range(3):
            for direction in ("forward", "backward"):
                pairs = {(0, 0): MOMENTS[0], (9, 9): MOMENTS[1], (0, 9): MOMENTS[2]}
                for (early, late), moment in pairs.items():
                    scale = np.exp(scatter * (seed - 1)) * largest**-0.5
                    parts = (
                        scale * level * (width / largest) ** powers[moment],
                        scale * 10 ** (whole == 0) * (width / largest) ** whole,
                        width**-0.5,
                    )
                    rows.append((scheme, width, seed, 2, direction, early, late, *parts))
    return pd.DataFrame(rows, columns=list(COLUMNS))


GOOD = dict.fromkeys(MOMENTS, -0.5)


@pytest.mark.parametrize("moment", MOMENTS)
def test_every_moment_decides(moment: str) -> None:
    assert verdicts(errors(GOOD)) == ["verified"] * 4
    assert verdicts(errors(GOOD | {moment: 0.0}))[::2] == ["refuted"] * 2
    assert verdicts(errors(GOOD | {moment: -0.25}))[::2] == ["verified"] * 2
    assert verdicts(errors(GOOD | {moment: -0.01}, scatter=0.5))[::2] == ["undetermined"] * 2


def test_errors_that_fall_but_are_not_those_of_a_sample_fail() -> None:
    assert verdicts(errors(GOOD, level=1.7))[::2] == ["verified"] * 2
    assert verdicts(errors(GOOD, level=2.0))[::2] == ["undetermined"] * 2
    assert verdicts(errors(GOOD, level=2.3))[::2] == ["refuted"] * 2


def test_the_whole_decides_on_the_onsager_part() -> None:
    for scheme in ("µP", "IP", "mine"):
        assert verdicts(errors(GOOD, 0.0, scheme=scheme))[1::2] == ["verified", "verified"]
        assert verdicts(errors(GOOD, -0.5, scheme=scheme))[1::2] == ["refuted", "refuted"]
    for scheme in ("SP", "NTP"):
        assert verdicts(errors(GOOD, 0.0, scheme=scheme))[1::2] == ["verified", "refuted"]
        assert verdicts(errors(GOOD, -0.5, scheme=scheme))[1::2] == ["refuted", "verified"]


def test_a_single_seed_or_two_widths_decide_nothing() -> None:
    table = errors(GOOD)
    assert set(verdicts(table[table["seed"] == 0])) == {"undetermined"}
    wide = table[table["width"] > 200]
    assert set(verdicts(wide)[::2]) == {"undetermined"}


def test_moments_are_root_mean_squares_over_layers_and_pairs() -> None:
    table = pd.DataFrame(
        [
            ("a", 8, 0, 2, "forward", 0, 0, 3.0, 1.0, 1.0),
            ("a", 8, 0, 3, "forward", 0, 0, 4.0, 1.0, 1.0),
            ("a", 8, 0, 3, "forward", 0, 5, 2.0, 1.0, 1.0),
            ("a", 8, 0, 3, "forward", 5, 5, 7.0, 1.0, 1.0),
        ],
        columns=list(COLUMNS),
    )
    values = [float(moment_errors(table, moment)["error"].iloc[0]) for moment in MOMENTS]
    assert values == pytest.approx([np.sqrt(12.5), 7, 2])


def test_conjunction() -> None:
    assert conjunction([True, True]) is True
    assert conjunction([True, False, None]) is False


def test_figure_draws_both_errors() -> None:
    drawn = figure.draw(errors(GOOD))
    assert isinstance(drawn, Figure)
    heights = [np.asarray(line.get_ydata(), dtype=float)[-1] for line in drawn.axes[1].lines]
    # Error, error with the Onsager part, that of a sample.
    sample = 512**-0.5
    assert heights == pytest.approx([sample, 10 * sample, sample], rel=0.1)
    assert len(drawn.axes[0].lines) == 2


def test_figure_of_an_empty_table_says_so() -> None:
    drawn = figure.draw(errors(GOOD).iloc[:0])
    assert all("no measurements" in ax.texts[0].get_text() for ax in drawn.axes)
