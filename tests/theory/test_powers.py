"""Powers of the width, and what decides where a single one is refused."""

import numpy as np
import pandas as pd
import pytest

from infwidth.theory.powers import WidthLaw, falls, fitted

WIDTHS = 64 * 2 ** np.arange(7)


def table(slopes: list[float]) -> pd.DataFrame:
    """Local exponents between neighbouring widths; five seeds that scatter by 1 %."""
    logs = np.concatenate([[0.0], np.cumsum(slopes)]) * np.log(2)
    noise = 0.01 * np.random.default_rng(0).standard_normal((len(WIDTHS), 5))
    return pd.DataFrame(
        [
            {"width": width, "seed": seed, "value": np.exp(log + noise[place, seed])}
            for place, (width, log) in enumerate(zip(WIDTHS, logs, strict=True))
            for seed in range(5)
        ]
    )


def test_a_power_decides_by_its_exponent() -> None:
    law = WidthLaw.of(table([-0.5] * 6), "value")
    assert not law.crossover
    assert law.power == fitted(table([-0.5] * 6), "value")
    assert law.power.value == pytest.approx(-0.5, abs=0.01)
    assert (law.stays, law.vanishes) == (False, True)
    assert str(law).startswith("∝ n^−0.5")


@pytest.mark.parametrize(
    ("slopes", "stays", "vanishes"),
    [
        ([-1.0, -1.0, -0.8, -0.4, 0.0, 0.0], True, False),  # falls, and then no more
        ([0.0, 0.0, 0.0, -0.4, -0.8, -0.8], False, True),  # begins to
        ([-1.0, -1.0, -0.8, -0.5, -0.25, -0.25], None, None),  # at the threshold
    ],
)
def test_of_a_refused_power_the_largest_widths_decide(
    slopes: list[float], stays: bool | None, vanishes: bool | None
) -> None:
    bent = table(slopes)
    law = WidthLaw.of(bent, "value")
    assert law.crossover
    assert law.power == fitted(bent, "value")
    assert law.power.value == pytest.approx(np.mean(slopes[-2:]), abs=0.02)
    assert (law.stays, law.vanishes) == (stays, vanishes)
    assert falls(fitted(bent, "value")) == vanishes
    assert str(law).startswith("no single power of n, n^")
