"""How far the lazy engine's tolerance moves what is measured, in units of the spread over seeds.

    python benchmarks/lazy_tolerance.py                                  ten minutes on two cores
    python benchmarks/lazy_tolerance.py --widths 512 256 --steps 50      a minute
    python benchmarks/lazy_tolerance.py --name lazy_tolerance_wide --device cuda --at-a-time 3
        --against 0.0001 --tolerances 0.001 --widths 16384 --samples 32  three minutes on one H200

Trains on scikit-learn's digits from the same initial matrices twice: densely, or with a tolerance
far below, and looked at as if they were drawn lazily (`KnownWeights`), so that chance has no part
in the difference. Writes <name>.csv, .md, .png and .pdf to benchmarks/results/ or the folder given
by --out.
"""

import argparse
import itertools
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from contenders import Engine
from machine import cores, processor
from setting import HIDDEN_LAYERS, recipe
from tolerance_report import draw, page
from torch import Tensor
from workers import PROCESSES

from infwidth.datasets.digits import load_digits
from infwidth.datasets.prepare import PreparedDataset, prepare
from infwidth.drawing import style
from infwidth.files.tables import write_csv
from infwidth.measures.features import Features, reduce_snapshots
from infwidth.measures.spectra import spectra_of
from infwidth.measures.tables import metrics_table
from infwidth.network.initialisation import initial_network, initial_stds, learning_rates
from infwidth.network.layers.dense import DenseLayer
from infwidth.network.layers.initial import KnownWeights
from infwidth.network.layers.lazy import LazyLayer, LazyMatrix
from infwidth.network.losses import LOSSES, one_hot
from infwidth.network.mlp import Network
from infwidth.network.precision import PRECISIONS
from infwidth.network.randomness import standard_normal, stream
from infwidth.schemes import SCHEMES
from infwidth.training.train import device_name, log_spaced_steps

logger = logging.getLogger(__name__)

TOLERANCES = (0.01, 0.001)
METRICS = ("feature_change", "gram_min_eig", "spacetime_min_eig")
SNAPSHOTS = 12


@dataclass(frozen=True)
class Setting:
    """The trainings that are compared."""

    width: int
    seeds: int
    steps: int
    samples: int
    test_samples: int
    device: str


@dataclass(frozen=True)
class Outcome:
    """What one training of all seeds ended with.

    Attributes:
        scheme: its name.
        tolerance: 0 for the dense one.
        metrics: rows by name, layer and kind, a column per seed.
        directions: mean number over seeds, layers, forward and backward; NaN for the dense one.
        most: the largest of these numbers.
    """

    scheme: str
    tolerance: float
    metrics: pd.DataFrame
    directions: float
    most: float


def given(network: Network, stds: Sequence[float], seed: int, tolerance: float) -> Network:
    """The network of one seed with hidden matrices that are written down.

    Args:
        network: at its start, of one replica, its hidden layers lazy.
        stds: of an entry, by weight layer.
        seed: of the replica.
        tolerance: of looking at the matrices lazily; 0: densely.
    """
    layers = list(network.layers)
    start = network.hidden[0].initial
    for layer in range(1, len(layers)):
        matrix = drawn(seed, layer, start.shape[-1], start.device).to(network.dtype)
        matrix.mul_(stds[layer])
        layers[layer - 1] = (
            LazyLayer([LazyMatrix(KnownWeights(matrix), matrix, tolerance)])
            if tolerance
            else DenseLayer(matrix[None])
        )
    return Network(network.input_layer, layers, network.activation, network.dtype)


def drawn(seed: int, layer: int, width: int, device: torch.device) -> Tensor:
    """Standard normal draws: on the CPU those of any training; a GPU draws faster by itself."""
    if device.type == "cpu":
        return standard_normal((width, width), stream(seed, "weights", width, layer))
    generator = torch.Generator(device).manual_seed(1000 * seed + layer)
    return torch.randn(width, width, generator=generator, device=device)


def train(setting: Setting, scheme: str, tolerance: float) -> Outcome:
    """Train one scheme with one tolerance, 0 meaning densely, a seed at a time."""
    torch.set_num_threads(1)
    data = prepare(
        load_digits(), pool=1000, samples=setting.samples, test_samples=setting.test_samples
    )
    metrics: list[pd.DataFrame] = []
    counts: list[int] = []
    for seed in range(setting.seeds):
        network, losses = _trained(setting, data, scheme, tolerance, seed)
        parts = [_metrics(network, scheme, setting.width), _losses(network, losses, data)]
        metrics.append(pd.concat(parts).set_axis([seed], axis=1))
        counts += [
            count
            for layer in network.layers
            if isinstance(layer, LazyLayer)
            for matrix in layer.matrices
            for count in (matrix.forward_basis.count, matrix.backward_basis.count)
        ]
        del network  # a GPU has no room for two of the widest
    every = pd.concat(metrics, axis=1)
    if not counts:
        return Outcome(scheme, tolerance, every, np.nan, np.nan)
    return Outcome(scheme, tolerance, every, float(np.mean(counts)), max(counts))


def _trained(
    setting: Setting, data: PreparedDataset, scheme: str, tolerance: float, seed: int
) -> tuple[Network, Tensor]:
    """One seed's network after its training, and its training loss."""
    how, row, width = recipe("lazy"), SCHEMES[scheme], setting.width
    start = initial_network(data, row, width, [seed], how, torch.device(setting.device))
    network = given(start, initial_stds(row, width, how), seed, tolerance)
    engine = Engine(network, data, learning_rates(row, width, how))
    # Test inputs are looked at as often as in any training: their directions count, too.
    snapshots = log_spaced_steps(setting.steps, SNAPSHOTS)
    for step in range(setting.steps):
        if step in snapshots:
            network.test_outputs()
        engine.step()
    return network, engine.losses()


def _metrics(network: Network, scheme: str, width: int) -> pd.DataFrame:
    """Every metric of `metrics.csv`, by metric, layer and kind, and by seed."""
    initial, change = (
        np.stack([np.stack([part.mT.cpu().numpy() for part in layers]) for layers in kinds])
        for kinds in (
            (
                [state.initial for state in network.hidden],
                [state.initial_feature for state in network.hidden],
            ),
            (
                [state.change for state in network.hidden],
                [state.feature_change for state in network.hidden],
            ),
        )
    )
    features = Features(
        width=width,
        unit_roundoff=PRECISIONS["float32"].unit_roundoff,
        steps=np.array([0]),
        seeds=np.arange(initial.shape[2]),
        factors=reduce_snapshots(initial, change[None]),
    )
    table = metrics_table(scheme, width, features, spectra_of(features))
    long = table.melt(["seed", "layer", "kind"], list(METRICS), var_name="metric")
    return long.pivot(index=["metric", "layer", "kind"], columns="seed", values="value")


def _losses(network: Network, losses: Tensor, data: PreparedDataset) -> pd.DataFrame:
    """Training and test loss by seed, in rows as those of `_metrics`."""
    labels = torch.as_tensor(data.test_labels, device=losses.device)
    targets = one_hot(labels, data.classes)
    test = LOSSES["mse"].per_sample(network.test_outputs(), targets).mean(dim=-1)
    names = [("train_loss", HIDDEN_LAYERS + 1, ""), ("test_loss", HIDDEN_LAYERS + 1, "")]
    index = pd.MultiIndex.from_tuples(names, names=["metric", "layer", "kind"])
    values = np.stack([losses.cpu().numpy(), test.cpu().numpy()])
    return pd.DataFrame(values, index, pd.RangeIndex(values.shape[1], name="seed"))


def shifts(reference: Outcome, lazy: Outcome) -> pd.DataFrame:
    """How far each metric moved, in logarithms over their standard deviation over seeds.

    Returns:
        Columns mean_shift (of the mean over seeds, its absolute value) and rms_shift (root mean
        square over seeds); NaN for metrics below resolution.
    """
    logs = np.log(reference.metrics.to_numpy(dtype=float))
    moved = np.log(lazy.metrics.to_numpy(dtype=float)) - logs
    spread = logs.std(axis=1, ddof=1)
    table = reference.metrics.index.to_frame(index=False)
    table["spread"] = spread
    table["mean_shift"] = np.abs(moved.mean(axis=1)) / spread
    table["rms_shift"] = np.sqrt(np.square(moved).mean(axis=1)) / spread
    table.insert(0, "tolerance", lazy.tolerance)
    table.insert(0, "scheme", lazy.scheme)
    table["directions"] = lazy.directions
    table["most_directions"] = lazy.most
    return table


def study(
    settings: Sequence[Setting], tolerances: Iterable[float], against: float, at_a_time: int
) -> pd.DataFrame:
    """All schemes at all tolerances, some trainings at a time."""
    outcomes = {}
    with ProcessPoolExecutor(at_a_time, mp_context=PROCESSES) as pool:
        # The longest trainings, those of the smallest tolerances, come first.
        pending = {
            key: pool.submit(train, *key)
            for key in (
                (setting, scheme, tolerance)
                for setting, tolerance, scheme in itertools.product(
                    settings, [against, *sorted(tolerances)], SCHEMES
                )
            )
        }
        for key, future in pending.items():
            outcomes[key] = future.result()
            logger.info("n = %d, %s, tolerance %g: done", key[0].width, *key[1:])
    return pd.concat(
        [
            shifts(outcomes[setting, scheme, against], outcomes[setting, scheme, tolerance]).assign(
                width=setting.width, samples=setting.samples
            )
            for setting, scheme, tolerance in itertools.product(settings, SCHEMES, tolerances)
        ],
        ignore_index=True,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    # For each number of inputs about the width from which on `layer: auto` takes lazy layers.
    parser.add_argument("--widths", type=int, nargs="+", default=(3072, 1024))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--samples", type=int, nargs="+", default=(32, 8))
    parser.add_argument("--test-samples", type=int, default=64)
    parser.add_argument("--tolerances", type=float, nargs="+", default=TOLERANCES)
    parser.add_argument("--against", type=float, default=0.0, help="the reference; 0: densely")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--at-a-time", type=int, default=cores(), help="trainings side by side")
    parser.add_argument("--name", default="lazy_tolerance")
    results = Path(__file__).parent / "results"
    parser.add_argument("--out", type=Path, default=results, help="folder of the results")
    asked = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    settings = [
        Setting(width, asked.seeds, asked.steps, samples, asked.test_samples, asked.device)
        for width, samples in zip(asked.widths, asked.samples, strict=True)
    ]
    table = study(settings, asked.tolerances, asked.against, asked.at_a_time)
    asked.out.mkdir(parents=True, exist_ok=True)
    write_csv(table, asked.out / f"{asked.name}.csv")
    words = (
        f"{asked.seeds} seeds, {asked.steps} steps, scikit-learn's digits, "
        f"{asked.test_samples} test images, on "
        f"{processor() if asked.device == 'cpu' else device_name(torch.device(asked.device))}"
    )
    text = page(table, words, asked.against)
    (asked.out / f"{asked.name}.md").write_text(text, encoding="utf-8")
    style.save(draw(table), asked.out / asked.name)


if __name__ == "__main__":
    main()
