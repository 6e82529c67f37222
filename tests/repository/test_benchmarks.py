"""The benchmarks run, their tables hold together, and the contenders compute the same thing."""

import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from builders import dataset, dense_weights, raw_input_weights

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import gpu
import lazy_tolerance
import mini_batches
import speed
from by_hand import plain, with_mup
from contenders import KINDS, Engine
from lazy_tolerance import Outcome, shifts
from setting import recipe

from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.schemes import SCHEMES


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmarks") / "results"
    out = ("--out", str(folder))
    with pytest.MonkeyPatch.context() as patch:
        # Threads wait long for each other where other tests keep the cores busy.
        patch.setenv("OMP_NUM_THREADS", "1")
        speed.main(["--quick", *out])
        tiny = "--widths 64 32 --seeds 2 --steps 5 --samples 6 3 --test-samples 4"
        tiny += " --tolerances 0.1 0.01"
        lazy_tolerance.main([*tiny.split(), *out])
        mini_batches.main(["--quick", *out])
        gpu.main(["--device", "cpu", "--widths", "16", "--steps", "3", *out])
    return folder


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", keep_default_na=False, na_values=[""])


def test_mini_batches_are_timed_in_turns(results: Path) -> None:
    timed = table(results, "mini_batches")
    assert timed.groupby(["dimension", "width"]).size().tolist() == [2, 2, 2, 2]
    assert (timed[list(mini_batches.KINDS)] > 0).all(axis=None)
    page = (results / "mini_batches.md").read_text()
    assert page.count("| 3072 |") == page.count("| 64 | 128 |") + 1 == 2


def test_every_contender_is_timed_at_every_width(results: Path) -> None:
    timed = table(results, "speed")
    for width in (64, 256):
        assert set(timed["contender"][timed["width"] == width]) == set(KINDS)
    lazy = timed[timed["contender"] == "lazy"]
    assert set(lazy["scheme"][lazy["width"] == 256]) == set(SCHEMES)
    assert 1024 in set(lazy["width"])
    assert (timed[["rate", "core_seconds", "steps", "rounds", "threads"]] > 0).all(axis=None)
    assert (timed["rate_low"] <= timed["rate"]).all()
    assert (timed["rate"] <= timed["rate_high"]).all()
    dense = timed[timed["contender"] == "dense"]
    assert dense["roofline_fraction"].gt(0).all()
    assert timed.loc[timed["contender"] != "dense", "roofline_fraction"].isna().all()
    if Path("/proc/self/status").exists():
        assert (timed["memory"] >= 0).all()
    [machine] = table(results, "machine").to_dict("records")
    assert machine["operations"] > 0
    assert machine["bytes"] > 0
    assert machine["processor"]


def test_ratios_and_medians_are_those_of_the_rounds(results: Path) -> None:
    rounds, ratios = table(results, "rounds"), table(results, "ratios")
    keys = ["contender", "scheme", "width", "steps"]
    medians = rounds.groupby(keys)["rate"].median()
    summary = table(results, "speed").set_index(keys)["rate"]
    pd.testing.assert_series_equal(summary.sort_index(), medians, rtol=1e-9)
    assert len(ratios) == 2 * 4
    for row in ratios.itertuples():
        above, below = (
            rounds[
                (rounds["contender"] == name)
                & (rounds["scheme"] == "µP")
                & (rounds["width"] == row.width)
            ]
            .sort_values("steps")
            .groupby("round")["rate"]
            .last()
            for name in str(row.ratio).split("/")
        )
        assert row.median == pytest.approx((above / below).median())


def test_directions_are_recorded(results: Path) -> None:
    directions = table(results, "directions")
    assert set(directions["layer"]) == {2, 3}
    assert (directions[["forward", "backward"]] > 0).all(axis=None)
    assert (directions["forward"] <= directions["width"]).all()
    assert set(directions["scheme"]) == set(SCHEMES)


def test_every_metric_of_every_scheme_has_its_shift(results: Path) -> None:
    study = table(results, "lazy_tolerance")
    # Three metrics of three layers, before and after the activation, and two losses.
    assert len(study) == 2 * 4 * 2 * (3 * 3 * 2 + 2)
    sizes = study.groupby(["samples", "scheme", "tolerance"]).size()
    assert (sizes == 20).all()
    shifted = study.dropna(subset=["mean_shift"])
    assert set(shifted["scheme"]) == set(SCHEMES)
    assert (shifted["mean_shift"] <= shifted["rms_shift"] * (1 + 1e-9)).all()
    assert set(zip(study["width"], study["samples"], strict=True)) == {(64, 6), (32, 3)}
    worst = study.groupby(["scheme", "tolerance"])["rms_shift"].max().unstack()
    assert (worst[0.01] < worst[0.1]).any()
    assert (study["directions"] <= study["most_directions"]).all()


def test_a_device_does_not_differ_from_itself(results: Path) -> None:
    differences = table(results, "gpu")
    assert len(differences) == 2 * 2 * len(SCHEMES)
    assert (differences["difference"] == 0).all()
    assert (differences[["seconds_cpu", "seconds_gpu"]] > 0).all(axis=None)
    assert "dense, full, 16" in (results / "gpu.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["speed", "lazy_tolerance"])
def test_pages_and_figures_are_written(results: Path, name: str) -> None:
    page = (results / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith("# ")
    assert "nan" not in page
    assert (results / f"{name}.png").stat().st_size > 10_000
    assert (results / f"{name}.pdf").stat().st_size > 5_000


def test_shift_is_the_difference_of_logarithms_over_their_spread() -> None:
    index = pd.MultiIndex.from_tuples([("train_loss", 4, "")], names=["metric", "layer", "kind"])
    dense = pd.DataFrame([[1.0, 100.0]], index)
    lazy = pd.DataFrame([[10.0, 100.0]], index)
    [row] = shifts(Outcome("SP", 0, dense, 0, 0), Outcome("SP", 0.1, lazy, 3, 4)).to_dict("records")
    # In powers of ten: spread √2, shifts 1 and 0.
    assert row["mean_shift"] == pytest.approx(0.5 / 2**0.5)
    assert row["rms_shift"] == pytest.approx(0.5)


@pytest.mark.parametrize("hand", [plain, with_mup])
def test_networks_by_hand_take_the_steps_of_the_engine(hand: object) -> None:
    data, width, scheme = dataset(8, 20), 48, SCHEMES["µP"]
    how = recipe("dense", precision="float64")
    network = initial_network(data, scheme, width, [3], how, torch.device("cpu"))
    weights = [raw_input_weights(network, data, 0), *dense_weights(network, 0)]
    assert callable(hand)
    written = hand(width, scheme, 0, data=data, weights=weights)
    engine = Engine(network, data, learning_rates(scheme, width, how))
    losses = [(engine.step(), written.step()) for _ in range(4)]
    for ours, theirs in losses:
        assert theirs == pytest.approx(ours, rel=1e-4)
    assert losses[3][0] < 0.9 * losses[0][0]


@pytest.mark.parametrize("name", ["SP", "NTP", "IP"])
def test_the_plain_network_does_so_under_every_scheme(name: str) -> None:
    data, width, scheme = dataset(8, 20), 48, SCHEMES[name]
    how = recipe("dense", precision="float64")
    network = initial_network(data, scheme, width, [3], how, torch.device("cpu"))
    weights = [raw_input_weights(network, data, 0), *dense_weights(network, 0)]
    written = plain(width, scheme, 0, data=data, weights=weights)
    engine = Engine(network, data, learning_rates(scheme, width, how))
    for _ in range(3):
        assert written.step() == pytest.approx(engine.step(), rel=1e-4)


@pytest.mark.parametrize("name", KINDS)
def test_every_contender_learns(name: str) -> None:
    contender = KINDS[name].build(32, SCHEMES["µP"], 0)
    losses = [contender.step() for _ in range(30)]
    assert losses[-1] < 0.8 * losses[0]
    assert bool(contender.directions()) == (name == "lazy")


def test_mup_knows_no_other_scheme() -> None:
    with pytest.raises(ValueError, match="µP"):
        with_mup(32, SCHEMES["SP"], 0)
