"""Whole trainings: curves and snapshots against a plain loop, and what must not matter."""

import logging
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from builders import both, dataset, recipe
from numpy.typing import NDArray

from infwidth.measures.features import KINDS, reduce_snapshots
from infwidth.measures.spectra import spectra
from infwidth.network.initialisation import initial_network
from infwidth.network.layers.dense import DenseLayer
from infwidth.network.precision import precision_on
from infwidth.network.randomness import stream
from infwidth.schemes import SCHEMES, Scheme
from infwidth.training import train as training
from infwidth.training.record import CURVES, TrainingRecord
from infwidth.training.train import log_spaced_steps, train

OWN = Scheme(init_variance=(0.1, -1, -0.8), learning_rate=(0.3, -0.4, -0.9))
SMALL = dataset(5, 14, 4)
# Every array of these sizes has replicas that are multiples of 64 bytes apart. The libraries'
# products may round differently elsewhere, so only here can numbers be the same to the last bit.
ALIGNED = dataset(16, 64, 16, classes=16)
WIDTH = 64


def numbers(record: TrainingRecord) -> dict[str, NDArray[np.floating]]:
    """All that was recorded, with the replicas first."""
    features = {
        "initial": np.moveaxis(record.initial, 2, 0),
        "change": np.moveaxis(record.change, 3, 0),
    }
    return features | {name: values.T for name, values in record.curves.items()}


def assert_same(one: TrainingRecord, other: TrainingRecord, seeds: Sequence[int]) -> None:
    """The seeds' numbers are the same in both, bit by bit."""
    places = [[list(record.seeds).index(seed) for seed in seeds] for record in (one, other)]
    for name, values in numbers(one).items():
        np.testing.assert_array_equal(
            values[places[0]], numbers(other)[name][places[1]], err_msg=name
        )


@pytest.mark.parametrize(
    ("steps", "count"), [(1, 2), (2, 2), (200, 2), (200, 8), (200, 12), (5, 100), (1000, 3)]
)
def test_snapshots_are_spaced_evenly_in_log_step(steps: int, count: int) -> None:
    chosen = log_spaced_steps(steps, count)
    assert chosen[0] == 0
    assert chosen[-1] == steps
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= count
    if count > 3:
        # Gaps below one step in the ideal spacing are as fine as steps get.
        ratio = steps ** (1 / (count - 2))
        for one, other in pairwise(chosen[1:]):
            assert other == one + 1 or abs(np.log(other / one / ratio)) < 1 / one
    if count > steps:
        assert chosen == list(range(steps + 1))


def batch(seed: int, step: int, samples: int, batch_size: int | None) -> list[int]:
    """The samples of one step: consecutive slices of the seed's permutations."""
    if batch_size is None:
        return list(range(samples))
    generator = stream(seed, "batches")
    order: list[int] = []
    while len(order) < (step + 1) * batch_size:
        order += torch.randperm(samples, generator=generator).tolist()
    return order[step * batch_size : (step + 1) * batch_size]


@pytest.mark.parametrize("batch_size", [None, 1, 2])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_a_training_is_plain_gradient_descent(loss: str, batch_size: int | None) -> None:
    """Curves and snapshots at every step, against raw inputs, autograd and loops."""
    width, seeds, steps = 20, (3, 0), 7
    how = recipe(loss=loss, batch_size=batch_size, steps=steps, snapshots=100, init_std=1.3)
    record = train(SMALL, OWN, width, seeds, how)
    assert record.steps.tolist() == list(range(steps + 1))
    assert record.seeds.tolist() == [3, 0]
    assert record.diverged == {}
    inputs, labels = torch.as_tensor(SMALL.train_inputs), torch.as_tensor(SMALL.train_labels)
    tests, test_labels = torch.as_tensor(SMALL.test_inputs), torch.as_tensor(SMALL.test_labels)
    sizes = [14, width, width, width, 3]
    for replica, one in enumerate(both(SMALL, OWN, width, seeds, how)[1]):
        start, moved = one.forward(inputs)[0], 0.0
        for step in range(steps + 1):
            hidden, outputs = one.forward(inputs)
            test_outputs = one.forward(tests)[1]
            expected = [
                float(one.losses(outputs, labels).mean()),
                np.mean([int(f.argmax()) == y for f, y in zip(outputs.T, labels, strict=True)]),
                float(one.losses(test_outputs, test_labels).mean()),
                np.mean(
                    [int(f.argmax()) == y for f, y in zip(test_outputs.T, test_labels, strict=True)]
                ),
                moved,
            ]
            for name, value in zip(CURVES, expected, strict=True):
                assert record.curves[name][step, replica] == pytest.approx(value, rel=1e-9), name
            for layer, (h, h0) in enumerate(zip(hidden, start, strict=True)):
                for kind, (value, origin) in enumerate(((h, h0), (h.tanh(), h0.tanh()))):
                    np.testing.assert_allclose(
                        record.initial[kind, layer, replica], origin, rtol=1e-10, atol=1e-12
                    )
                    np.testing.assert_allclose(
                        record.change[step, kind, layer, replica],
                        value - origin,
                        rtol=0,
                        atol=1e-11 * float(abs(value - origin).max()),
                    )
            taken = batch(seeds[replica], step, len(labels), batch_size)
            norms = one.step(inputs[taken], labels[taken])
            roles = ("input", "hidden", "hidden", "output")
            rms = [
                OWN.init_std(role, width, sigma=1.3) * (sizes[layer] * sizes[layer + 1]) ** 0.5  # type: ignore[arg-type]
                for layer, role in enumerate(roles)
            ]
            moved = float(np.mean(np.divide(norms, rms)))


@pytest.mark.parametrize("seeds", [(0,), (4,), (4, 0), (2, 7, 0), (0, 2, 4, 7, 1, 9)])
@pytest.mark.parametrize("batch_size", [None, 3])
def test_a_seeds_numbers_do_not_depend_on_its_companions(
    seeds: tuple[int, ...], batch_size: int | None
) -> None:
    how = recipe(precision="float32", batch_size=batch_size)
    whole = train(ALIGNED, SCHEMES["µP"], WIDTH, (0, 2, 4, 7), how)
    assert_same(
        train(ALIGNED, SCHEMES["µP"], WIDTH, seeds, how),
        whole,
        [seed for seed in seeds if seed in whole.seeds],
    )
    assert len({values.tobytes() for values in np.moveaxis(whole.initial, 2, 0)}) == 4


def test_nor_beyond_rounding_at_sizes_that_libraries_treat_unevenly() -> None:
    how = recipe(hidden_layers=2)
    whole = train(SMALL, SCHEMES["µP"], 33, (0, 2, 4), how)
    alone = numbers(train(SMALL, SCHEMES["µP"], 33, (4,), how))
    for name, values in numbers(whole).items():
        np.testing.assert_allclose(alone[name][0], values[2], rtol=1e-9, atol=1e-12)


def test_schemes_start_from_the_same_draws() -> None:
    sp, ntp, ip, mup = (
        train(ALIGNED, SCHEMES[name], WIDTH, (0, 2), recipe(steps=1)).initial for name in SCHEMES
    )
    np.testing.assert_array_equal(sp, ntp)
    np.testing.assert_array_equal(sp, mup)
    np.testing.assert_array_equal(sp[:, 0], ip[:, 0])
    np.testing.assert_array_equal(sp[0, 1] / 8, ip[0, 1])
    outputs = []
    for name in ("SP", "µP"):
        cpu = torch.device("cpu")
        layer = initial_network(ALIGNED, SCHEMES[name], WIDTH, (0, 2), recipe(), cpu).layers[-1]
        assert isinstance(layer, DenseLayer)
        outputs.append(layer.weights)
    assert torch.equal(outputs[0] / 8, outputs[1])


def test_neither_other_widths_nor_torchs_own_generator_matter() -> None:
    how = recipe(batch_size=3, steps=2)
    torch.manual_seed(1)
    first = train(ALIGNED, OWN, WIDTH, (0, 2), how)
    wider = train(ALIGNED, OWN, 2 * WIDTH, (0, 2), how)
    torch.manual_seed(2)
    assert_same(train(ALIGNED, OWN, WIDTH, (0, 2), how), first, (0, 2))
    # A width's draws are its own, not a corner of a wider network's.
    corner = wider.initial[0, 0, :, :WIDTH] / first.initial[0, 0]
    assert corner.std() > 0.5


def test_precisions_start_from_the_same_draws() -> None:
    """At this width standard deviations are powers of two, so even the weights are the same."""
    runs = [train(ALIGNED, SCHEMES["SP"], WIDTH, (0,), recipe(precision=p)) for p in
            ("float64", "float32")]  # fmt: skip
    assert [run.initial.dtype for run in runs] == [np.float64, np.float32]
    assert [run.unit_roundoff for run in runs] == [2.0**-53, 2.0**-24]
    for exact, single in zip(*(numbers(run).values() for run in runs), strict=True):
        scale = abs(exact).max(axis=(-1, -2) if exact.ndim > 2 else -1, keepdims=True)
        np.testing.assert_allclose(exact / (scale + 1e-300), single / (scale + 1e-300), atol=1e-5)


def test_tf32_is_float32_where_there_is_no_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    single, tf32 = (
        train(ALIGNED, SCHEMES["SP"], WIDTH, (0,), recipe(precision=name))
        for name in ("float32", "tf32")
    )
    assert_same(single, tf32, (0,))
    assert tf32.unit_roundoff == 2.0**-24
    # PyTorch would let a CPU's products have fewer digits, too.
    assert torch.get_float32_matmul_precision() == "highest"
    gpu = torch.device("cuda")
    for supported, roundoff in ((False, 2.0**-24), (True, 2.0**-11)):
        monkeypatch.setattr(torch.cuda, "is_tf32_supported", lambda answer=supported: answer)
        assert precision_on(gpu, "tf32").unit_roundoff == roundoff
        assert precision_on(torch.device("cpu"), "tf32").unit_roundoff == 2.0**-24
        assert precision_on(gpu, "float64").unit_roundoff == 2.0**-53


def test_movements_of_small_features_are_as_fine_as_their_resolution_says() -> None:
    """φ(h) with an absolute error left 6e-33, told as resolved."""
    data = dataset(8, 12, 1)
    least = []
    for precision in ("float32", "float64"):
        how = recipe(precision=precision, init_std=0.003, steps=5)
        record = train(data, SCHEMES["SP"], 512, (0,), how)
        factors = reduce_snapshots(record.initial, record.change)[-1, KINDS.index("x"), 1, 0]
        least.append(spectra(factors, 512, record.unit_roundoff))
    single, exact = least
    assert exact.spacetime[0] > exact.spacetime_resolution
    assert single.spacetime[0] < exact.spacetime[0] + single.spacetime_resolution


def test_progress_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, logger="infwidth")
    record = train(SMALL, OWN, 8, (0, 1), recipe(steps=3), label="own n=8")
    (line,) = caplog.messages
    assert line.startswith(
        f"own n=8: step 3/3, loss {record.curves['train_loss'][-1].mean():.4g}, "
    )
    assert line.endswith(" 0 s left")
    caplog.clear()
    monkeypatch.setattr(training, "SECONDS_BETWEEN_REPORTS", 0.0)
    train(SMALL, OWN, 8, (0, 1), recipe(steps=3), label="own n=8")
    assert [line.split(",")[0] for line in caplog.messages] == [
        f"own n=8: step {step}/3" for step in range(4)
    ]
