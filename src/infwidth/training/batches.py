"""Which samples take part in each step, as weights in the objective."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from infwidth.network.randomness import stream


def sample_weights(seeds: Sequence[int], samples: int, batch_size: int | None) -> Iterator[Tensor]:
    """Weight of every sample in each step's objective, shape (R, samples), without end.

    Full batch: 1 / samples. Mini-batches: 1 / batch_size on the batch, which runs through
    permutations of the training set that are each seed's own.
    """
    if batch_size is None:
        full = torch.full((len(seeds), samples), 1 / samples, dtype=torch.float64)
        while True:
            yield full
    generators = [stream(seed, "batches") for seed in seeds]
    queues = [torch.empty(0, dtype=torch.long) for _ in seeds]
    while True:
        weights = torch.zeros(len(seeds), samples, dtype=torch.float64)
        for replica, generator in enumerate(generators):
            while len(queues[replica]) < batch_size:
                order = torch.randperm(samples, generator=generator)
                queues[replica] = torch.cat([queues[replica], order])
            batch, queues[replica] = queues[replica][:batch_size], queues[replica][batch_size:]
            # A batch that spans two permutations may hold a sample twice.
            weights[replica].index_add_(
                0, batch, torch.full((batch_size,), 1 / batch_size, dtype=torch.float64)
            )
        yield weights
