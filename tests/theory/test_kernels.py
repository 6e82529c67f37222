"""Measured Gram matrices against the kernels in closed form."""

import functools
from collections.abc import Sequence
from dataclasses import replace

import builders
import numpy as np
import pandas as pd
import pytest
import torch
from brute_force import brute_force
from matplotlib.figure import Figure
from numpy.typing import NDArray

from infwidth.datasets.prepare import PreparedDataset
from infwidth.measures.features import Features, reduce_snapshots
from infwidth.network.initialisation import initial_network
from infwidth.schemes import SCHEMES
from infwidth.theory.gaussian import nngp
from infwidth.theory.kernels import draw as figure
from infwidth.theory.kernels.judge import findings
from infwidth.theory.kernels.measure import kernels_table

Array = NDArray[np.float64]

SAMPLES, LAYERS = 5, 3
WIDTHS, SEEDS = (64, 128, 256, 512), range(8)
DATA = builders.dataset(samples=SAMPLES)
GRAM = DATA.train_inputs @ DATA.train_inputs.T


@functools.cache
def features(scheme: str, width: int, data: PreparedDataset = DATA) -> Features:
    """Features at step 0, as a training leaves them."""
    how = builders.recipe(hidden_layers=LAYERS)
    network = initial_network(data, SCHEMES[scheme], width, SEEDS, how, builders.CPU)
    initial = np.stack(
        [
            np.stack([state.initial.mT.numpy() for state in network.hidden]),
            np.stack([state.initial_feature.mT.numpy() for state in network.hidden]),
        ]
    )
    factors = reduce_snapshots(initial, np.zeros((1, *initial.shape)))
    return Features(width, 2.0**-53, np.array([0]), np.array(SEEDS), factors)


def measured(
    names: Sequence[str] = ("NTP", "IP", "µP"),
    data: PreparedDataset = DATA,
    claimed: str | None = None,
    init_std: float = 1.0,
) -> pd.DataFrame:
    """kernels.csv of small networks; `claimed`: the scheme whose variances they should have."""
    return kernels_table(
        data.train_inputs,
        [(name, features(name, width, data)) for name in names for width in WIDTHS],
        {name: SCHEMES[claimed or name] for name in names},
        activation="tanh",
        init_std=init_std,
        reference_width=1.0,
        hidden_layers=LAYERS,
    )


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return measured()


def verdicts(table: pd.DataFrame) -> list[str]:
    return [finding.verdict for finding in findings(table)]


def test_rows_against_the_features_themselves(table: pd.DataFrame) -> None:
    assert len(table) == 3 * len(WIDTHS) * len(SEEDS) * LAYERS * 2
    network = initial_network(
        DATA, SCHEMES["IP"], 128, SEEDS, builders.recipe(hidden_layers=LAYERS), builders.CPU
    )
    kernel = GRAM
    for layer, state in enumerate(network.hidden, 1):
        for kind, values in (("h", state.initial[3]), ("x", state.initial_feature[3])):
            kernel = brute_force(kernel, torch.tanh) if kind == "x" else kernel
            gram = (values @ values.T).numpy() / 128
            row = table[
                (table["scheme"] == "IP")
                & (table["width"] == 128)
                & (table["seed"] == 3)
                & (table["layer"] == layer)
                & (table["kind"] == kind)
            ].iloc[0]
            error = np.linalg.norm(gram - kernel) / np.linalg.norm(kernel)
            assert row["error"] == pytest.approx(error, rel=1e-9)
            assert row["min_eig"] == pytest.approx(np.linalg.eigvalsh(gram)[0], rel=1e-6)
            eigenvalues = np.linalg.eigvalsh(kernel)
            assert row["limit_min_eig"] == pytest.approx(eigenvalues[0], rel=1e-6)
            assert row["limit_mean_eig"] == pytest.approx(eigenvalues.mean(), rel=1e-9)
        kernel = kernel / 128


def test_all_statements_hold_of_real_networks(table: pd.DataFrame) -> None:
    found = findings(table)
    assert [finding.verdict for finding in found] == ["verified"] * 3
    assert "NTP, IP, µP" in found[0].statement
    # IP's kernel shrinks with the width: it has no limit.
    assert "(NTP, µP)" in found[1].statement
    assert "24 of 24" not in found[0].evidence
    assert "18 of 18" in found[0].evidence


def test_a_wrong_power_or_size_of_the_variance_is_seen() -> None:
    assert verdicts(measured(["µP"], claimed="IP"))[0] == "refuted"
    assert verdicts(measured(["IP"], claimed="µP"))[0] == "refuted"
    assert verdicts(measured(["µP"], init_std=1.1)) == ["refuted", "verified", "undetermined"]


def test_dependent_inputs_are_not_called_independent() -> None:
    data = builders.dataset(samples=SAMPLES, repeated=[(1, 0)])
    found = measured(["µP"], data=data)
    assert found["limit_min_eig"].isna().all()
    assert verdicts(found)[1] == "undetermined"
    # As many samples as can be independent, and one more.
    narrow = builders.dataset(samples=SAMPLES, dimension=SAMPLES - 1)
    found = measured(["µP"], data=narrow)
    inputs = (found["layer"] == 1) & (found["kind"] == "h")
    assert found.loc[inputs, "limit_min_eig"].isna().all()
    assert found.loc[~inputs, "limit_min_eig"].notna().all()
    evidence = findings(found)[1].evidence
    assert "h of layer 1 (µP) is below its resolution" in evidence


def test_least_eigenvalues_that_stay_away_are_seen(table: pd.DataFrame) -> None:
    away = table.assign(min_eig=table["min_eig"] * np.where(table["layer"] == 2, 0.01, 1))
    assert verdicts(away)[2] == "refuted"
    leaving = table.assign(min_eig=table["limit_min_eig"] * (1 + table["width"] / 64))
    assert verdicts(leaving)[2] == "refuted"


def test_few_widths_or_one_seed_decide_no_exponent(table: pd.DataFrame) -> None:
    for few in (table[table["width"] <= 128], table[table["seed"] == 0]):
        assert verdicts(few) == ["undetermined", "verified", "undetermined"]
    assert verdicts(table.iloc[:0]) == ["undetermined"] * 3


def test_rows_of_a_training_that_never_started_are_left_out() -> None:
    whole = features("µP", 64)
    broken = replace(whole, factors=whole.factors.copy())
    broken.factors[:, :, :, 2] = np.nan
    found = kernels_table(
        DATA.train_inputs, [("µP", broken)], SCHEMES,
        activation="tanh", init_std=1.0, reference_width=1.0, hidden_layers=LAYERS,
    )  # fmt: skip
    assert set(found["seed"]) == {*SEEDS} - {2}


def test_the_figure_draws_what_is_in_the_table(table: pd.DataFrame) -> None:
    drawn = figure.draw(table)
    assert isinstance(drawn, Figure)
    titles = [ax.get_title() for ax in drawn.axes]
    assert titles[1:] == ["Kernels with a limit", "Kernels that vary with $n$"]
    limit = nngp(GRAM, (1.0,) * LAYERS, torch.tanh)[-1].preactivation
    heights = [np.asarray(line.get_ydata(), dtype=float) for line in drawn.axes[1].lines]
    least = np.linalg.eigvalsh(limit)[0]
    assert any(np.allclose(height, least) for height in heights)
    errors = table[(table["scheme"] == "IP") & (table["kind"] == "h") & (table["layer"] == 3)]
    means = np.exp(np.log(errors["error"]).groupby(errors["width"]).mean())
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in drawn.axes[0].lines]
    assert any(len(line) == len(means) and np.allclose(line, means) for line in lines)


def test_figures_of_parts_of_a_table(table: pd.DataFrame) -> None:
    for part in (table.iloc[:0], table[table["width"] == 64], table[table["scheme"] == "IP"]):
        assert isinstance(figure.draw(part), Figure)
