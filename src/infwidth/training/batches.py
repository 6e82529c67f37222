"""Which samples take part in each step: their weights in the objective, or their places."""

from collections.abc import Sequence

import torch
from torch import Tensor

from infwidth.network.randomness import stream
from infwidth.network.state import State


class Batches:
    """Weight of every sample in each step's objective, shape (R, samples), without end.

    Full batch: 1 / samples. Mini-batches: 1 / batch_size on the batch, which runs through
    permutations of the training set that are each seed's own.
    """

    def __init__(self, seeds: Sequence[int], samples: int, batch_size: int | None) -> None:
        """Before the first step; no `batch_size` is full batch."""
        self._samples = samples
        self._batch_size = batch_size
        self._generators = [stream(seed, "batches") for seed in seeds]
        # What is left of each seed's latest permutation.
        self._queues = [torch.empty(0, dtype=torch.long) for _ in seeds]

    def __iter__(self) -> "Batches":
        """Itself."""
        return self

    def __next__(self) -> Tensor:
        """The next step's weights."""
        replicas, size = len(self._queues), self._batch_size
        if size is None:
            return torch.full((replicas, self._samples), 1 / self._samples, dtype=torch.float64)
        weights = torch.zeros(replicas, self._samples, dtype=torch.float64)
        # A batch that spans two permutations may hold a sample twice.
        share = torch.full((replicas, size), 1 / size, dtype=torch.float64)
        return weights.scatter_add_(1, self.indices(), share)

    def indices(self) -> Tensor:
        """Which samples the next step takes, shape (R, batch_size)."""
        replicas, size = len(self._queues), self._batch_size
        if size is None:
            return torch.arange(self._samples).expand(replicas, -1)
        batch = torch.empty(replicas, size, dtype=torch.long)
        for replica, generator in enumerate(self._generators):
            queue = self._queues[replica]
            while len(queue) < size:
                queue = torch.cat([queue, torch.randperm(self._samples, generator=generator)])
            batch[replica], self._queues[replica] = queue[:size], queue[size:]
        return batch

    def state(self) -> State:
        """Of the streams, and what is left of their permutations."""
        return {
            "streams": [generator.get_state() for generator in self._generators],
            "queues": self._queues,
        }

    def restore(self, state: State) -> None:
        """Take over a state of the same seeds."""
        for generator, each in zip(self._generators, state["streams"], strict=True):
            generator.set_state(each)
        self._queues = list(state["queues"])
