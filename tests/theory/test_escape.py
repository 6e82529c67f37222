"""IP's escape from its saddle: against plain networks and autograd; what is concluded from it."""

import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from builders import both, dataset, recipe
from matplotlib.figure import Figure

from infwidth.datasets.prepare import PreparedDataset
from infwidth.files.tables import read_csv, write_csv
from infwidth.network.initialisation import initial_stds
from infwidth.schemes import ROLES, SCHEMES, built_in
from infwidth.theory.escape.draw import draw
from infwidth.theory.escape.judge import findings
from infwidth.theory.escape.laws import early_steps, growth_by_width, time_law
from infwidth.theory.escape.measure import (
    COLUMNS,
    DEPTH_COLUMNS,
    TIMES,
    crossing,
    followed,
    main_trainings,
    measured,
    with_prediction,
)
from infwidth.theory.escape.names import DEPTHS, IP, LARGE, MAIN, SIZES, SMALL
from infwidth.theory.escape.saddle import saddle
from infwidth.theory.finding import Finding
from infwidth.theory.measuring import Files, Settings

DATA = dataset(6, 20, 1)
HOW = recipe(steps=12)
RATE, SHIFT = 0.16, 0.4
WIDTHS, SEEDS, STEPS = (256, 1024, 4096, 16384), (0, 1, 2), (0, 1, 2, 5, 10, 20, 30, 80, 200)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_the_saddle_grows_as_the_jacobian_of_a_step_there(loss: str) -> None:
    """Power iteration of autograd's, in the weights, with W^2 = W^3 = 0."""
    width = 96
    _, (plain,) = both(DATA, SCHEMES[IP], width, [3], recipe())
    inputs, labels = torch.as_tensor(DATA.train_inputs), torch.as_tensor(DATA.train_labels)
    first, _, _, last = plain.weights
    x1, targets = torch.tanh(first @ inputs.T), torch.nn.functional.one_hot(labels).double()

    weights = [torch.zeros(width, width, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    outputs = last @ torch.tanh(weights[1] @ torch.tanh(weights[0] @ x1))
    objective = (outputs.T - targets).square().sum(dim=1).mean() / 2
    if loss == "cross_entropy":
        objective = torch.nn.functional.cross_entropy(outputs.T, labels)
    gradient = torch.autograd.grad(objective, weights, create_graph=True)
    generator = torch.Generator().manual_seed(0)
    vector = [torch.randn(width, width, generator=generator).double() for _ in range(2)]
    ratio = 0.0
    for _ in range(300):
        # Of a step less the identity, whose eigenvalues come in pairs ±: both of a pair at once.
        for _ in range(2):
            change = torch.autograd.grad(gradient, weights, vector, retain_graph=True)
            vector = [-0.5 * each for each in change]
        norm = math.sqrt(sum(float(each.square().sum()) for each in vector))
        vector, ratio = [each / norm for each in vector], math.sqrt(norm)
    # The closed form, with this network's own kernel and output weights.
    kernel, readout = x1.T @ x1 / width, width * last @ last.T
    error = targets if loss == "mse" else targets - 1 / DATA.classes
    product = kernel @ error @ readout @ error.T
    largest = float(torch.linalg.eigvals(product).real.max())
    assert ratio == pytest.approx(0.5 / len(labels) * math.sqrt(largest), rel=1e-4)


@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_the_saddles_kernel_and_readout_are_those_of_many_units(scale: float) -> None:
    rng = np.random.default_rng(0)
    inputs, units = DATA.train_inputs, 200_000
    x1 = np.tanh(scale * rng.standard_normal((units, inputs.shape[1])) @ inputs.T)
    found = saddle(DATA, recipe(init_std=scale, reference_width=4))
    np.testing.assert_allclose(found.kernel, x1.T @ x1 / units, atol=5e-3)
    # n^2 Var W^3 and n^2 Var W^4 at n = 96.
    stds = initial_stds(SCHEMES[IP], 96, recipe(init_std=scale, reference_width=4))
    assert (found.fresh, found.readout) == pytest.approx([(96 * std) ** 2 for std in stds[2:]])


def test_wide_networks_follow_the_law_from_the_start() -> None:
    how = replace(HOW, steps=12)
    seen = followed(DATA, SCHEMES[IP], 2048, range(3), replace(how, precision="float32"))
    squares, changes = saddle(DATA, how).follow(12)
    found = seen.groupby("step")[["mean_square", "feature_change"]].mean()
    assert squares[12] > 8 * squares[0], "this test needs growth"
    np.testing.assert_allclose(found["mean_square"] * 2048**2, squares, rtol=0.15)
    np.testing.assert_allclose(found["feature_change"], changes, rtol=0.08)


@pytest.mark.parametrize(("name", "depth"), [(IP, 3), (LARGE, 3), (IP, 1), (LARGE, 5)])
def test_what_is_followed_is_a_plain_network(name: str, depth: int) -> None:
    how, scheme = replace(HOW, hidden_layers=depth, steps=4), built_in(depth)[name]
    table = followed(DATA, scheme, 24, [0, 5], how)
    assert table.groupby("seed")["step"].agg(list).tolist() == [[*range(5)]] * 2
    _, networks = both(DATA, scheme, 24, [0, 5], how)
    inputs, labels = torch.as_tensor(DATA.train_inputs), torch.as_tensor(DATA.train_labels)
    for seed, plain in zip((0, 5), networks, strict=True):
        rows = table[table["seed"] == seed].set_index("step")
        later = plain.rates
        of_role = {role: scheme.rate(role, 24, learning_rate=0.5, first=True) for role in ROLES}
        plain.rates = [of_role["input"], *[of_role["hidden"]] * (depth - 1), of_role["output"]]
        start = plain.forward(inputs)[0][-1].detach()
        for step in range(5):
            hidden, outputs = plain.forward(inputs)
            moved = hidden[-1].detach() - start
            row = rows.loc[step]
            assert row["mean_square"] == pytest.approx(float(hidden[-1].square().mean()))
            square = float(moved.square().mean())
            assert row["moved_square"] == pytest.approx(square, rel=1e-6, abs=1e-30)
            change = (moved.norm(dim=0) / start.norm(dim=0)).mean()
            assert row["feature_change"] == pytest.approx(float(change), rel=1e-6, abs=1e-15)
            losses = plain.losses(outputs, labels)
            assert row["train_loss"] == pytest.approx(float(losses.mean()))
            sizes = plain.step(inputs, labels)
            if not step:
                pairs = zip(sizes, plain.rates, strict=True)
                assert row["decrease"] == pytest.approx(sum(size**2 / rate for size, rate in pairs))
            plain.rates = later
    looked = followed(DATA, scheme, 24, [0, 5], how, looks=(0, 4))
    pd.testing.assert_frame_equal(
        looked, table[table["step"].isin((0, 4))].reset_index(drop=True), check_exact=True
    )


def test_times_are_those_of_an_exponential() -> None:
    steps = np.array([0.0, 10, 20, 40])
    squares = 1e-7 * np.exp(0.3 * steps)
    time, earliest = crossing(steps, squares, 1e-3, 0.3)
    assert time == pytest.approx(math.log(1e4) / 0.3) == earliest
    # Growth that slows down between looks: the line is late, the bound is not.
    slowed = np.where(steps < 40, squares, 2e-3)
    late, bound = crossing(steps, slowed, 1e-3, 0.3)
    assert late > time == pytest.approx(bound)
    assert np.isnan(crossing(steps, squares, 1e6)).all(), "never"
    assert np.isnan(crossing(steps, squares, 5e-7)).all(), "from too near"


def escaping(
    *, change: float = 0.0, square: float = -2.0, rate: float = RATE, predicted: float = RATE
) -> pd.DataFrame:
    """escape.csv of trainings that grow as an exponential, times powers of n, and saturate."""
    rng = np.random.default_rng(0)
    rows = []
    for trainings in (MAIN, SMALL):
        for width in WIDTHS:
            for seed in SEEDS:
                noise = math.exp(0.03 * rng.standard_normal())
                for step in STEPS:
                    grown = width**square * SHIFT * math.exp(rate * step) * noise
                    moved = 0.05 * math.expm1(rate / 2 * step) * width**change * noise
                    law = width**-2.0 * SHIFT * math.exp(predicted * step)
                    run = [3, 8, width, seed, step]
                    size = min(grown, 0.1 * noise)
                    rows.append([trainings, IP, *run, size, moved, law, moved])
                    large = min(0.05 * (step + 1), 0.3) * noise
                    rows.append([trainings, LARGE, *run, large, moved, math.nan, math.nan])
    return pd.DataFrame(rows, columns=[*COLUMNS])


def times_of(law: Any = lambda width: 2 / RATE * math.log(width)) -> pd.DataFrame:
    """escape_times.csv whose times are a function of n."""
    rng = np.random.default_rng(1)
    rows = []
    for trainings in (MAIN, SMALL):
        for width in WIDTHS:
            for seed in SEEDS:
                for size in SIZES:
                    expected = math.log(size * width**2 / SHIFT) / RATE
                    time = 20 + law(width) + 0.1 * rng.standard_normal()
                    run = [trainings, IP, 3, 8, width, seed, size]
                    rows.append([*run, time, time, expected, RATE])
    return pd.DataFrame(rows, columns=[*TIMES])


def depths_of(moves: int = 3, first: float = 1.0, cured: int = 6) -> pd.DataFrame:
    """escape_depths.csv: IP moves up to a depth, IP-LLR learns up to another."""
    rng = np.random.default_rng(2)
    rows = []
    for depth in DEPTHS:
        for width in WIDTHS:
            for seed in SEEDS:
                noise = math.exp(0.02 * rng.standard_normal())
                decrease = width ** (-first * max(depth - 2, 0)) * noise
                moved = 0.5 * noise * (1 if depth <= moves else width**-6)
                left = 0.1 if depth <= moves else 1.0
                run = [depth, width, seed, 200]
                rows.append([IP, *run, decrease, 1e-6, moved, 1, 0.5, 0.5 * left])
                left = 0.1 if depth <= cured else 0.9
                rows.append([LARGE, *run, decrease, 1e-6, 0.5 * noise, 1, 0.5, 0.5 * left])
    return pd.DataFrame(rows, columns=[*DEPTH_COLUMNS])


ESCAPE, TIMES_TABLE, DEPTHS_TABLE = escaping(), times_of(), depths_of()


def judged(**planted: pd.DataFrame) -> dict[str, list[Finding]]:
    """Findings by a word of their statement."""
    tables = {"table": ESCAPE, "times": TIMES_TABLE, "depths": DEPTHS_TABLE} | planted
    words = ("fixed step,", "fixed size", "linear law", "at once", "first step takes", "vary")
    found: dict[str, list[Finding]] = {word: [] for word in (*words, "learns")}
    for finding in findings(*tables.values()):
        (word,) = (word for word in found if word in finding.statement)
        found[word].append(finding)
    return found


def verdicts(word: str, **planted: pd.DataFrame) -> set[str]:
    return {finding.verdict for finding in judged(**planted)[word]}


def test_an_escape_is_told_as_one() -> None:
    found = judged()
    assert [len(each) for each in found.values()] == [2, 2, 2, 2, 1, 1, 1]
    for word, each in found.items():
        expected = "depends" if word == "vary" else "verified"
        assert {finding.verdict for finding in each} == {expected}, word
    (large,) = found["vary"]
    assert (large.source, large.origin) == ("Table 1", "follows")
    assert large.depends_on == "the depth and the training time"
    slope = time_law(TIMES_TABLE[TIMES_TABLE["size"] == SIZES[0]])
    assert slope is not None
    assert slope.slope.low < 2 / RATE < slope.slope.high
    assert slope.predicted == pytest.approx(2 / RATE)


@pytest.mark.parametrize("change", [0.9, -0.9])
def test_a_power_of_n_at_every_step_is_refuted(change: float) -> None:
    assert verdicts("fixed step,", table=escaping(change=change)) == {"refuted"}


def test_features_that_stay_at_a_fixed_step_are_refuted() -> None:
    staying = escaping(square=0.0).assign(
        mean_square=lambda table: np.where(
            table["scheme"] == IP, 1e-9 * (1 + table["step"]), table["mean_square"]
        )
    )
    assert verdicts("fixed step,", table=staying) == {"refuted"}


@pytest.mark.parametrize("law", [lambda width: 50.0, lambda width: width**0.5])
def test_times_that_do_not_grow_as_ln_n_are_refuted(law: Any) -> None:
    assert verdicts("fixed size", times=times_of(law)) == {"refuted"}


@pytest.mark.parametrize("predicted", [0.7 * RATE, 1.4 * RATE])
def test_growth_at_another_rate_than_the_laws_is_refuted(predicted: float) -> None:
    assert verdicts("linear law", table=escaping(predicted=predicted)) == {"refuted"}
    unknown = ESCAPE.assign(predicted_square=math.nan)
    assert verdicts("linear law", table=unknown) == {"undetermined"}


def test_a_first_step_that_fades_with_the_width_is_refuted() -> None:
    fading = ESCAPE.assign(
        mean_square=ESCAPE["mean_square"]
        * np.where(ESCAPE["scheme"] == LARGE, 256 / ESCAPE["width"], 1)
    )
    assert verdicts("at once", table=fading) == {"refuted"}


def test_depths_decide() -> None:
    assert verdicts("first step takes", depths=depths_of(first=0.5)) == {"refuted"}
    assert verdicts("learns", depths=depths_of(cured=4)) == {"depends"}
    assert verdicts("learns", depths=depths_of(cured=1)) == {"refuted"}
    at_rest = ESCAPE[ESCAPE["trainings"] == MAIN]
    assert verdicts("vary", table=at_rest, depths=depths_of(moves=6)) == {"verified"}
    assert verdicts("vary", table=at_rest, depths=depths_of(moves=0)) == {"refuted"}
    assert verdicts("vary", table=at_rest) == {"depends"}


def test_few_widths_decide_nothing() -> None:
    few = [each[each["width"] <= WIDTHS[1]] for each in (ESCAPE, TIMES_TABLE, DEPTHS_TABLE)]
    found = findings(*few)
    assert not {"verified", "depends"} & {
        each.verdict for each in found if "linear law" not in each.statement
    }
    assert findings(*(each[:0] for each in few)) == []


def test_steps_after_the_escape_are_not_early() -> None:
    ip = ESCAPE[(ESCAPE["scheme"] == IP) & (ESCAPE["trainings"] == MAIN)]
    early = early_steps(ip)
    assert early == [1, 2, 5, 10, 20, 30]
    for growth, law in growth_by_width(ip).values():
        assert growth.value == pytest.approx(law) == pytest.approx(RATE)


class OneFolder(Files):
    """The data set and a metrics.csv in memory."""

    def __init__(self, metrics: pd.DataFrame, data: PreparedDataset = DATA) -> None:
        super().__init__({})
        object.__setattr__(self, "metrics", metrics)
        object.__setattr__(self, "data", data)

    def dataset(self) -> Any:
        return self.data  # type: ignore[attr-defined]

    def table(self, name: str) -> pd.DataFrame:
        found: pd.DataFrame = getattr(self, name)
        return found


def metrics_of(scheme: str, layers: int = 3) -> pd.DataFrame:
    rows = [
        [scheme, width, seed, step, layer, kind, 0.1 * step, 1e-6 * 3.0**step * layer]
        for width in (16, 32)
        for seed in (0, 1)
        for step in (0, 4, 8)
        for layer in range(1, layers + 1)
        for kind in "hx"
    ]
    names = ["scheme", "width", "seed", "step", "layer", "kind", "feature_change"]
    return pd.DataFrame(rows, columns=[*names, "gram_mean_eig"])


SETTINGS: Settings = {
    "recipe": asdict(recipe(steps=8, snapshots=4)), "widths": [16, 24, 32, 64], "samples": 4,
    "seeds": 2,
}  # fmt: skip


@pytest.mark.parametrize("scheme", [IP, "µP"])
def test_tables_are_written_judged_and_drawn(scheme: str, tmp_path: Path) -> None:
    tables = measured(OneFolder(metrics_of(scheme)), SETTINGS)
    for name, table in tables.items():
        write_csv(table, tmp_path / f"{name}.csv")
    read = [read_csv(tmp_path / f"{name}.csv") for name in tables]
    assert [*tables] == ["escape", "escape_times", "escape_depths"]
    assert [tuple(table) for table in read] == [COLUMNS, TIMES, DEPTH_COLUMNS]
    escape, _, depths = read
    assert set(escape["trainings"]) == ({MAIN, SMALL} if scheme == IP else {SMALL})
    assert set(depths["hidden_layers"]) == set(DEPTHS)
    assert set(depths["width"]) == {6, 8, 16}
    assert findings(*read)
    assert isinstance(draw(*read), Figure)
    assert isinstance(draw(*(table[:0] for table in read)), Figure)


def test_the_law_is_not_held_against_trainings_on_more_than_the_probes() -> None:
    data = replace(DATA, probe_inputs=DATA.train_inputs[:3])
    escape = measured(OneFolder(metrics_of(IP), data), SETTINGS)["escape"]
    own = escape[escape["trainings"] == MAIN]
    assert set(own["samples"]) == {3}
    assert own["predicted_square"].isna().all()
    assert escape.loc[escape["trainings"] == SMALL, "predicted_square"].notna().any()


def test_the_experiments_own_trainings_are_its_last_layers() -> None:
    main = main_trainings(metrics_of(IP), 6)
    assert set(main["hidden_layers"]) == {3}
    _, times = with_prediction(main, DATA, recipe(steps=8), [0, 4, 8])
    # 3e-6 · 3^t: between the snapshots at 4 and 8.
    found = times.loc[times["size"] == 1e-3, "step"]
    np.testing.assert_allclose(found, math.log(1e-3 / 3e-6) / math.log(3))
    for other in ({"hidden_layers": 4}, {"activation": "silu"}, {"batch_size": 2}):
        table, times = with_prediction(main, DATA, recipe(steps=8, **other), [0, 4, 8])
        assert table["predicted_square"].isna().all(), "a law for this alone"
        assert times["predicted_step"].isna().all()
        assert times["step"].notna().any()
