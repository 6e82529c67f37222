"""Mini-batch training: the engine, with probes that follow, beside a plain PyTorch loop.

    python benchmarks/mini_batches.py             three minutes on a quiet core
    python benchmarks/mini_batches.py --quick     seconds

Both are the 3-hidden-layer tanh MLP under µP on one core, batch 64 of 5,000 random unit inputs of
3,072 numbers (as CIFAR-10 has) or of 64 (as the digits). By hand it is `nn.Sequential`, autograd
and `torch.optim.SGD`, one seed at a time; the engine trains five seeds, with 32 probes. They
take turns, so that what else this machine does meets both. Beside them stand the products alone
that a step of one seed cannot do without: forward, backward but for the inputs, updates.

Writes mini_batches.csv and mini_batches.md to benchmarks/results/ or the folder given by --out.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from by_hand import ByHand, plain
from machine import processor
from setting import CLASSES, HIDDEN_LAYERS, SAMPLES, recipe

from infwidth.datasets.prepare import PreparedDataset
from infwidth.files.tables import write_csv
from infwidth.network.initialisation import initial_probed_network, learning_rates
from infwidth.numbers import number
from infwidth.schemes import SCHEMES
from infwidth.training.descent import SampledDescent

TRAINED = 5000
BATCH = 64
REPLICAS = 5
DIMENSIONS = (3072, 64)
WIDTHS = (64, 128, 256, 512, 1024)
# A turn lasts about as long for every width; the first steps of a training are not timed.
SECONDS_A_TURN = 0.7
WARM_UP = 8
MUP = SCHEMES["µP"]


def data_of(dimension: int, trained: int = TRAINED) -> PreparedDataset:
    """Unit inputs of random direction: time does not depend on images."""
    inputs = np.random.default_rng(0).standard_normal((trained, dimension))
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    labels = np.arange(trained) % CLASSES
    return PreparedDataset(inputs, labels, inputs[:1], labels[:1], CLASSES, inputs[:SAMPLES])


def by_hand(data: PreparedDataset, width: int) -> Callable[[], float]:
    """A step of one seed, on the next rows of a permutation."""
    whole: ByHand = plain(width, MUP, 0, data=data)
    inputs, targets = whole.inputs, whole.targets
    order: list[torch.Tensor] = []

    def step() -> float:
        if not order:
            order.extend(
                torch.randperm(len(inputs))[: len(inputs) // BATCH * BATCH].view(-1, BATCH)
            )
        rows = order.pop()
        whole.inputs, whole.targets = inputs[rows], targets[rows]
        return whole.step()

    return step


def engine(data: PreparedDataset, width: int) -> Callable[[], object]:
    """A step of all seeds, as `infwidth.training.train` takes it."""
    how, seeds = replace(recipe("dense"), batch_size=BATCH), range(REPLICAS)
    network = initial_probed_network(data, MUP, width, seeds, how, torch.device("cpu"))
    rates = learning_rates(MUP, width, how)
    return SampledDescent(network, data, rates, seeds, "mse", BATCH).advance


def products(data: PreparedDataset, width: int) -> Callable[[], object]:
    """The products that a step of one seed cannot do without, each as fast as it goes alone."""
    dimension = data.train_inputs.shape[1]
    shapes = [(dimension, width), *[(width, width)] * (HIDDEN_LAYERS - 1), (width, CLASSES)]
    weights = [torch.randn(shape) for shape in shapes]
    features = [torch.randn(BATCH, shape[0]) for shape in shapes]
    signals = [torch.randn(BATCH, shape[1]) for shape in shapes]

    def step() -> None:
        for w, x in zip(weights, features, strict=True):
            torch.mm(x, w)
        for w, y in zip(weights[1:], signals[1:], strict=True):
            torch.mm(y, w.T)
        for w, x, y in zip(weights, features, signals, strict=True):
            w.addmm_(x.T, y, alpha=-1e-9)

    return step


KINDS = {"by_hand": (by_hand, 1), "engine": (engine, REPLICAS), "products": (products, 1)}


def turns(
    width: int, data: PreparedDataset, rounds: int, seconds: float
) -> Iterator[dict[str, object]]:
    """Milliseconds of one seed's step: a row for each kind and round."""
    steps = {name: make(data, width) for name, (make, _) in KINDS.items()}
    for step in steps.values():
        for _ in range(WARM_UP):
            step()
    for turn in range(rounds):
        row: dict[str, object] = {
            "dimension": data.train_inputs.shape[1], "width": width, "round": turn
        }  # fmt: skip
        for name, step in steps.items():
            start, count = time.perf_counter(), 0
            while time.perf_counter() - start < seconds:
                step()
                count += 1
            elapsed = time.perf_counter() - start
            row[name] = 1e3 * elapsed / count / KINDS[name][1]
        yield row


def page(table: pd.DataFrame) -> str:
    """The table in words; medians over rounds, and the ratio's range."""
    lines = [
        "# Mini-batch training beside a plain PyTorch loop",
        "",
        f"One core of {processor()}, batch {BATCH} of {TRAINED:,} inputs, µP, float32; "
        "milliseconds of one seed's step, medians over rounds. The engine's include 32 probes. The "
        "ratio is that of by hand to the engine in one round (median, least and largest). "
        "*Products* are those that an exact step cannot do without, each alone: what lies beyond "
        "them is all that can be won.",
        "",
        "| numbers an input | width n | by hand | engine | ratio | products | by hand / products |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (dimension, width), rows in table.groupby(["dimension", "width"], sort=False):
        ratio = rows["by_hand"] / rows["engine"]
        middle = rows.median()
        cells = [
            f"{dimension}", f"{width}", number(middle["by_hand"], 3), number(middle["engine"], 3),
            f"{number(ratio.median(), 3)} ({number(ratio.min(), 3)} – {number(ratio.max(), 3)})",
            number(middle["products"], 3),
            number(float((rows["by_hand"] / rows["products"]).median()), 3),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="seconds: no number counts")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (default 7)")
    results = Path(__file__).parent / "results"
    parser.add_argument("--out", type=Path, default=results, help="folder of the results")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    widths = WIDTHS[:2] if asked.quick else WIDTHS
    rounds, seconds = (2, 0.01) if asked.quick else (asked.rounds, SECONDS_A_TURN)
    rows = [
        row
        for dimension in DIMENSIONS
        for width in widths
        for row in turns(width, data_of(dimension), rounds, seconds)
    ]
    table = pd.DataFrame(rows)
    asked.out.mkdir(parents=True, exist_ok=True)
    write_csv(table, asked.out / "mini_batches.csv")
    (asked.out / "mini_batches.md").write_text(page(table), encoding="utf-8")


if __name__ == "__main__":
    main()
