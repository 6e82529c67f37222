"""Parts of the movement: that they add up, what they are at tight tolerance, and the verdicts."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from builders import both, dataset, recipe

from infwidth.schemes import SCHEMES
from infwidth.theory.decomposition import draw as figure
from infwidth.theory.decomposition.judge import NAMES, PARTS, findings
from infwidth.theory.decomposition.measure import COLUMNS, decomposition_table, share
from infwidth.theory.innovations.training import Observation, observe

WIDTHS = (128, 256, 512)
SEEDS = range(6)
DATA = dataset(3, 24, 1)
HOW = recipe(steps=6, snapshots=4, learning_rate=1.0)


@cache
def trainings(scheme: str) -> list[Observation]:
    return [observe(DATA, SCHEMES[scheme], width, seed, HOW) for width in WIDTHS for seed in SEEDS]


def by_part(table: pd.DataFrame) -> dict[str, str]:
    """Verdicts by the part they are on; those on shares under "shares"."""
    found: dict[str, str] = {}
    for finding in findings(table):
        named = [part for part, name in NAMES.items() if name in finding.statement]
        found[named[0] if named else "shares"] = finding.verdict
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_shares_add_up_to_one(scheme: str) -> None:
    seen = [observe(DATA, SCHEMES[scheme], width, 1, HOW) for width in (32, 64)]
    table = decomposition_table(scheme, seen)
    assert tuple(table.columns) == COLUMNS
    assert set(table["step"]) == set(seen[0].changes) - {0}
    sums = table.groupby(["width", "seed", "step", "layer"])["share"].sum()
    np.testing.assert_allclose(sums, 1, rtol=1e-9)
    assert set(table.loc[table["layer"] == 1, "part"]) == {"learned"}
    assert (table["size"] > 0).mean() > 0.9


def test_sizes_and_shares_are_those_of_the_dense_weights() -> None:
    """Learned and Gaussian + Onsager part from a plain network's weights, entry by entry."""
    scheme, width = SCHEMES["µP"], 48
    seen = observe(DATA, scheme, width, 1, HOW, tolerance=1e-9)
    table = decomposition_table("µP", [seen])
    _, (plain,) = both(DATA, scheme, width, (1,), HOW)
    inputs, labels = torch.as_tensor(DATA.train_inputs), torch.as_tensor(DATA.train_labels)
    start = [weights.detach().clone() for weights in plain.weights]
    first, _ = plain.forward(inputs)
    for _ in range(HOW.steps):
        plain.step(inputs, labels)
    with torch.no_grad():
        last, _ = plain.forward(inputs)
    before = [torch.as_tensor(DATA.train_inputs.T), *map(torch.tanh, last)]
    for layer in (1, 2, 3):
        own = table[(table["layer"] == layer) & (table["step"] == HOW.steps)]
        sizes = dict(zip(own["part"], own["size"].astype(float), strict=True))
        shares = dict(zip(own["part"], own["share"].astype(float), strict=True))
        learned = (plain.weights[layer - 1] - start[layer - 1]) @ before[layer - 1]
        change = last[layer - 1] - first[layer - 1]
        size = float(learned.norm() / first[layer - 1].norm())
        part = float((learned * change).sum() / change.square().sum())
        assert sizes["learned"] == pytest.approx(size, rel=1e-5)
        assert shares["learned"] == pytest.approx(part, rel=1e-5)
        if layer > 1:
            assert shares["gaussian"] + shares["onsager"] == pytest.approx(1 - part, rel=1e-5)


def test_share_in_closed_form() -> None:
    part, change = np.array([[3.0, 0.0]]), np.array([[1.0, 1.0]])
    assert share(part, change) == 1.5
    assert share(change - part, change) == -0.5
    assert np.isnan(share(part, 0 * change))


@pytest.mark.parametrize(("scheme", "power"), [("SP", -0.5), ("NTP", -0.5), ("µP", 0.0)])
def test_real_trainings_scale_as_they_should(scheme: str, power: float) -> None:
    table = decomposition_table(scheme, trainings(scheme))
    found = by_part(table)
    assert found["learned"] == "verified"
    assert found["onsager"] == "verified"
    # The same sizes under another scheme's name are not what that one should have.
    other = "NTP" if scheme == "µP" else "µP"
    assert by_part(table.assign(scheme=other))["learned"] == "refuted"
    last = table[(table["step"] == HOW.steps) & (table["layer"] == 3)]
    sizes = last[last["part"] == "learned"].groupby("width")["size"].mean()
    slope = np.polyfit(np.log(sizes.index), np.log(sizes), 1)[0]
    assert slope == pytest.approx(power, abs=0.15)


def parts(
    powers: dict[tuple[str, int], float], shares: dict[str, float], scheme: str = "µP"
) -> pd.DataFrame:
    """A table of two layers whose sizes are powers of n."""
    rng = np.random.default_rng(3)
    rows = []
    for width in (128, 256, 512, 1024):
        for seed in SEEDS:
            for (part, layer), power in powers.items():
                size = np.exp(0.05 * rng.standard_normal()) * width**power
                for step, factor in ((1, 0.1), (7, 1.0)):
                    rows.append(
                        (scheme, width, seed, step, layer, part, factor * size, shares[part])
                    )
    return pd.DataFrame(rows, columns=list(COLUMNS))


FLAT = {("learned", 1): 0.0} | {(part, 2): 0.0 for part in PARTS}
SHARES = {"gaussian": 0.6, "onsager": -0.2, "learned": 0.6}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("power", "stays", "vanishes"),
    [
        (0.0, "verified", "refuted"),
        (0.5, "refuted", "refuted"),
        (-0.5, "refuted", "verified"),
        (-0.25, "undetermined", "undetermined"),
    ],
)
def test_one_layer_is_enough_to_decide(part: str, power: float, stays: str, vanishes: str) -> None:
    assert by_part(parts(FLAT | {(part, 2): power}, SHARES, "µP"))[part] == stays
    falling = dict.fromkeys(FLAT, -0.5) | {(part, 2): power}
    for scheme in ("SP", "NTP"):
        assert by_part(parts(falling, SHARES, scheme))[part] == vanishes


def test_under_ip_the_parts_of_the_initial_weights_are_held_against_the_learned_one() -> None:
    """Which may grow, and does."""
    growing = FLAT | {("learned", 1): 0.5, ("learned", 2): 1.0, ("gaussian", 2): 0.5}
    assert by_part(parts(growing, SHARES, "IP")) == dict.fromkeys(PARTS, "verified") | {
        "shares": "refuted"
    }
    found = by_part(parts(growing | {("gaussian", 2): 1.0}, SHARES, "IP"))
    assert (found["gaussian"], found["onsager"], found["learned"]) == (
        "refuted",
        "verified",
        "verified",
    )
    found = by_part(parts(growing | {("learned", 1): -0.5}, SHARES, "IP"))
    assert (found["onsager"], found["learned"]) == ("verified", "refuted")


def test_schemes_of_ones_own_have_no_expected_power() -> None:
    assert by_part(parts(FLAT, SHARES, "mine")) == {}


@pytest.mark.parametrize(
    ("shares", "all_three", "alone"),
    [
        ((0.4, 0.2, 0.4), "verified", "refuted"),
        ((0.02, 0.0, 0.98), "refuted", "verified"),
        ((0.7, -0.2, 0.5), "refuted", "refuted"),
        ((0.9, 0.05, 0.05), "refuted", "refuted"),
    ],
)
def test_carriers(shares: tuple[float, float, float], all_three: str, alone: str) -> None:
    table = parts(FLAT, dict(zip(PARTS, shares, strict=True)))
    for scheme in ("SP", "NTP", "µP"):
        assert by_part(table.assign(scheme=scheme))["shares"] == all_three
    assert by_part(table.assign(scheme="IP"))["shares"] == alone


def test_carriers_are_those_of_every_seed() -> None:
    table = parts(FLAT, {"gaussian": 0.4, "onsager": 0.2, "learned": 0.4})
    place = (table["seed"] == 0) & (table["part"] == "onsager")
    place &= (table["layer"] == 2) & (table["step"] == 7)
    table.loc[place & (table["width"] == 512), "share"] = 0.0
    assert by_part(table)["shares"] == "verified"
    table.loc[place & (table["width"] == 1024), "share"] = 0.0
    assert by_part(table)["shares"] == "undetermined"
    assert "onsager 0.17 (0.00 to 0.20)" in findings(table)[-1].evidence


def test_figure_draws_the_largest_width_and_the_shares() -> None:
    drawn = figure.draw(parts(FLAT | {("learned", 2): -1.0}, SHARES))
    sizes, shares = drawn.axes
    ends = [float(np.asarray(line.get_ydata())[-1]) for line in sizes.lines]
    # Two widths of each part, and the size of h_0.
    assert sorted(ends) == pytest.approx([1 / 1024, 1 / 128, 1, 1, 1, 1, 1], rel=0.1)
    assert [text.get_text() for text in shares.texts] == ["0.60", "−0.20", "0.60"]
    assert "layer (2)" in sizes.get_ylabel()
