"""Networks of one width, all trained at once, as they were at a few steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.network.losses import LOSSES
from infwidth.network.mlp import Network
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.training.batches import Batches
from infwidth.training.descent import Descent

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Inputs:
    """Inputs that a network runs on; it trains on the first of them.

    Attributes:
        data: all of them stand as training inputs, so that the network follows each.
        trained: N, how many it trains on.
    """

    data: PreparedDataset
    trained: int

    @classmethod
    def of(cls, data: PreparedDataset, trained: int) -> "Inputs":
        """The first training inputs, and half as many test inputs, as far as there are any."""
        others = max(1, trained // 2)
        together = PreparedDataset(
            np.concatenate([data.train_inputs[:trained], data.test_inputs[:others]]),
            np.concatenate([data.train_labels[:trained], data.test_labels[:others]]),
            data.test_inputs[:1],
            data.test_labels[:1],
            data.classes,
        )
        return cls(together, min(trained, len(data.train_inputs)))

    def weights(self, seeds: Sequence[int], batch_size: int | None) -> Iterator[Tensor]:
        """Of all inputs in each step's objective, shape (R, inputs); 0 where it does not train."""
        others = len(self.data.train_inputs) - self.trained
        for batch in Batches(seeds, self.trained, batch_size):
            yield torch.nn.functional.pad(batch, (0, others))


@dataclass(frozen=True)
class Ensemble:
    """R networks at a step, those that had not diverged by then.

    Attributes:
        width: n.
        step: t.
        seeds: of each network.
        outputs: shape (R, inputs, classes).
        features: h and x of the last hidden layer, each (R, inputs, n).
        places: of each among those at the start.
    """

    width: int
    step: int
    seeds: NDArray[np.int64]
    outputs: Array
    features: dict[str, Array]
    places: NDArray[np.int64]


def ensembles(
    inputs: Inputs,
    scheme: Scheme,
    width: int,
    seeds: Sequence[int],
    recipe: Recipe,
    steps: Sequence[int],
) -> list[Ensemble]:
    """Train a network for each seed, and look at all of them at these steps."""
    network = initial_network(inputs.data, scheme, width, seeds, recipe, torch.device("cpu"))
    rates = learning_rates(scheme, width, recipe)
    descent = Descent(network, inputs.data, rates, seeds, recipe.loss, None)
    weights = inputs.weights(seeds, recipe.batch_size)
    # Overflowing replicas go on, as NaN, without harm to the others.
    going = torch.ones(len(seeds), dtype=torch.bool)
    seen = []
    for step in range(max(steps) + 1):
        going &= descent.going()
        if step in steps:
            seen.append(_seen(network, width, step, seeds, going))
        if step < max(steps):
            descent.advance(descent.signal(next(weights)))
    return seen


def _seen(network: Network, width: int, step: int, seeds: Sequence[int], going: Tensor) -> Ensemble:
    last = network.hidden[-1]
    features = {"h": last.initial + last.change, "x": last.feature}
    return Ensemble(
        width,
        step,
        np.array(seeds)[going.numpy()],
        network.outputs[going].numpy(),
        {kind: values[going].numpy() for kind, values in features.items()},
        np.flatnonzero(going.numpy()),
    )


def geometric_means(values: Array, groups: int) -> Array:
    """Of the networks 0, G, 2 G, ..., of 1, G + 1, ..., and so on, for G groups.

    Every width has as many rows then, and their scatter is that of independent values.

    Args:
        values: of each network, shape (R,).
        groups: G; no more than R are made.
    """
    count = min(groups, len(values))
    with np.errstate(divide="ignore"):  # what does not differ at all stays 0
        logs = np.log(values)
    return np.exp([logs[group::count].mean() for group in range(count)])


def linear_outputs(
    inputs: Inputs,
    kernel: Array,
    start: Array,
    seeds: Sequence[int],
    recipe: Recipe,
    steps: Sequence[int],
) -> list[Array]:
    """Outputs of the linear equation f' = f - Θ χ(f), on the batches of these seeds.

    Args:
        inputs: of the network.
        kernel: Θ on all of them.
        start: f_0, shape (R, inputs, classes).
        seeds: R of them.
        recipe: for its loss and batches.
        steps: at which they are given, ascending.
    """
    loss, theta = LOSSES[recipe.loss], torch.from_numpy(kernel)
    targets = torch.eye(inputs.data.classes, dtype=torch.float64)[inputs.data.train_labels]
    weights = inputs.weights(seeds, recipe.batch_size)
    outputs = torch.from_numpy(start)
    seen = []
    for step in range(max(steps) + 1):
        if step in steps:
            seen.append(outputs.numpy())
        outputs = outputs - theta @ (loss.gradient(outputs, targets) * next(weights)[:, :, None])
    return seen
