"""Theorem 4.5 under stress."""

import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from builders import PlainNetwork, both, dataset, rates_by_role, recipe

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.initialisation import initial_network
from infwidth.schemes import SCHEMES
from infwidth.theory.finding import Finding
from infwidth.theory.independence.train import replicas, train_activation
from infwidth.theory.setting import OWN
from infwidth.theory.stress import draw as figure
from infwidth.theory.stress.judge import findings, judged
from infwidth.theory.stress.measure import stress_table
from infwidth.theory.stress.names import RATES, SAMPLES, STEPS
from infwidth.theory.stress.sharpness import sharpness
from infwidth.theory.stress.train import (
    EDGES,
    Strained,
    Training,
    all_inputs,
    plan,
    strained_tables,
    wide_enough,
)
from infwidth.training.descent import Descent

WIDTHS = [16, 32, 64, 128]
CPU = torch.device("cpu")


def hessian(network: PlainNetwork, data: PreparedDataset) -> np.ndarray[Any, Any]:
    """Of the mean loss in all weights, by central differences of autograd's gradient."""
    inputs, labels = torch.as_tensor(data.train_inputs), torch.as_tensor(data.train_labels)
    shapes = [weights.shape for weights in network.weights]
    start = torch.cat([weights.detach().flatten() for weights in network.weights])

    def gradient(at: torch.Tensor) -> torch.Tensor:
        parts = np.split(at.numpy(), np.cumsum([shape.numel() for shape in shapes])[:-1])
        network.weights = [
            torch.tensor(part).view(shape).requires_grad_(True)
            for part, shape in zip(parts, shapes, strict=True)
        ]
        loss = network.losses(network.forward(inputs)[1], labels).mean()
        return torch.cat([part.flatten() for part in torch.autograd.grad(loss, network.weights)])

    small = 1e-5
    columns = [
        (gradient(start + small * unit) - gradient(start - small * unit)) / (2 * small)
        for unit in torch.eye(len(start), dtype=torch.float64)
    ]
    return torch.stack(columns).numpy()


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("steps", [0, 4])
def test_the_sharpness_is_that_of_a_hessian_by_finite_differences(loss: str, steps: int) -> None:
    data, width, seeds = dataset(samples=4, dimension=5), 6, [0, 1]
    how = recipe(loss=loss, learning_rate=0.3)
    network, plain = both(data, SCHEMES["µP"], width, seeds, how)
    rates = rates_by_role(SCHEMES["µP"], width, how)
    descent = Descent(network, data, rates, seeds, loss, None)
    for _ in range(steps):
        descent.advance()
    for replica, one in enumerate(plain):
        for _ in range(steps):
            one.step(torch.as_tensor(data.train_inputs), torch.as_tensor(data.train_labels))
        roots = [
            math.sqrt(rate / how.learning_rate)
            for rate, weights in zip(rates, one.weights, strict=True)
            for _ in range(weights.numel())
        ]
        scaled = hessian(one, data) * np.outer(roots, roots)
        largest = np.linalg.eigvalsh((scaled + scaled.T) / 2)[-1]
        assert sharpness(descent, rates, 0.3, replica) == pytest.approx(largest, rel=2e-3)


@pytest.mark.parametrize(("edge", "converges"), [(0.97, True), (1.03, False)])
def test_gradient_descent_is_stable_below_the_edge_and_diverges_above_it(
    edge: float, converges: bool
) -> None:
    """With all layers but the last at rest the squared error is quadratic."""
    data, how = dataset(samples=4), recipe()
    network = initial_network(data, SCHEMES["µP"], 16, [0], how, CPU)
    last = (0.0, 0.0, 0.0, 1 / 16)
    value = sharpness(Descent(network, data, last, [0], "mse", None), last, 1.0, 0)
    rates = tuple(edge * 2 / value * rate for rate in last)
    descent = Descent(network, data, rates, [0], "mse", None)
    sizes = [descent.advance(norms=True) for _ in range(400)]
    first, end = (float(size.sum()) for size in (sizes[200], sizes[-1]) if size is not None)
    assert (end < 0.1 * first) == converges
    assert (end > 10 * first) == (not converges)


def test_the_plan_follows_from_the_settings_of_the_theory() -> None:
    strains = OWN["strains"](None, None)  # type: ignore[arg-type]
    assert strains == [SAMPLES, STEPS, RATES]
    assert [strained.samples for strained in plan(SAMPLES, 8, 200)] == [8, 16, 32, 64, 128]
    assert [strained.samples for strained in plan(SAMPLES, 50, 200)] == [50, 100]
    assert plan(STEPS, 8, 200) == [Strained(STEPS, 32, 2000)]
    assert [strained.edge for strained in plan(RATES, 8, 200)] == list(EDGES)
    widths = [256, 512, 1024, 2048]
    assert wide_enough(Strained(SAMPLES, 8, 1), widths, 2) == widths
    assert wide_enough(Strained(STEPS, 32, 1), widths, 2) == [128, 256, 512, 1024]
    assert wide_enough(Strained(STEPS, 32, 1), widths, 8) == widths
    assert wide_enough(Strained(SAMPLES, 128, 1), widths, 4) == [512, 1024, 2048]
    for samples, counts in ((8, [24, 12, 3]), (64, [6, 6, 3]), (200, [3, 3, 3])):
        assert [len(each) for each in replicas([256, 512, 2048], 3, samples).values()] == counts


def trained(data: PreparedDataset, *settings: Strained, **changes: object) -> list[pd.DataFrame]:
    """The four tables of some settings."""
    tables = strained_tables(
        all_inputs(data), settings, WIDTHS, 1, recipe(snapshots=5, **changes), 2.0
    )
    return [tables[name] for name in ("trainings", "metrics", "spectra", "sharpness")]


def measured(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return stress_table(*tables, activation="tanh", fit_width_ratio=2.0)


def test_settings_are_trained_on_all_images_and_what_does_not_fit_is_told() -> None:
    data = dataset(samples=4, dimension=12, test_samples=4)
    settings = [Strained(SAMPLES, count, 3) for count in (4, 8, 16)]
    tables = trained(data, *settings)
    trainings, metrics, _, sharp = tables
    assert trainings["trainings"].tolist() == [8 + 4 + 2 + 1, 15, 0]
    assert trainings["inputs"].tolist() == [8, 8, 8]
    assert trainings["rank"].tolist() == [4, 8, 8]
    # The same trainings as those of `independence`, on training images, then test images.
    for number, samples in ((0, 4), (1, 8)):
        together = all_inputs(data)
        some = replace(
            together,
            train_inputs=together.train_inputs[:samples],
            train_labels=together.train_labels[:samples],
        )
        how = recipe(steps=3, snapshots=5)
        expected, _ = train_activation(some, [64], 2, how, "tanh")
        own = metrics[(metrics["setting"] == number) & (metrics["width"] == 64)]
        pd.testing.assert_frame_equal(
            own.drop(columns=["strain", "setting"]).reset_index(drop=True), expected
        )
    assert np.array_equal(together.train_inputs[4:], data.test_inputs)
    table = measured(tables)
    assert table.groupby("setting")["step"].max().tolist() == [3, 3, 0]
    assert table["edge"].notna().sum() == (table["trainings"] > 0).sum()
    at_start = sharp[(sharp["setting"] == 0) & (sharp["step"] == 0)]
    assert table.loc[0, "edge"] == pytest.approx(0.5 * at_start["sharpness"].mean() / 2)
    (found,) = [found for found in findings(table, sharp) if "N = 16" in found.statement]
    assert (found.verdict, found.origin) == ("undetermined", "paper")
    assert "not trained: there are 8 images" in found.evidence
    narrow = trained(dataset(samples=16), Strained(SAMPLES, 16, 3))
    (found,) = findings(measured(narrow), narrow[3])
    assert "3 of the widths are wide enough" in found.evidence


def test_a_setting_that_diverges_is_recorded() -> None:
    data = dataset(samples=4)
    tables = trained(data, Strained(RATES, 4, 60, edge=0.5), Strained(RATES, 4, 60, edge=30.0))
    table = measured(tables)
    rate = tables[0]["learning_rate"]
    assert rate[1] / rate[0] == pytest.approx(60)
    start = tables[3].groupby("setting")["edge"].first()
    assert start.tolist() == pytest.approx([0.5, 30], rel=0.3)  # of a seed, not of their mean
    assert table.groupby("setting")["lost"].first().tolist() == [0, 15]
    assert set(table[table["setting"] == 1]["step"]) >= {0, 1}, "as long as they were going"
    found = findings(table, tables[3])
    assert "15 of 15 trainings diverge" in found[1].evidence
    assert "up to 60" in found[0].statement
    assert "up to 60" not in found[1].statement
    assert len(figure.draw(table, tables[3]).axes) == 4


def test_a_repeated_input_is_seen() -> None:
    verdicts = []
    for repeated in ([], [(1, 0)]):
        data = dataset(samples=4, repeated=repeated)
        tables = trained(data, Strained(STEPS, 4, 3))
        (found,) = findings(measured(tables), tables[3])
        verdicts.append((found.verdict == "refuted", found.origin))
    assert verdicts == [(False, "paper"), (True, "here")]
    assert "1 pairs of inputs are equal up to sign" in found.evidence


def row(**changes: Any) -> dict[str, Any]:
    """A row of stress.csv with a limit above zero."""
    start = {
        **asdict(Training(
            strain=SAMPLES, setting=0, samples=8, last_step=9, learning_rate=0.5, inputs=40, wide=4,
            rank=8, parallel_pairs=0, trainings=12,
        )),
        "training": "stress", "activation": "tanh", "scheme": "µP", "step": 9, "layer": 2,
        "kind": "h", "limit": 0.03, "limit_low": 0.02, "limit_high": 0.04, "exponent": 0.0,
        "ci_low": -0.05, "ci_high": 0.05, "ratio_exponent": 0.0, "ratio_low": -0.1,
        "ratio_high": 0.1, "widths": 4, "largest_width": 512.0, "value": 0.025, "resolution": 1e-13,
        "unresolved": 0, "unresolved_from": math.nan, "smallest_seen": 0.01, "feature_change": 0.8,
        "detectable": 0.08,
        "paired_exponent": math.nan, "paired_low": math.nan, "paired_high": math.nan,
        "edge": 0.9, "diverged": 0, "lost": 0,
    }  # fmt: skip
    return start | changes


def sharpnesses(*edges: float, setting: int = 0) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"strain": RATES, "setting": setting, "width": 16, "seed": 0, "step": step,
             "train_loss": 0.1, "sharpness": 2 * edge, "edge": edge}
            for step, edge in enumerate(edges)
        ]
    )  # fmt: skip


def judge(*rows: dict[str, Any]) -> list[Finding]:
    return findings(pd.DataFrame(rows), sharpnesses(0.5, 1.0))


@pytest.mark.parametrize(
    ("planted", "verdict"),
    [
        ({}, "verified"),
        ({"exponent": -0.2, "ci_low": -0.22, "ci_high": -0.18}, "undetermined"),
        ({"exponent": -0.4, "ci_low": -0.5, "ci_high": -0.3}, "refuted"),
        ({"detectable": 0.3}, "undetermined"),
        # What cannot be asked of the theorem.
        ({"exponent": -0.4, "ci_low": -0.5, "ci_high": -0.3, "diverged": 1}, "verified"),
        ({"layer": 1, "rank": 7, "ci_high": -0.3}, "verified"),
        ({"layer": 1, "rank": 7, "ci_high": -0.3, "kind": "x"}, "refuted"),
    ],
)
def test_each_setting_has_its_verdict(planted: dict[str, Any], verdict: str) -> None:
    rank = {"rank": planted.get("rank", 8)}
    others = [row(**rank), row(setting=1, samples=16)]
    found = judge(*others, row(step=10, **planted))
    assert [finding.verdict for finding in found] == [verdict, "verified"]
    assert {finding.origin for finding in found} == {"paper"}
    assert "N = 16" in found[1].statement
    assert ("left out" in found[0].evidence) == ("rank" in planted and "kind" not in planted)


@pytest.mark.parametrize("planted", [{"activation": "relu"}, {"parallel_pairs": 2}])
def test_where_the_assumptions_do_not_hold_the_paper_says_nothing(planted: dict[str, Any]) -> None:
    (found,) = judge(row(**planted))
    assert (found.source, found.origin) == ("here", "here")


@pytest.mark.parametrize(
    ("edges", "diverged", "verdict"),
    [
        ([(0.5, 1.7, 0.96), (2.0, 9.0)], [0, 5], "verified"),
        ([(0.5, 0.6, 0.55), (2.0, 9.0)], [0, 5], "refuted"),
        ([(0.5, 1.7, 0.96), (2.0, 1.0)], [0, 0], "refuted"),
        ([(0.5, 1.7, 0.96), (2.0, 9.0)], [1, 5], "refuted"),
    ],
)
def test_the_edge_is_read_off_the_sharpness(
    edges: list[tuple[float, ...]], diverged: list[int], verdict: str
) -> None:
    rows = [
        row(strain=RATES, setting=number, step=step, diverged=lost if step else 0, lost=lost)
        for number, lost in enumerate(diverged)
        for step in (0, 1)
    ]
    sharp = pd.concat([sharpnesses(*each, setting=k) for k, each in enumerate(edges)])
    found = findings(pd.DataFrame(rows), sharp)[-1]
    assert (found.verdict, found.origin) == (verdict, "here")
    assert judged(pd.DataFrame(rows))["diverged"].sum() == 0


def test_limits_are_drawn_and_where_there_is_none_the_value() -> None:
    none = {"limit": math.nan, "limit_low": math.nan, "limit_high": math.nan, "value": 0.007}
    rows = [
        row(strain=strain, setting=setting, samples=8 * 2**setting, step=step, layer=layer,
            kind=kind, learning_rate=1.0 + setting, **(none if setting == 1 else {}))
        for strain, count in ((SAMPLES, 3), (STEPS, 1), (RATES, 2))
        for setting in range(count)
        for step in (0, 3, 9)
        for layer in (1, 2)
        for kind in ("h", "x")
    ]  # fmt: skip
    drawn = figure.draw(pd.DataFrame(rows), sharpnesses(0.5, 1.7, 0.9))
    heights = [np.unique(np.asarray(line.get_ydata(), float)) for line in drawn.axes[0].lines]
    seen = {float(value) for part in heights for value in part if np.isfinite(value)}
    assert seen == {0.03, 0.007}
    labels = {text.get_text() for text in drawn.axes[0].texts}
    assert labels == {"layer 1", "layer 2"}
    empty = figure.draw(pd.DataFrame([row(trainings=0)]), sharpnesses(0.5)[:0])
    assert "no measurements" in {text.get_text() for ax in empty.axes for text in ax.texts}
