"""Outputs at finite width: estimates against simulations, planted exponents, spreads, kinks."""

import math

import builders
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from infwidth.schemes import SCHEMES
from infwidth.theory.coordinates.ensemble import Inputs, linear_outputs
from infwidth.theory.coordinates.fall import extrapolated, offset_power, width_for
from infwidth.theory.coordinates.measure import ensemble_tables
from infwidth.theory.linearised.measure import initial_tangent_kernel
from infwidth.theory.outputs import draw as figure
from infwidth.theory.outputs.judge import enough, findings, width_text
from infwidth.theory.outputs.measure import OFFSETS, OUTPUTS, _offset, process
from infwidth.theory.powers import bent

Array = NDArray[np.float64]

DATA = builders.dataset(samples=4)
WIDTHS = np.array([16.0, 32, 64, 128, 256, 512])


def test_linear_outputs_have_a_closed_form_for_squared_error() -> None:
    """On trained inputs f_t = y + (1 - Θ/N)^t (f_0 - y); a test output adds up their signals."""
    how = builders.recipe()
    inputs = Inputs.of(DATA, 4)
    theta = initial_tangent_kernel(inputs.data, SCHEMES["NTP"], 64, how)
    start = np.random.default_rng(0).standard_normal((2, 6, 3))
    found = linear_outputs(inputs, theta, start, [0, 1], how, [0, 5])
    np.testing.assert_array_equal(found[0], start)
    y = np.eye(3)[inputs.data.train_labels[:4]]
    errors = [
        np.linalg.matrix_power(np.eye(4) - theta[:4, :4] / 4, t) @ (start[:, :4] - y)
        for t in range(6)
    ]
    np.testing.assert_allclose(found[1][:, :4], y + errors[5], rtol=1e-10)
    test = start[:, 4:] - theta[4:, :4] @ sum(errors[:5]) / 4
    np.testing.assert_allclose(found[1][:, 4:], test, rtol=1e-10)


def test_draws_of_the_process_have_its_kernel() -> None:
    kernel = np.array([[2.0, 0.6], [0.6, 0.5]])
    draws = process(kernel, 3, 20_000)
    found = np.einsum("rik,rjk->ij", draws, draws) / draws.shape[0] / 3
    np.testing.assert_allclose(found, kernel, atol=0.03)
    assert abs(np.mean(draws[..., 0] * draws[..., 1])) < 0.03


@pytest.mark.parametrize("size", [0.0, 0.3])
def test_squared_offsets_are_unbiased_and_their_errors_right(size: float) -> None:
    rng = np.random.default_rng(1)
    mean, mix = np.full(12, size), rng.standard_normal((12, 12)) / 4
    found = []
    for _ in range(800):
        reference = (rng.standard_normal((4, 12)) @ mix).mean(axis=0).reshape(4, 3)
        error = mean + rng.standard_normal((20, 12)) @ mix
        noise = np.square(mix).sum(axis=0).reshape(4, 3) / 4
        found.append(_offset(error.reshape(20, 4, 3) - reference, noise))
    squares, errors = np.array(found).T
    assert squares.mean() == pytest.approx(3 * size**2, abs=4 * squares.std() / math.sqrt(800))
    # Where there is no offset, errors are a fifth too large: what they hold of it has no sign.
    assert 0.9 < np.sqrt(np.mean(errors**2)) / squares.std() < 1.3


@pytest.mark.parametrize("power", [-1.0, -0.4])
@pytest.mark.parametrize("reference", [1024.0, math.inf])
def test_the_power_of_an_offset_is_found_behind_its_noise(power: float, reference: float) -> None:
    rng = np.random.default_rng(2)
    exact = (2 * (WIDTHS**power - reference**power)) ** 2
    errors = np.full(6, 0.03 * exact[0])
    found = offset_power(WIDTHS, exact + errors * rng.standard_normal(6), errors, reference)
    assert found.low < power < found.high
    assert found.high - found.low < 1
    assert math.isnan(offset_power(WIDTHS, exact, 10 * exact, reference).value)


def test_what_values_tend_to() -> None:
    values, errors = 0.7 + 3 / WIDTHS, np.full(6, 0.01)
    found = extrapolated(WIDTHS, values, errors)
    assert found.value == pytest.approx(0.7)
    assert 0.01 < found.high - found.low < 0.06
    assert math.isnan(extrapolated(WIDTHS[:2], values[:2], errors[:2]).value)


def falling(power: float, *, size: float = 1.0, groups: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        [
            (int(width), size * width**power * math.exp(0.05 * rng.standard_normal()))
            for width in WIDTHS
            for _ in range(groups)
        ],
        columns=["width", "value"],
    )


def test_the_width_for_a_size_is_solved_for() -> None:
    found = width_for(falling(-0.5), "value", 0.01, above=math.log(1.1))
    assert found.low < 12_100 < found.high < 16_000
    assert found.value == pytest.approx(12_100, rel=0.15)
    assert width_for(falling(0.0), "value", 0.01, above=0.0).high == math.inf


def test_a_single_width_beside_a_power_refuses_it() -> None:
    table = falling(-0.5)
    assert not bent(table, "value")
    assert bent(table.assign(value=table["value"] * (1 + (table["width"] == 64))), "value")


def planted(
    fluctuation: float = -0.5, offset: float = -1.0, spread: float = 1.0, *, linear: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of a scheme with these powers of n, and this spread over that of the limit."""
    rows, common = [], []
    for inputs in ("trained", "test"):
        for step in (0, 10, 100):
            each = falling(fluctuation)
            for width, values in each.groupby("width")["value"]:
                size = 0.3 * int(str(width)) ** offset
                square = float((values**2).mean() + size**2)
                rows += [
                    ("NTP", width, group, step, inputs, math.hypot(value, size), value)
                    for group, value in enumerate(values)
                ]
                reference = math.inf if linear else 1024.0
                common.append(
                    ("NTP", width, step, inputs, 12, reference, square, size**2, 0.01 * size**2,
                     spread, 0.01, 1.0)
                )  # fmt: skip
    outputs = pd.DataFrame(rows, columns=list(OUTPUTS))
    return outputs, pd.DataFrame(common, columns=list(OFFSETS))


def verdicts(*tables: pd.DataFrame) -> list[str]:
    return [finding.verdict for finding in findings(*tables)]


def test_planted_powers_are_told() -> None:
    assert verdicts(*planted()) == ["verified"] * 4
    assert verdicts(*planted(linear=False)) == ["verified"] * 4
    # n^-1/2 reaches 0.01, 1 % of a label, at 10,000.
    outputs, offsets = (table.query("step == 10 and inputs == 'test'") for table in planted())
    width = enough(outputs, offsets, 0.01)
    assert width is not None
    assert width.value == pytest.approx(10_000, rel=0.2)
    assert width_text(width) in findings(*planted())[3].evidence


@pytest.mark.parametrize(
    ("change", "place", "expected"),
    [
        ({"fluctuation": -0.1}, 1, "refuted"),
        ({"offset": -0.3}, 2, "refuted"),
        ({"spread": 1.3}, 0, "refuted"),
        ({"fluctuation": 0.0}, 3, "undetermined"),
        # Wide networks whose own offset does not fall do not stand for n = ∞.
        ({"offset": -0.02, "linear": False}, 3, "undetermined"),
        ({"fluctuation": 0.0, "linear": False}, 0, "refuted"),
    ],
)
def test_planted_violations_turn_the_verdicts(
    change: dict[str, float], place: int, expected: str
) -> None:
    assert verdicts(*planted(**change))[place] == expected  # type: ignore[arg-type]


def test_a_kink_has_no_width_that_is_enough() -> None:
    outputs, offsets = planted()
    bent = outputs.assign(difference=outputs["difference"] * (1 + (outputs["width"] == 256)))
    assert verdicts(bent, offsets)[3] == "undetermined"
    test = bent.query("step == 10 and inputs == 'test'")
    assert enough(test, offsets.query("step == 10 and inputs == 'test'"), 0.1) is None


def test_steps_that_disagree_are_named() -> None:
    (outputs, early), (_, late) = planted(), planted(offset=-0.2)
    offsets = pd.concat([early[early["step"] < 100], late[late["step"] == 100]])
    found = findings(outputs, offsets)[2]
    assert (found.verdict, found.depends_on) == ("depends", "the training step")


@pytest.fixture(scope="module")
def measured() -> tuple[pd.DataFrame, pd.DataFrame]:
    how = builders.recipe(steps=40, precision="float32", hidden_layers=2)
    schemes = {name: SCHEMES[name] for name in ("NTP", "µP")}
    tables = ensemble_tables(DATA, schemes, [512], 6, 4, how)
    return tables["outputs"], tables["offsets"]


def test_real_networks(measured: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    outputs, offsets = measured
    start = outputs[(outputs["step"] == 0) & (outputs["scheme"] == "NTP")]
    assert (start["difference"] == 0).all(), "each has the limit of its own start"
    found = verdicts(outputs, offsets)
    # NTP's spread and fluctuation, and µP's start and fluctuation.
    assert [found[place] for place in (0, 1, 4, 5)] == ["verified"] * 4
    assert "refuted" not in found


def test_few_widths_decide_nothing(measured: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    few = (table[table["width"] <= 16] for table in measured)
    assert set(verdicts(*few)) == {"undetermined"}


def test_figures_of_parts_of_a_table(measured: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    for query in ("width > 0", "width < 0", "width == 16", "scheme == 'µP'", "step == 0"):
        assert isinstance(figure.draw(*(table.query(query) for table in measured)), Figure)
