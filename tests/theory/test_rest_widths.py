"""Trainings at growing width up to rest, against plain ones; what is concluded from them."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from builders import both, dataset, recipe
from matplotlib.figure import Figure

from infwidth.files.tables import read_csv, write_csv
from infwidth.network.initialisation import initial_norms
from infwidth.schemes import SCHEMES
from infwidth.theory.finding import Finding
from infwidth.theory.linearised.edge import edge_of_stability
from infwidth.theory.linearised.measure import initial_tangent_kernel
from infwidth.theory.rest import draw as figure
from infwidth.theory.rest import widths as measure
from infwidth.theory.rest.content import findings, runs
from infwidth.theory.rest.measure import rest_table
from infwidth.theory.rest.names import FRACTIONS
from infwidth.theory.rest.widths import MORE_SEEDS, MOST_STEPS, widths_table

DATA = dataset(6, 14, 1)
WIDTHS = (64, 128, 256)
RECIPE = recipe(steps=150)
OF_THE_EDGE = 0.15


@pytest.fixture(scope="module", autouse=True)
def slow() -> Iterator[None]:
    """A rate at which networks as small as these come to rest, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "OF_THE_EDGE", OF_THE_EDGE)
        yield


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return widths_table(DATA, SCHEMES, WIDTHS, 3, RECIPE)


@pytest.mark.parametrize("scheme", ["SP", "IP", "µP"])
def test_every_number_is_that_of_a_plain_network(table: pd.DataFrame, scheme: str) -> None:
    how = replace(RECIPE, learning_rate=float(table["learning_rate"].iloc[0]))
    _, (plain,) = both(DATA, SCHEMES[scheme], 64, [2], how)
    inputs, labels = torch.as_tensor(DATA.train_inputs), torch.as_tensor(DATA.train_labels)
    norms = initial_norms(DATA, SCHEMES[scheme], 64, how)
    run = table[(table["scheme"] == scheme) & (table["width"] == 64) & (table["seed"] == 2)]
    seen, start, largest, first = run.set_index("step"), torch.zeros(0), 0.0, 0.0
    crossed = dict.fromkeys(FRACTIONS, math.nan)
    for step in range(int(run["step"].max()) + 1):
        hidden, outputs = plain.forward(inputs)
        feature = torch.tanh(hidden[-1]).detach()
        start = feature if step == 0 else start
        errors = outputs.detach().T - torch.nn.functional.one_hot(labels, DATA.classes)
        error = float(errors.norm(dim=1).max())
        first = error if step == 0 else first
        change = float((torch.tensor(plain.step(inputs, labels)) / norms).mean())
        largest = max(largest, change)
        for fraction in FRACTIONS:
            if math.isnan(crossed[fraction]) and error <= fraction * first:
                crossed[fraction] = step
        if step in seen.index:
            row = seen.loc[step]
            moved = (feature - start).norm(dim=0) / start.norm(dim=0)
            expected = {
                "weight_change": change,
                "largest_change": largest,
                "error_signal": error,
                "train_loss": float(0.5 * errors.square().sum(dim=1).mean()),
                "feature_change": float(moved.mean()),
                "feature_min_eig": float(torch.linalg.svdvals(feature)[-1]) ** 2 / 64,
            }
            np.testing.assert_allclose(
                row[[*expected]].astype(float), [*expected.values()], rtol=1e-6
            )
    ended = runs(run).iloc[0]
    assert [ended["steps_0"], ended["steps_1"]] == [*crossed.values()]


def test_the_rate_is_a_part_of_the_edge_of_stability(table: pd.DataFrame) -> None:
    edge = edge_of_stability(DATA, RECIPE)
    assert set(table["learning_rate"]) == {OF_THE_EDGE * edge}
    # At the edge a step of the linear equation turns the steepest error round.
    kernel = initial_tangent_kernel(DATA, SCHEMES["µP"], 999, replace(RECIPE, learning_rate=edge))
    assert np.linalg.eigvalsh(np.eye(6) - kernel / 6)[0] == pytest.approx(-1)
    assert edge_of_stability(DATA, replace(RECIPE, learning_rate=7.0)) == pytest.approx(edge)


def test_a_training_ends_at_rest_or_is_given_up(table: pd.DataFrame) -> None:
    ended = runs(table)
    last = table.groupby(["scheme", "width", "seed"], sort=False)["step"].max()
    assert len(ended) == len(last) == 27 + 9 * MORE_SEEDS
    assert last.nunique() > 10
    assert ended["rests"].to_numpy().tolist() == (last < MOST_STEPS * RECIPE.steps).tolist()
    short = widths_table(DATA, {}, [64], 2, replace(RECIPE, steps=2))
    assert set(short["step"]) == set(range(2 * MOST_STEPS + 1))
    pd.testing.assert_frame_equal(
        short[(short["seed"] == 2) & (short["step"] < 3)].reset_index(drop=True),
        table[
            (table["scheme"] == "µP") & (table["width"] == 64) & (table["seed"] == 2)
            & (table["step"] < 3)
        ].reset_index(drop=True),
        rtol=1e-9,
    )  # fmt: skip


def judged(table: pd.DataFrame, **values: Any) -> list[str]:
    return [found.verdict for found in findings(table.assign(**values))]


def law(table: pd.DataFrame, **powers: float) -> pd.DataFrame:
    """The table with columns of the schemes SP, NTP and µP made to go as powers of n."""
    out = table.copy()
    rows = out["scheme"] != "IP"
    jitter = 1 + 0.02 * np.sin(7 * out["seed"] + out["width"])
    for name, power in powers.items():
        out[name] = out[name].where(~rows, out["width"].astype(float) ** power * jitter)
    return out


def test_a_least_eigenvalue_that_falls_turns_the_verdict(table: pd.DataFrame) -> None:
    ip = table["scheme"] == "IP"
    falling = table["width"] ** -2.0 * (1 + 0.01 * table["seed"])
    table = table.assign(feature_min_eig=table["feature_min_eig"].where(~ip, falling))
    others = ~ip & (table["scheme"] != "µP")
    vanishing = table["width"] ** -0.5 * (1 + 0.01 * table["seed"])
    table["feature_change"] = table["feature_change"].where(~others, vanishing)
    kept = law(table, feature_min_eig=0.0)
    assert judged(kept)[:2] == ["verified", "verified"]
    assert judged(law(kept, feature_min_eig=-1.0))[:2] == ["refuted", "refuted"]
    # Features that move no more in the limit leave nothing to say, and so does a scheme like µP.
    mup = kept["scheme"] == "µP"
    still = kept["feature_change"].where(~mup, vanishing)
    assert judged(kept, feature_change=still)[:2] == ["refuted", "refuted"]
    moving = kept["feature_change"].where(~others, 1 + 0.01 * kept["seed"])
    assert judged(kept, feature_change=moving)[:2] == ["verified", "refuted"]
    # Falling on the way alone.
    late = kept["feature_min_eig"].where(~mup | (kept["step"] == 0), falling * 1e-3)
    assert judged(kept, feature_min_eig=late)[0] == "refuted"


def test_without_rest_nothing_is_concluded(table: pd.DataFrame) -> None:
    kept = law(table, feature_min_eig=0.0, feature_change=0.0)
    mup = kept["scheme"] == "µP"
    assert judged(kept)[0] == "verified"
    one = mup & (kept["width"] == 256) & (kept["seed"] == 2)
    first = kept.groupby(["scheme", "width", "seed"])["error_signal"].transform("first")
    stuck = kept["error_signal"].clip(lower=2 * FRACTIONS[-1] * first)
    found = findings(kept.assign(error_signal=stuck.where(one, kept["error_signal"])))
    assert [found[place].verdict for place in (0, 2)] == ["undetermined", "undetermined"]
    assert (
        f"{9 * MORE_SEEDS - 1} of {9 * MORE_SEEDS} runs came to rest; up to 0.020"
        in found[0].evidence
    )


def test_a_time_that_grows_turns_the_verdict(table: pd.DataFrame) -> None:
    def with_times(power: dict[str, float]) -> list[Finding]:
        starts = table[table["step"] == 0]
        powers = starts["scheme"].map(power)
        times = (
            1e4 * starts["width"].astype(float) ** powers * (1 + 1e-3 * starts["seed"])
        ).round()
        ends = starts.assign(step=times, error_signal=0.005 * starts["error_signal"])
        return findings(pd.concat([starts, ends]))[2:]

    steady = dict.fromkeys(SCHEMES, 0.0)
    assert [found.verdict for found in with_times(steady)] == ["verified", "verified"]
    assert with_times(steady | {"µP": 0.3})[0].verdict == "refuted"
    found = with_times(steady | {"IP": 0.3})
    assert [each.verdict for each in found] == ["verified", "depends"]
    assert found[1].depends_on == "the scheme: not shown of IP"


def test_under_its_resolution_is_no_number(table: pd.DataFrame) -> None:
    hidden = table["feature_min_eig"].where(table["scheme"] != "IP", 1e-20)
    resolution = table["feature_resolution"].where(table["scheme"] != "IP", 1e-18)
    found = findings(table.assign(feature_min_eig=hidden, feature_resolution=resolution))
    assert found[1].verdict != "verified"
    assert "10⁻" not in found[1].evidence.split("IP: ")[1].split(";")[0]


def test_figure(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("rest") / "rest_widths.csv"
    write_csv(table, path)
    again = read_csv(path)
    pd.testing.assert_frame_equal(again, table, check_dtype=False)
    few = rest_table(dataset(4, 12, 1), 32, [0], recipe(), ["tanh", "silu"])
    drawn = figure.draw(few, again)
    assert isinstance(drawn, Figure)
    tanh, silu, *below = drawn.axes
    # A line and two ends for each of µP in full batch and in batches, the conflict, and IP.
    assert [len(ax.lines) for ax in (tanh, silu)] == [12, 6]
    names = [text.get_text() for text in tanh.texts]
    assert names[:2] == ["µP, full batch", "µP, mini-batches"]
    assert len(names) == 4
    # What is named once is not named again.
    assert not silu.texts
    for ax in below:
        assert len(ax.lines) == len(SCHEMES)
        assert {text.get_text() for text in ax.texts} == set(SCHEMES)
    empty = figure.draw(few[:0], again[:0])
    assert all(ax.texts for ax in empty.axes)
