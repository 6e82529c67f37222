import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from infwidth.experiment import FEWEST_WIDTHS, FEWEST_WIDTHS_CORRECTED
from infwidth.measures.finite_width import log_factors
from infwidth.measures.power_law import Logarithms, fit, fit_power_law, geometric_mean

Array = NDArray[np.float64]
WIDTHS = [64, 128, 256, 512, 1024]


def power_law(exponent: float, noise: float, seeds: int = 5, seed: int = 0) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [3.0 * n**exponent * np.exp(noise * rng.standard_normal(seeds)) for n in WIDTHS]


@pytest.mark.parametrize("exponent", [-3.0, -0.5, 0.0, 0.87])
def test_an_exact_power_law_is_found_back(exponent: float) -> None:
    law = fit_power_law(WIDTHS, power_law(exponent, noise=0.0), None)
    assert law.exponent.value == pytest.approx(exponent, abs=1e-12)
    assert (law.exponent.low, law.exponent.high) == pytest.approx((exponent, exponent), abs=1e-9)
    assert law.widths == len(WIDTHS)


def test_the_fit_is_numpys_least_squares_on_the_mean_logarithms() -> None:
    values = power_law(-0.5, noise=0.2)
    law = fit_power_law(WIDTHS, values, None)
    means = [np.log(value).mean() for value in values]
    slope, constant = np.polyfit(np.log(WIDTHS), means, 1)
    residual = means - (slope * np.log(WIDTHS) + constant)
    assert law.exponent.value == law.raw_exponent == pytest.approx(slope)
    assert law.r_squared == pytest.approx(1 - residual.var() / np.var(means))


# Standard deviations of the logarithm at each width.
SPREADS = {
    "equal": np.full(len(WIDTHS), 0.2),
    "falling": 2.0 / np.sqrt(WIDTHS),
    "of the widest alone": np.array([1e-3, 1e-3, 1e-3, 1e-3, 1.0]),
}
TRIALS = 1500


def covered(
    exponent: float, spread: Array, seeds: int, factors: Array | None = None, power: float = 0.0
) -> float:
    """How often the interval of an exponent holds the true one."""
    rng = np.random.default_rng(seeds)
    log_widths = np.log(WIDTHS)
    means = exponent * log_widths + (0.0 if factors is None else power * factors)
    design = np.column_stack([np.ones_like(log_widths), log_widths])
    count = 0
    for noise in rng.standard_normal((TRIALS, len(WIDTHS), seeds)):
        values = np.exp(means[:, None] + spread[:, None] * noise)
        found = fit(Logarithms(list(values)), design, factors, index=1).parameter
        count += found.low <= exponent <= found.high
    return count / TRIALS


@pytest.mark.parametrize("seeds", [3, 5, 8])
def test_the_interval_of_a_level_holds_it_as_often_as_it_says(seeds: int) -> None:
    values = np.exp(0.3 * np.random.default_rng(seeds).standard_normal((TRIALS, seeds)))
    levels = [geometric_mean(row) for row in values]
    assert 0.92 <= np.mean([level.low <= 1.0 <= level.high for level in levels]) <= 0.97


@pytest.mark.parametrize("seeds", [3, 5, 8])
@pytest.mark.parametrize("spread", SPREADS)
def test_the_interval_of_an_exponent_holds_it_as_often_as_it_says(spread: str, seeds: int) -> None:
    assert 0.92 <= covered(-0.5, SPREADS[spread], seeds) <= 0.97


@pytest.mark.parametrize("seeds", [3, 5, 8])
@pytest.mark.parametrize("spread", ["equal", "of the widest alone"])
@pytest.mark.parametrize("power", [0.0, 1.0])
def test_and_so_does_that_of_a_corrected_one(power: float, spread: str, seeds: int) -> None:
    """κ = 0 is its bound, 1 is not."""
    factors = log_factors(np.geomspace(0.05, 5, 16), WIDTHS, stages=3)
    assert 0.92 <= covered(-0.5, SPREADS[spread], seeds, factors, power) <= 0.97


def test_two_seeds_have_a_wide_interval_that_holds_the_exponent() -> None:
    assert 0.92 <= covered(-0.5, SPREADS["of the widest alone"], 2) <= 0.97
    two, three = (geometric_mean(np.geomspace(1.0, 2.0, seeds)) for seeds in (2, 3))
    assert math.log(two.high / two.low) == pytest.approx(12.706 * math.log(2), rel=1e-3)
    assert math.log(three.high / three.low) < math.log(two.high / two.low) / 3


def test_the_interval_is_welchs() -> None:
    """The exponent of three evenly spaced widths is a difference of the outer two."""
    rng = np.random.default_rng(5)
    values = [np.exp(rng.normal(0.0, spread, seeds)) for spread, seeds in ((1, 4), (1, 3), (3, 6))]
    law = fit_power_law([10, 100, 1000], values, None)
    welch = ttest_ind(np.log(values[2]), np.log(values[0]), equal_var=False)
    low, high = welch.confidence_interval()
    assert (law.exponent.low, law.exponent.high) == pytest.approx(
        (low / np.log(100), high / np.log(100))
    )


@pytest.mark.parametrize("power", [-1.0, 3.0])
def test_an_interval_reaches_no_further_than_the_bounds_of_the_correction(power: float) -> None:
    """With κ beyond its bound the interval is about the exponent at the bound."""
    factors = log_factors(np.geomspace(0.05, 5, 16), WIDTHS, stages=1)
    noise = 1 + 0.01 * np.array([-1.0, 0.0, 1.0])
    values = [n**-0.2 * np.exp(power * f) * noise for n, f in zip(WIDTHS, factors, strict=True)]
    log_widths = np.log(WIDTHS)
    design = np.column_stack([np.ones_like(log_widths), log_widths])
    at_bound = fit(Logarithms(values), design, factors, index=1, powers=(0.0, 1.0))
    bound = np.clip(power, 0, 1)
    shifted = [v * np.exp(-bound * f) for v, f in zip(values, factors, strict=True)]
    plain = fit_power_law(WIDTHS, shifted, None)
    assert at_bound.correction_power == bound
    assert at_bound.parameter.value == pytest.approx(plain.exponent.value)
    # Towards the exponents of κ beyond the bound, that is.
    beyond, allowed = ("high", "low") if power < bound else ("low", "high")
    assert getattr(at_bound.parameter, beyond) == pytest.approx(getattr(plain.exponent, beyond))
    assert abs(getattr(at_bound.parameter, allowed) - plain.exponent.value) >= abs(
        getattr(plain.exponent, allowed) - plain.exponent.value
    ) * (1 - 1e-9)


def test_the_correction_removes_the_finite_width_slope_of_gaussian_features() -> None:
    """i.i.d. Gaussian features: the limit is constant, the raw slope of λ_min is not."""
    rng = np.random.default_rng(1)
    columns = 16
    spectra = {
        n: np.stack(
            [
                np.linalg.svd(rng.standard_normal((n, columns)), compute_uv=False)[::-1] ** 2 / n
                for _ in range(20)
            ]
        )
        for n in WIDTHS
    }
    values = [spectra[n][:, 0] for n in WIDTHS]
    measured = np.exp(np.log(spectra[WIDTHS[-1]]).mean(axis=0))
    law = fit_power_law(WIDTHS, values, log_factors(measured, WIDTHS, stages=1))
    assert law.raw_exponent > 0.2
    assert law.exponent.low < 0.0 < law.exponent.high
    assert abs(law.exponent.value) < 0.06
    assert law.correction_power == pytest.approx(1.0, abs=0.25)


def test_the_correction_keeps_a_true_exponent_and_its_own_power() -> None:
    factors = log_factors(np.geomspace(0.05, 5, 16), WIDTHS, stages=3)
    values = [
        np.full(3, 0.1 * n**-1.0 * np.exp(0.7 * factor))
        for n, factor in zip(WIDTHS, factors, strict=True)
    ]
    law = fit_power_law(WIDTHS, values, factors)
    assert law.exponent.value == pytest.approx(-1.0, abs=1e-9)
    assert law.correction_power == pytest.approx(0.7, abs=1e-9)


def test_the_correction_never_turns_round() -> None:
    """Data that fall towards larger n faster than a power: κ stays at its bound, 0."""
    factors = log_factors(np.geomspace(0.05, 5, 16), WIDTHS, stages=1)
    values = [
        np.full(3, n**-0.2 * np.exp(-factor)) for n, factor in zip(WIDTHS, factors, strict=True)
    ]
    law = fit_power_law(WIDTHS, values, factors)
    assert law.correction_power == 0.0
    assert law.exponent.value == law.raw_exponent


def test_other_bounds_of_the_correction_give_other_exponents() -> None:
    """κ = 2 in the data: ours stops at 1, as the whole correction does; without bound it is 2."""
    factors = log_factors(np.geomspace(0.05, 5, 16), WIDTHS, stages=2)
    noise = 1 + 0.01 * np.array([-1.0, 0.0, 1.0])
    values = [n**-0.3 * np.exp(2 * f) * noise for n, f in zip(WIDTHS, factors, strict=True)]
    law = fit_power_law(WIDTHS, values, factors)
    plain = {
        "raw": fit_power_law(WIDTHS, values, None).exponent,
        "full": fit_power_law(
            WIDTHS, [v * np.exp(-f) for v, f in zip(values, factors, strict=True)], None
        ).exponent,
    }
    for rule, exponent in plain.items():
        assert tuple(law.others[rule]) == pytest.approx(tuple(exponent))
    assert law.correction_power == 1.0
    assert law.exponent.value == law.others["full"].value
    assert law.others["unbounded"].value == pytest.approx(-0.3)
    assert law.raw_exponent > law.exponent.value > law.others["unbounded"].value


@pytest.mark.parametrize(
    ("fewest", "factors"),
    [(FEWEST_WIDTHS, None), (FEWEST_WIDTHS_CORRECTED, np.array([-1.0, -0.5, -0.2, -0.1]))],
)
def test_too_few_widths_give_no_exponent(fewest: int, factors: Array | None) -> None:
    """The fewest are those that a config is warned about."""
    for count, fitted in ((fewest - 1, False), (fewest, True)):
        law = fit_power_law(
            WIDTHS[:count],
            power_law(-1.0, 0.1)[:count],
            None if factors is None else factors[:count],
        )
        assert np.isfinite(law.exponent.value) == fitted
        assert law.widths == count


def test_a_single_seed_has_an_exponent_but_no_interval() -> None:
    law = fit_power_law(WIDTHS, power_law(-1.0, 0.1, seeds=1), None)
    assert np.isfinite(law.exponent.value)
    assert np.isnan([law.exponent.low, law.exponent.high]).all()


def test_geometric_mean_and_its_interval() -> None:
    values = np.array([1.0, 2.0, 4.0])
    level = geometric_mean(values)
    assert level.value == pytest.approx(2.0)
    assert level.low < 2.0 < level.high
    single = geometric_mean(np.array([3.0]))
    assert single.value == pytest.approx(3.0)
    assert np.isnan([single.low, single.high]).all()
