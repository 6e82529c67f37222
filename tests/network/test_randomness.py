"""Streams of random numbers: that they are streams of their own."""

from itertools import product

import torch

from infwidth.network.randomness import standard_normal, stream


def test_no_two_streams_of_a_large_run_are_the_same() -> None:
    """PyTorch's generator on the CPU takes the lower half of a seed."""
    one, other = (
        standard_normal((8,), torch.Generator().manual_seed(seed)) for seed in (5, 5 + 2**32)
    )
    assert torch.equal(one, other)
    widths = [2**power for power in range(4, 21)]
    streams = [
        *(stream(*key) for key in product(range(20), ["weights"], widths, range(9))),
        *(stream(*key, 0) for key in product(range(20), ["untrained input directions"], widths)),
        *(stream(seed, "batches") for seed in range(20)),
    ]
    lower = {generator.initial_seed() % 2**32 for generator in streams}
    assert len(lower) == len(streams) == 20 * (17 * 9 + 17 + 1)
