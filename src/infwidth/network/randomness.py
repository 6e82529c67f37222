"""Random streams: each is fixed by what it is for, so that no run depends on its companions.

A stream's key is the replica's seed and the place it fills (the width and the layer, or the batch
order). The scheme is not in it: all schemes start from the same standard normal draws, which pairs
their comparison, and adding a width, a scheme or a seed changes no other run. Draws are made on the
CPU in float32 whatever the device and precision, so that these change no initial weight.

PyTorch's generator on the CPU takes the lower 32 of a seed's 64 bits: two of n streams are the same
with a probability of n² / 2^33, one in a million for the hundred streams of an experiment.
"""

import numpy as np
import torch
from torch import Tensor

_PURPOSES = ("weights", "untrained input directions", "batches", "untrained hidden directions")


def stream(seed: int, purpose: str, *place: int) -> torch.Generator:
    """The generator of one replica for one purpose and place.

    >>> bool((stream(0, "weights", 64, 1).initial_seed() ==
    ...       stream(0, "weights", 64, 1).initial_seed()))
    True
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(_PURPOSES.index(purpose), *place))
    return torch.Generator().manual_seed(int(sequence.generate_state(1, np.uint64)[0]))


def standard_normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Independent N(0, 1) draws on the CPU, float32."""
    return torch.randn(shape, generator=generator, dtype=torch.float32)
