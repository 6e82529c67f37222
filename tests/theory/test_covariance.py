"""The lemma: kernels and their n = ∞ value, errors by loops, and verdicts that turn."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
from builders import dataset, recipe
from matplotlib.figure import Figure
from torch import Tensor

from infwidth.network.layers.directions import Basis, Rows
from infwidth.schemes import SCHEMES
from infwidth.theory.covariance import draw as figure
from infwidth.theory.covariance import kernels as module
from infwidth.theory.covariance.judge import findings
from infwidth.theory.covariance.kernels import (
    FIRST_SEED,
    Kernels,
    Place,
    contrasts,
    drawn_lazily,
    extrapolated,
    observed,
    reference,
    sizes,
)
from infwidth.theory.covariance.laws import KernelLaw, MomentLaw, moment_errors, shift
from infwidth.theory.covariance.measure import (
    COLUMNS,
    KERNEL_COLUMNS,
    covariance_error,
    lemma_tables,
    sampling_error,
)
from infwidth.theory.innovations.matrix import CloseMatrix
from infwidth.theory.innovations.products import SplitProduct
from infwidth.theory.innovations.training import Observation, observe

WIDTHS = (64, 128, 256, 512)
SEEDS = range(6)
DATA = dataset(5, 24, 1)
HOW = recipe(steps=8, snapshots=4, learning_rate=1.0)
PLACE: Place = (2, "forward", 1, 8)


@cache
def trainings(scheme: str) -> list[Observation]:
    return [observe(DATA, SCHEMES[scheme], width, seed, HOW) for width in WIDTHS for seed in SEEDS]


@cache
def others(scheme: str) -> list[Kernels]:
    return reference(DATA, SCHEMES[scheme], max(WIDTHS), 3, HOW)


@cache
def tables(scheme: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    return lemma_tables(scheme, SCHEMES[scheme], trainings(scheme), others(scheme))


def verdicts(found: tuple[pd.DataFrame, pd.DataFrame]) -> dict[str, list[str]]:
    """By direction: kernels and lemma early, kernels and lemma late, the whole."""
    told: dict[str, list[str]] = {"forward": [], "backward": []}
    for finding in findings(*found):
        told["forward" if "forward" in finding.statement else "backward"].append(finding.verdict)
    return told


def test_error_is_that_of_loops_over_pairs_of_inputs() -> None:
    rng = np.random.default_rng(0)
    early, late = (SplitProduct(*rng.standard_normal((4, 3, 17))) for _ in range(2))
    std = 0.3
    square, sized = 0.0, np.zeros(2)
    for i, j in product(range(3), repeat=2):
        sample = sum(early.gaussian[i, unit] * late.unbiased[j, unit] for unit in range(17)) / 17
        expected = std**2 * sum(early.vectors[i] * late.vectors[j])
        square += (sample - expected) ** 2
        for place, each in enumerate((early, late)):
            sized[place] += (std**2 * sum(each.vectors[i] * each.vectors[j])) ** 2
    slow = np.sqrt(square / np.sqrt(sized[0] * sized[1]))
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


def test_tables_have_every_pair_of_steps() -> None:
    errors, kernels = tables("µP")
    assert tuple(errors.columns) == COLUMNS
    assert tuple(kernels.columns) == KERNEL_COLUMNS
    # Trainings, layers, directions, pairs.
    assert len(errors) == len(WIDTHS) * len(SEEDS) * 2 * 2 * 10
    assert len(kernels) == len(errors) + 2 * 3 * 2 * 2 * 10
    assert not errors.duplicated([*COLUMNS[:7]]).any()
    assert not kernels.duplicated([*KERNEL_COLUMNS[:8]]).any()
    assert set(kernels.loc[kernels["lazy"], "seed"]) == {FIRST_SEED + seed for seed in range(3)}


def test_errors_and_kernels_by_hand() -> None:
    errors, kernels = tables("µP")
    seen = next(each for each in trainings("µP") if (each.width, each.seed) == (128, 1))
    early, late = (seen.snapshots[step, 2].forward for step in (1, 8))
    row, own = (
        table[
            (table["width"] == 128) & (table["seed"] == 1) & (table["layer"] == 2)
            & (table["direction"] == "forward") & (table["early_step"] == 1)
            & (table["late_step"] == 8)
        ].iloc[0]
        for table in (errors, kernels)
    )  # fmt: skip
    limits = {}
    for steps in ((1, 8), (1, 1), (8, 8)):
        place: Place = (2, "forward", *steps)
        narrow, wide = (
            np.mean([each.values[place] for each in others("µP") if each.width == width], axis=0)
            for width in (512, 2048)
        )
        limits[steps] = (2048 * wide - 512 * narrow) / (2048 - 512)
    size = np.sqrt(np.linalg.norm(limits[1, 1]) * np.linalg.norm(limits[8, 8]))
    # µP's weights have a variance of 1/n: sample covariances are kernels.
    sample = early.unbiased @ late.unbiased.T / 128
    kernel = early.vectors @ late.vectors.T / 128
    assert row["limit_error"] == pytest.approx(np.linalg.norm(sample - limits[1, 8]) / size)
    assert row["error"] == covariance_error(early, late, early.unbiased, late.unbiased, 128**-0.5)
    assert own["size"] == pytest.approx(np.linalg.norm(kernel))
    along = ((kernel - limits[1, 8]) * limits[1, 8]).sum() / np.linalg.norm(limits[1, 8])
    assert own["offset"] == pytest.approx(along / size)
    first, second = row["expected_error"] ** 2, row["sampling_error"] ** 2
    assert first > second + row["reference_error"] ** 2


def test_extrapolation_is_exact_of_what_is_linear_in_1_over_n() -> None:
    rng = np.random.default_rng(2)
    limit, slope = rng.standard_normal((2, 3, 3))
    noise = rng.standard_normal((2, 2, 3, 3))
    noise -= noise.mean(axis=1, keepdims=True)
    made = [
        Kernels(width, seed, True, {PLACE: limit + slope / width + noise[place, seed]})
        for place, width in enumerate((10, 40))
        for seed in range(2)
    ]
    found = extrapolated(made)[PLACE]
    np.testing.assert_allclose(found.value, limit, rtol=1e-12)
    # Weights -1/3 and 4/3 of means of two.
    variances = noise.var(axis=1, ddof=1).sum(axis=(1, 2))
    assert found.error == pytest.approx(np.sqrt((variances[0] + 16 * variances[1]) / 18))


def test_contrasts_have_the_variance_as_their_mean_square() -> None:
    values = np.random.default_rng(3).standard_normal((4000, 3, 2, 2))
    squares = np.array([contrasts(each)[1:] ** 2 for each in values])
    assert np.isnan(contrasts(values[0])[0])
    np.testing.assert_allclose(squares.mean(axis=0), 4, rtol=0.1)
    assert abs(np.corrcoef(squares.T)[0, 1]) < 0.07
    assert contrasts(values[0])[1:] ** 2 @ [1, 1] == pytest.approx(
        2 * values[0].var(axis=0, ddof=1).sum()
    )


def test_lazy_networks_have_the_law_of_dense_ones() -> None:
    """Means of both over seeds, within 4 standard errors (error rate 6e-5 for each of 40)."""
    seeds, width = 16, 48
    apart = range(FIRST_SEED, FIRST_SEED + seeds)
    dense = [observed(observe(DATA, SCHEMES["µP"], width, seed, HOW)) for seed in range(seeds)]
    lazy = [drawn_lazily(DATA, SCHEMES["µP"], width, seed, HOW) for seed in apart]
    assert dense[0].values.keys() == lazy[0].values.keys()
    for place in dense[0].values:
        traces = [
            [float(np.trace(each.values[place])) for each in each_of] for each_of in (dense, lazy)
        ]
        spread = np.sqrt(sum(np.var(each, ddof=1) / seeds for each in traces))
        assert abs(np.mean(traces[0]) - np.mean(traces[1])) < 4 * spread, place


def test_kernels_of_other_schemes_are_compared_in_shape() -> None:
    group = [each for each in others("NTP") if each.width == 512]
    size = sizes(group, SCHEMES["NTP"])
    by_hand = np.mean([np.linalg.norm(each.values[2, "forward", 8, 8]) for each in group])
    assert size[2, "forward", 8] == pytest.approx(np.sqrt(by_hand))
    assert set(sizes(group, SCHEMES["µP"]).values()) == {1.0}


def test_the_lemma_holds_under_mup_and_needs_the_gaussian_part() -> None:
    told = verdicts(tables("µP"))
    assert "refuted" not in told["forward"]
    assert told["forward"].count("verified") >= 4
    assert told["forward"][-1] == "verified"
    assert "refuted" not in told["backward"][:4]


def test_kernels_of_training_stay_random_under_ntp() -> None:
    for answers in verdicts(tables("NTP")).values():
        assert answers[0] in ("verified", "undetermined")
    law = KernelLaw.of(rows(tables("NTP")[1], "backward"), "at the last step")
    assert law.averages is False
    error = MomentLaw.of(rows(tables("NTP")[0], "backward"), "at the last step").error
    assert error.vanishes is False


def rows(table: pd.DataFrame, direction: str) -> pd.DataFrame:
    return table[table["direction"] == direction]


class Untied(CloseMatrix):
    """A backward pass with a matrix of its own: what one pass shows says nothing of the other."""

    def _extend_forward(self, directions: Tensor) -> Tensor:
        known = self.backward_basis, self.backward_images
        self.backward_basis, self.backward_images = empty(*known)
        added = super()._extend_forward(directions)
        self.backward_basis, self.backward_images = known
        return added

    def _extend_backward(self, directions: Tensor) -> Tensor:
        known = self.forward_basis, self.forward_images
        self.forward_basis, self.forward_images = empty(*known)
        added = super()._extend_backward(directions)
        self.forward_basis, self.forward_images = known
        return added


def empty(basis: Basis, images: Rows) -> tuple[Basis, Rows]:
    return Basis(basis.all.shape[1], basis.all), Rows(images.all.shape[1], images.all)


def test_a_matrix_and_its_transpose_drawn_apart_turn_the_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CloseMatrix", Untied)
    apart = reference(DATA, SCHEMES["µP"], max(WIDTHS), 3, HOW)
    told = verdicts(lemma_tables("µP", SCHEMES["µP"], trainings("µP"), apart))
    assert told["backward"][2:4] == ["refuted", "refuted"]


@pytest.mark.parametrize("other", ["SP", "NTP", "IP"])
def test_a_reference_from_another_scheme_turns_the_verdict(other: str) -> None:
    told = verdicts(lemma_tables("µP", SCHEMES["µP"], trainings("µP"), others(other)))
    assert "refuted" in (told["forward"][1], told["forward"][3])
    assert "refuted" in (told["backward"][1], told["backward"][3])


def test_kernels_that_do_not_average_out_turn_the_verdict() -> None:
    """Their variance falls as n^-1/2: each network has a size of its own."""
    rng = np.random.default_rng(5)

    def sized(seen: Observation) -> Observation:
        factor = np.exp(0.8 * seen.width**-0.25 * rng.standard_normal())
        snapshots = {
            place: replace(
                snapshot,
                forward=scaled(snapshot.forward, factor),
                backward=scaled(snapshot.backward, factor),
            )
            for place, snapshot in seen.snapshots.items()
        }
        return replace(seen, snapshots=snapshots)

    def scaled(part: SplitProduct, factor: float) -> SplitProduct:
        return SplitProduct(
            *(factor * each for each in (part.vectors, part.gaussian, part.unbiased, part.whole))
        )

    changed = [sized(seen) for seen in trainings("µP")]
    told = verdicts(lemma_tables("µP", SCHEMES["µP"], changed, others("µP")))
    assert "verified" not in (told["forward"][0], told["backward"][0])


def kernel_rows(
    variance: Callable[[int], float],
    offset: Callable[[int], float] = lambda width: 0.3 * 64 / width,
    widths: Sequence[int] = WIDTHS,
) -> pd.DataFrame:
    """Rows of one place, at the last step, whose contrasts have a variance and means an offset."""
    rng = np.random.default_rng(6)
    made = []
    for width, lazy in [*((width, False) for width in widths), (512, True), (2048, True)]:
        for seed in range(8):
            deviation = np.sqrt(variance(width)) * rng.standard_normal()
            mean = 0.0 if lazy else offset(width)
            contrast = np.sqrt(variance(width) * rng.chisquare(20) / 20)
            made.append(
                ("µP", width, seed, 2, "forward", 8, 8, lazy, 1.0, contrast, mean + deviation)
            )
    return pd.DataFrame(made, columns=list(KERNEL_COLUMNS))


@pytest.mark.parametrize(
    ("power", "averages"), [(-1.0, True), (-0.5, None), (-0.25, False), (0.0, False)]
)
def test_the_power_of_the_variance_decides(power: float, averages: bool | None) -> None:
    law = KernelLaw.of(kernel_rows(lambda width: width**power), "at the last step")
    assert law.variance.low < power < law.variance.high
    assert law.averages is averages or (averages is None and law.averages is False)


def test_a_mean_that_tends_elsewhere_or_too_slowly_is_seen() -> None:
    def small(width: int) -> float:
        return 0.01 / width

    assert KernelLaw.of(kernel_rows(small), "at the last step").meets is True
    elsewhere = kernel_rows(small, lambda width: 0.05 + 0.3 * 64 / width)
    assert KernelLaw.of(elsewhere, "at the last step").meets is False
    slowly = kernel_rows(small, lambda width: 0.3 * (64 / width) ** 0.5)
    assert KernelLaw.of(slowly, "at the last step").meets is False
    scattered = kernel_rows(lambda width: 400 / width)
    assert KernelLaw.of(scattered, "at the last step").meets is None


def test_the_mean_is_missed_at_the_stated_rate() -> None:
    """By no more than 3 of 300 draws at an error rate of 1e-3 (Poisson: 3e-4)."""
    rng = np.random.default_rng(7)
    missed = 0
    for _ in range(300):
        made = [
            (width, lazy, rng.standard_normal() / np.sqrt(width))
            for width, lazy in [*((width, False) for width in WIDTHS), (512, True), (2048, True)]
            for _ in range(3)
        ]
        table = pd.DataFrame(made, columns=["width", "lazy", "offset"])
        # Offsets are from what the lazy networks extrapolate to.
        narrow, wide = table[table["lazy"]].groupby("width")["offset"].mean()
        table["offset"] -= (4 * wide - narrow) / 3
        estimate, _ = shift(table)
        missed += not estimate.low <= 0 <= estimate.high
    assert missed <= 3


def test_a_single_seed_or_two_widths_decide_nothing() -> None:
    errors, kernels = tables("µP")
    alone = [table[table["seed"].isin([0, FIRST_SEED])] for table in (errors, kernels)]
    assert {answer for each in verdicts((alone[0], alone[1])).values() for answer in each} == {
        "undetermined"
    }
    wide = [table[table["width"] > 200] for table in (errors, kernels)]
    assert "verified" not in {verdicts((wide[0], wide[1]))["forward"][place] for place in (1, 3)}


def test_moments_are_root_mean_squares_over_layers_and_pairs() -> None:
    blank = dict.fromkeys(COLUMNS[7:], 1.0)
    table = pd.DataFrame(
        [
            dict(zip(COLUMNS, ("a", 8, 0, layer, "forward", *steps), strict=False))
            | blank
            | {"limit_error": error}
            for layer, steps, error in (
                (2, (0, 0), 3.0), (3, (0, 0), 4.0), (3, (0, 5), 2.0), (3, (5, 9), 7.0),
            )
        ]
    )  # fmt: skip
    moments = ("at initialisation", "early in training", "at the last step")
    values = [float(moment_errors(table, each)["limit_error"].iloc[0]) for each in moments]
    assert values == pytest.approx([np.sqrt(12.5), 2, 7])


def test_figure_draws_errors_and_variances() -> None:
    drawn = figure.draw(*tables("µP"))
    assert isinstance(drawn, Figure)
    assert len(drawn.axes) == 4
    # Three moments, the whole at the last step, a line at 1.
    assert [len(ax.lines) for ax in drawn.axes] == [5, 5, 3, 3]
    late = moment_errors(rows(tables("µP")[0], "forward"), "at the last step")
    widest = late[late["width"] == 512]
    mean = np.exp(np.log(widest["limit_error"] / widest["sampling_error"]).mean())
    assert np.asarray(drawn.axes[0].lines[2].get_ydata(), dtype=float)[-1] == pytest.approx(mean)


def test_figure_of_empty_tables_says_so() -> None:
    drawn = figure.draw(*(table.iloc[:0] for table in tables("µP")))
    assert all("no measurements" in ax.texts[0].get_text() for ax in drawn.axes)
