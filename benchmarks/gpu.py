"""How near trainings on a GPU come to those on the CPU, and how long both take.

    python benchmarks/gpu.py                          two minutes on one H200
    python benchmarks/gpu.py --device cpu --widths 64 a trial where there is no GPU

The same seeds draw the same numbers on both, so that rounding alone tells dense trainings apart;
lazily drawn ones are other samples of the same distribution. Each is trained in full batch and in
mini-batches, under every scheme. Writes gpu.csv and gpu.md to benchmarks/results/ or the folder
given by --out.
"""

import argparse
import itertools
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from machine import cores, processor
from setting import SAMPLES, recipe
from tables import markdown
from workers import PROCESSES

from infwidth.datasets.digits import load_digits
from infwidth.datasets.prepare import PreparedDataset, prepare
from infwidth.files.tables import write_csv
from infwidth.measures.features import Features
from infwidth.measures.spectra import spectra_of
from infwidth.measures.tables import metrics_table
from infwidth.numbers import number
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES
from infwidth.training.train import device_name, train

METRICS = ("feature_change", "gram_min_eig", "spacetime_min_eig")
SEEDS = range(3)


def trained(data: PreparedDataset, scheme: str, width: int, how: Recipe) -> pd.DataFrame:
    """Metrics and losses of one training, a row for each, and its seconds."""
    start = time.perf_counter()
    record = train(data, SCHEMES[scheme], width, SEEDS, how)
    seconds = time.perf_counter() - start
    features = Features.of_record(record)
    table = metrics_table(scheme, width, features, spectra_of(features))
    last = table[table["step"] == how.steps]
    rows = last.melt(["seed", "layer", "kind"], list(METRICS), var_name="metric")
    losses = pd.DataFrame(
        {
            "seed": record.seeds,
            "layer": 0,
            "kind": "",
            "metric": "train_loss",
            "value": record.curves["train_loss"][-1],
        }
    )
    table = pd.concat([rows, losses]).assign(seconds=seconds)
    return table.set_index(["seed", "layer", "kind", "metric"])


def compared(data: PreparedDataset, widths: Sequence[int], steps: int, device: str) -> pd.DataFrame:
    """Both trainings of every scheme, width, layer kind and batch; lazily at the largest width."""
    settings = [
        (layer, batch, steps, width, scheme)
        for layer, batch, width, scheme in itertools.product(
            ("dense", "lazy"), (None, 8), widths, SCHEMES
        )
        if layer == "dense" or width == max(widths)
    ]
    with ProcessPoolExecutor(cores(), mp_context=PROCESSES) as pool:
        pending = [pool.submit(_trained, data, *setting, "cpu") for setting in settings]
        there = [_trained(data, *setting, device) for setting in settings]
        here = [future.result() for future in pending]
    return pd.concat(
        [
            first.join(second, lsuffix="_cpu", rsuffix="_gpu")
            .reset_index()
            .assign(layers=layer, batch=batch or 0, width=width, scheme=scheme)
            for first, second, (layer, batch, _, width, scheme) in zip(
                here, there, settings, strict=True
            )
        ],
        ignore_index=True,
    )


def _trained(
    data: PreparedDataset,
    layer: str,
    batch: int | None,
    steps: int,
    width: int,
    scheme: str,
    device: str,
) -> pd.DataFrame:
    torch.set_num_threads(1)
    how = replace(recipe(layer, tolerance=0.001), steps=steps, batch_size=batch, device=device)
    return trained(data, scheme, width, how)


def differences(table: pd.DataFrame) -> pd.DataFrame:
    """The largest relative difference and the seconds, by layers, batch, width and scheme."""
    relative = (table["value_gpu"] / table["value_cpu"] - 1).abs()
    groups = table.assign(difference=relative).groupby(
        ["layers", "batch", "width", "scheme"], sort=False
    )
    values: pd.DataFrame = groups[["difference", "seconds_cpu", "seconds_gpu"]].max()
    return values.reset_index()


def page(table: pd.DataFrame, words: str) -> str:
    """Markdown: a row per kind of training, a column per scheme; from `differences`."""
    rows = []
    for (layers, batch, width), part in table.groupby(["layers", "batch", "width"], sort=False):
        seconds = part[["seconds_cpu", "seconds_gpu"]].sum()
        rows.append(
            [
                f"{layers}, {batch or 'full'}, {width}",
                *(number(value, 2) for value in part["difference"]),
                f"{seconds['seconds_cpu']:.1f}",
                f"{seconds['seconds_gpu']:.1f}",
            ]
        )
    header = ["layers, batch, n", *SCHEMES, "seconds, CPU", "seconds, GPU"]
    return f"""# A GPU beside the CPU

{words}

Cells hold the largest relative difference between the two, over feature change, least eigenvalue
and least space-time eigenvalue of every layer, pre- and post-activations, training loss, and seeds,
at the last step. Dense trainings differ by rounding. Lazily drawn ones are other samples of the
same distribution: rounding decides which directions are looked at, and so which numbers are drawn
for them. Seconds are of all schemes and seeds together, on the GPU and on one core.

{markdown(header, rows)}"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--widths", type=int, nargs="+", default=(256, 1024))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--device", default="cuda")
    results = Path(__file__).parent / "results"
    parser.add_argument("--out", type=Path, default=results, help="folder of the results")
    asked = parser.parse_args(arguments)
    data = prepare(load_digits(), pool=1000, samples=SAMPLES, test_samples=64)
    table = differences(compared(data, asked.widths, asked.steps, asked.device))
    asked.out.mkdir(parents=True, exist_ok=True)
    write_csv(table, asked.out / "gpu.csv")
    words = (
        f"{len(SEEDS)} seeds, {asked.steps} steps, scikit-learn's digits, N = {SAMPLES}, float32, "
        f"lazily drawn at tolerance 0.001: {device_name(torch.device(asked.device))} beside "
        f"{processor()}."
    )
    (asked.out / "gpu.md").write_text(page(table, words), encoding="utf-8")


if __name__ == "__main__":
    main()
