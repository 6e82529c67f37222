from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from infwidth.files.tables import read_csv, write_csv
from infwidth.measures.features import Features, reduce_snapshots
from infwidth.measures.spectra import spectra_of
from infwidth.measures.tables import collect, metrics_table
from infwidth.training.record import CURVES, TrainingRecord

STEPS, LAYERS, SEEDS, SAMPLES = [0, 1, 7], 2, [0, 1, 2], 3


def training(tmp_path: Path, scheme: str, width: int, diverged: bool = False) -> tuple[Path, Path]:
    """Features and curves files of made-up features; seed 1 may diverge at step 5."""
    rng = np.random.default_rng(width)
    shape = (2, LAYERS, len(SEEDS), width, SAMPLES)
    change = rng.standard_normal((len(STEPS), *shape))
    change[0] = 0.0
    curves = {name: rng.uniform(size=(len(STEPS), len(SEEDS))) for name in CURVES}
    if diverged:
        change[2, :, :, 1] = np.nan
        for values in curves.values():
            values[2, 1] = np.nan
    record = TrainingRecord(
        steps=np.array(STEPS),
        seeds=np.array(SEEDS),
        unit_roundoff=2.0**-53,
        initial=rng.standard_normal(shape),
        change=change,
        curves=curves,
        diverged={1: 5} if diverged else {},
        device="a processor",
    )
    folder = tmp_path / scheme / str(width)
    folder.mkdir(parents=True)
    record.save(folder / "snapshots.npz", folder / "curves.npz")
    Features.of_snapshots(folder / "snapshots.npz").save(folder / "features.npz")
    return folder / "features.npz", folder / "curves.npz"


def test_a_replica_whose_features_are_all_zero_keeps_its_rows() -> None:
    """ReLU in a few units: ‖x^0‖ = 0, of which nothing is a part."""
    rng = np.random.default_rng(0)
    width, seeds = 2, 3
    initial = rng.standard_normal((2, 1, seeds, width, 4))
    initial[1, 0, 1, :, 2] = 0.0
    change = np.stack([np.zeros_like(initial), 0.1 * rng.standard_normal(initial.shape)])
    change[:, :, :, 2] = np.nan  # diverged, and so left out
    features = Features(
        width=width,
        unit_roundoff=2.0**-53,
        steps=np.array([0, 9]),
        seeds=np.arange(seeds),
        factors=reduce_snapshots(initial, change),
    )
    table = metrics_table("SP", width, features, spectra_of(features))
    assert sorted(set(table["seed"])) == [0, 1]
    missing = table[table["feature_change"].isna()]
    assert set(zip(missing["seed"], missing["kind"], strict=True)) == {(1, "x")}
    assert len(missing) == 2
    assert not np.isinf(table["feature_change"]).any()


def test_every_row_of_metrics_csv_against_the_features_themselves(tmp_path: Path) -> None:
    files = training(tmp_path, "SP", 20)
    with np.load(tmp_path / "SP/20/snapshots.npz") as arrays:
        initial, change = arrays["initial"], arrays["change"]
    metrics = collect([("SP", 20, *files)]).metrics
    assert len(metrics) == len(STEPS) * 2 * LAYERS * len(SEEDS)
    for row in metrics.to_dict("records"):
        kind, layer, seed = "hx".index(row["kind"]), row["layer"] - 1, row["seed"]
        start = initial[kind, layer, seed]
        moved = change[STEPS.index(row["step"]), kind, layer, seed]
        ratio = np.linalg.norm(moved, axis=0) / np.linalg.norm(start, axis=0)
        gram = np.linalg.svd(start + moved, compute_uv=False) ** 2 / 20
        both = np.linalg.svd(np.hstack([start, start + moved]), compute_uv=False) ** 2 / 20
        assert row["feature_change"] == pytest.approx(ratio.mean())
        assert row["gram_min_eig"] == pytest.approx(gram[-1])
        assert row["gram_mean_eig"] == pytest.approx(gram.mean())
        assert row["gram_max_eig"] == pytest.approx(gram[0])
        assert row["spacetime_max_eig"] == pytest.approx(both[0])
        if row["step"] == 0:
            assert np.isnan(row["spacetime_min_eig"])  # exactly singular: under its resolution
            assert row["spacetime_resolution"] > 0
        else:
            assert row["spacetime_min_eig"] == pytest.approx(both[-1])


def test_columns_are_the_documented_ones(tmp_path: Path) -> None:
    tables = collect([("SP", 20, *training(tmp_path, "SP", 20))])
    assert ",".join(tables.metrics.columns) == (
        "scheme,width,seed,step,layer,kind,feature_change,gram_min_eig,gram_mean_eig,gram_max_eig,"
        "spacetime_min_eig,spacetime_max_eig,resolution,spacetime_resolution"
    )
    assert ",".join(tables.runs.columns) == (
        "scheme,width,seed,step,train_loss,train_accuracy,test_loss,test_accuracy,weight_change"
    )
    assert ",".join(tables.diverged.columns) == "scheme,width,seed,step"


def test_runs_stand_in_the_order_of_schemes_and_widths_with_their_values(tmp_path: Path) -> None:
    trainings = [(s, n, *training(tmp_path, s, n)) for s in ("µP", "SP") for n in (20, 9)]
    runs = collect(trainings).runs
    assert runs[["scheme", "width"]].drop_duplicates().to_numpy().tolist() == [
        ["µP", 20],
        ["µP", 9],
        ["SP", 20],
        ["SP", 9],
    ]
    with np.load(tmp_path / "SP/9/curves.npz") as arrays:
        values = arrays["values"]
    row = runs[(runs["scheme"] == "SP") & (runs["width"] == 9)].set_index(["seed", "step"])
    assert row.loc[(2, 7), "test_loss"] == values[CURVES.index("test_loss"), 2, 2]


def test_a_diverged_replica_has_a_row_in_diverged_csv_and_none_after_its_step(
    tmp_path: Path,
) -> None:
    tables = collect([("SP", 20, *training(tmp_path, "SP", 20, diverged=True))])
    assert tables.diverged.to_numpy().tolist() == [["SP", 20, 1, 5]]
    for table in (tables.metrics, tables.runs):
        steps = table.groupby("seed")["step"].max()
        assert steps.to_dict() == {0: 7, 1: 1, 2: 7}
    assert np.isfinite(tables.spectra["eigenvalue"]).all()


def test_spectra_are_means_and_ranges_over_the_seeds_that_finished(tmp_path: Path) -> None:
    tables = collect([("SP", 20, *training(tmp_path, "SP", 20, diverged=True))])
    metrics, spectra = tables.metrics, tables.spectra
    last = metrics[(metrics["step"] == 7) & (metrics["layer"] == 2) & (metrics["kind"] == "x")]
    row = spectra[
        (spectra["step"] == 7)
        & (spectra["layer"] == 2)
        & (spectra["kind"] == "x")
        & (spectra["index"] == 0)
    ].set_index("matrix")
    for matrix in ("gram", "spacetime"):
        seeds = last[f"{matrix}_min_eig"]
        assert len(seeds) == 2
        assert row["eigenvalue"][matrix] == pytest.approx(np.exp(np.log(seeds).mean()))
        assert row["eigenvalue_low"][matrix] == pytest.approx(seeds.min())
        assert row["eigenvalue_high"][matrix] == pytest.approx(seeds.max())


def test_csv_files_give_back_every_bit_and_an_na_scheme(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "scheme": ["NA", "µP"],
            "value": [0.1 + 0.2, np.nan],
            "agrees": ["", "true"],
        }
    )
    write_csv(table, tmp_path / "table.csv")
    again = read_csv(tmp_path / "table.csv")
    pd.testing.assert_frame_equal(again, table, check_dtype=False)
    assert again["value"][0] == 0.1 + 0.2
