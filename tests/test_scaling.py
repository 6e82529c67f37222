import numpy as np
import pytest
from numpy.typing import NDArray

from infwidth.experiment import FEWEST_WIDTHS, FEWEST_WIDTHS_CORRECTED
from infwidth.finite_width import log_factors
from infwidth.scaling import fit_power_law, geometric_mean

Array = NDArray[np.float64]
WIDTHS = [64, 128, 256, 512, 1024]


def power_law(exponent: float, noise: float, seeds: int = 5, seed: int = 0) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [3.0 * n**exponent * np.exp(noise * rng.standard_normal(seeds)) for n in WIDTHS]


@pytest.mark.parametrize("exponent", [-3.0, -0.5, 0.0, 0.87])
def test_an_exact_power_law_is_found_back(exponent: float) -> None:
    law = fit_power_law(WIDTHS, power_law(exponent, noise=0.0), None)
    assert law.exponent == pytest.approx(exponent, abs=1e-12)
    assert (law.low, law.high) == pytest.approx((exponent, exponent), abs=1e-9)
    assert law.widths == len(WIDTHS)


def test_the_fit_is_numpys_least_squares_on_the_mean_logarithms() -> None:
    values = power_law(-0.5, noise=0.2)
    law = fit_power_law(WIDTHS, values, None)
    means = [np.log(value).mean() for value in values]
    slope, constant = np.polyfit(np.log(WIDTHS), means, 1)
    residual = means - (slope * np.log(WIDTHS) + constant)
    assert law.exponent == law.raw_exponent == pytest.approx(slope)
    assert law.r_squared == pytest.approx(1 - residual.var() / np.var(means))


def test_the_interval_holds_the_true_exponent_as_often_as_it_says() -> None:
    """95 % nominal; with 5 seeds a percentile bootstrap covers somewhat less."""
    covered = 0
    for seed in range(200):
        law = fit_power_law(WIDTHS, power_law(-0.5, noise=0.2, seed=seed), None)
        covered += law.low <= -0.5 <= law.high
    assert 170 <= covered <= 200


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
    assert law.low < 0.0 < law.high
    assert abs(law.exponent) < 0.06
    assert law.correction_power == pytest.approx(1.0, abs=0.25)


def test_the_correction_keeps_a_true_exponent_and_its_own_power() -> None:
    factors = log_factors(np.geomspace(0.05, 5, 16), WIDTHS, stages=3)
    values = [
        np.full(3, 0.1 * n**-1.0 * np.exp(0.7 * factor))
        for n, factor in zip(WIDTHS, factors, strict=True)
    ]
    law = fit_power_law(WIDTHS, values, factors)
    assert law.exponent == pytest.approx(-1.0, abs=1e-9)
    assert law.correction_power == pytest.approx(0.7, abs=1e-9)


def test_the_correction_never_turns_round() -> None:
    """Data that fall towards larger n faster than a power: κ stays at its bound, 0."""
    factors = log_factors(np.geomspace(0.05, 5, 16), WIDTHS, stages=1)
    values = [
        np.full(3, n**-0.2 * np.exp(-factor)) for n, factor in zip(WIDTHS, factors, strict=True)
    ]
    law = fit_power_law(WIDTHS, values, factors)
    assert law.correction_power == 0.0
    assert law.exponent == law.raw_exponent


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
        assert np.isfinite(law.exponent) == fitted
        assert law.widths == count


def test_a_single_seed_has_an_exponent_but_no_interval() -> None:
    law = fit_power_law(WIDTHS, power_law(-1.0, 0.1, seeds=1), None)
    assert np.isfinite(law.exponent)
    assert np.isnan([law.low, law.high]).all()


def test_geometric_mean_and_its_interval() -> None:
    values = np.array([1.0, 2.0, 4.0])
    level = geometric_mean(values)
    assert level.value == pytest.approx(2.0)
    assert level.low < 2.0 < level.high
    single = geometric_mean(np.array([3.0]))
    assert single.value == pytest.approx(3.0)
    assert np.isnan([single.low, single.high]).all()
