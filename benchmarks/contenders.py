"""The ways of training one and the same network that are compared, behind one interface.

All are the 3-hidden-layer tanh MLP of `config.yaml` on N = 32 inputs of 3,072 numbers, full batch,
mean squared error; they differ in how they get from one step to the next. What a user writes by
hand trains one replica on the raw inputs; the dense engine trains several at once.
"""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import torch
from by_hand import plain, with_mup
from setting import operations, random_data, recipe
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.network.layers.lazy import LazyLayer
from infwidth.network.mlp import Network
from infwidth.schemes import Scheme
from infwidth.training.descent import Descent

Directions = tuple[tuple[int, int], ...]


class Contender(Protocol):
    """A training under way."""

    def step(self) -> float:
        """One step of every replica; returns the mean training loss before it."""

    def directions(self) -> Directions:
        """Numbers of directions (forward, backward) of each lazy layer of the first replica."""


@dataclass(frozen=True)
class Kind:
    """One row of the comparison.

    Attributes:
        title: in tables and figures.
        build: (width, scheme, seed) -> a training at its start.
        replicas: trained by one process at once.
        side_by_side: whether trainings run on one core each, as many as there are cores; if not,
            one training has all cores.
    """

    title: str
    build: Callable[[int, Scheme, int], Contender]
    replicas: int
    side_by_side: bool


class Engine:
    """A network of this project, stepped as `infwidth.training.train` does it."""

    def __init__(self, network: Network, data: PreparedDataset, rates: tuple[float, ...]) -> None:
        """Go on from the network's present state."""
        self.network = network
        replicas = range(len(network.outputs))
        self.descent = Descent(network, data, rates, replicas, loss="mse", batch_size=None)

    def step(self) -> float:
        """One step of every replica; returns the mean training loss before it."""
        losses = self.losses()
        if not bool(self.descent.going().all()):
            raise ArithmeticError("the training diverged: its time says nothing")
        self.descent.advance()
        return float(losses.mean())

    def losses(self) -> Tensor:
        """The training loss of each replica."""
        return self.descent.losses

    def directions(self) -> Directions:
        """Numbers of directions (forward, backward) of each lazy layer of the first replica."""
        lazy = (layer for layer in self.network.layers if isinstance(layer, LazyLayer))
        first = (layer.matrices[0] for layer in lazy)
        return tuple((w.forward_basis.count, w.backward_basis.count) for w in first)


def _engine(layer: str, replicas: int, width: int, scheme: Scheme, seed: int) -> Contender:
    """`replicas` networks of the project; no two seeds share one."""
    seeds = range(replicas * seed, replicas * (seed + 1))
    how, data = recipe(layer), random_data()
    network = initial_network(data, scheme, width, seeds, how, torch.device("cpu"))
    return Engine(network, data, learning_rates(scheme, width, how))


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "plain": Kind("by hand", plain, 1, side_by_side=False),
        "plain_side_by_side": Kind("by hand, one core each", plain, 1, side_by_side=True),
        "mup": Kind("by hand, mup", with_mup, 1, side_by_side=False),
        "dense": Kind("dense", functools.partial(_engine, "dense", 5), 5, side_by_side=True),
        "lazy": Kind("lazy", functools.partial(_engine, "lazy", 1), 1, side_by_side=True),
    }
)


def timed_steps(kind: Kind, width: int, most: int, budget: float = 1.5e11) -> int:
    """How many steps to time where each costs the same: as many as the operations allow."""
    return max(3, min(most, math.ceil(budget / (operations(width) * kind.replicas))))
