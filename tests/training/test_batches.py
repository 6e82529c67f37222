"""Mini-batches as weights of the samples."""

from itertools import islice

import pytest
import torch
from torch import Tensor

from infwidth.network.randomness import stream
from infwidth.training.batches import Batches


def batches(seeds: list[int], samples: int, batch_size: int | None, steps: int) -> Tensor:
    """Weights of the first steps: (steps, R, samples)."""
    return torch.stack(list(islice(Batches(seeds, samples, batch_size), steps)))


def test_a_full_batch_weighs_all_samples_alike() -> None:
    assert torch.equal(
        batches([4, 0], 5, None, 3), torch.full((3, 2, 5), 1 / 5, dtype=torch.float64)
    )
    assert torch.equal(batches([4, 0], 5, 5, 3), batches([4, 0], 5, None, 3))


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 6, 12])
def test_every_epoch_takes_every_sample_once(batch_size: int) -> None:
    epoch = 12 // batch_size
    weights = batches([4, 0, 1], 12, batch_size, 3 * epoch)
    assert set(weights.flatten().tolist()) <= {0, 1 / batch_size}
    assert ((weights > 0).sum(dim=-1) == batch_size).all()
    for start in (0, epoch, 2 * epoch):
        counts = (weights[start : start + epoch] * batch_size).sum(dim=0)
        assert (counts == 1).all()


@pytest.mark.parametrize(("samples", "batch_size"), [(5, 2), (5, 3), (3, 7), (1, 4)])
def test_batches_that_span_epochs_still_take_every_sample_equally_often(
    samples: int, batch_size: int
) -> None:
    weights = batches([4, 0], samples, batch_size, 2 * samples)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2 * samples, 2).double())
    torch.testing.assert_close(
        (weights * batch_size).sum(dim=0), torch.full((2, samples), 2.0 * batch_size).double()
    )
    # At no time is one sample more than one use ahead of another.
    uses = (weights * batch_size).cumsum(dim=0)
    assert (uses.amax(dim=-1) - uses.amin(dim=-1)).max() < 1 + 1e-9


def test_batches_are_slices_of_the_seeds_own_permutations() -> None:
    for replica, seed in enumerate([4, 0]):
        generator = stream(seed, "batches")
        order = torch.cat([torch.randperm(5, generator=generator) for _ in range(3)]).tolist()
        for step, weights in enumerate(batches([4, 0], 5, 2, 7)[:, replica]):
            expected = [order[2 * step : 2 * step + 2].count(sample) / 2 for sample in range(5)]
            assert weights.tolist() == expected


def test_a_seeds_order_does_not_depend_on_its_companions() -> None:
    together = batches([4, 0, 1], 12, 5, 20)
    for replica, seed in enumerate([4, 0, 1]):
        assert torch.equal(batches([seed], 12, 5, 20)[:, 0], together[:, replica])


def test_seeds_and_epochs_have_orders_of_their_own() -> None:
    orders = batches(list(range(60)), 6, 1, 12).argmax(dim=-1)
    first, second = orders[:6].T.tolist(), orders[6:].T.tolist()
    assert len({tuple(order) for order in first}) > 50
    assert sum(one == other for one, other in zip(first, second, strict=True)) < 5
    for place in range(6):
        assert {order[place] for order in first} == set(range(6))
