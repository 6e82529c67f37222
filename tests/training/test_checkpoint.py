"""A training that was interrupted gives the same bytes, and a bad checkpoint no wrong ones."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from builders import dataset, recipe, with_probes

from infwidth.network.layers.dense import DenseLayer
from infwidth.network.layers.directions import Rows
from infwidth.network.layers.initial import GaussianWeights
from infwidth.network.layers.lazy import LazyMatrix
from infwidth.network.state import take_tensors
from infwidth.schemes import SCHEMES, Scheme, built_in
from infwidth.training.checkpoint import Checkpoints
from infwidth.training.record import TrainingRecord
from infwidth.training.train import train

TRAINING = {"scheme": "µP", "width": 48}
STEPS = 12
KINDS: dict[str, dict[str, Any]] = {
    "dense": {},
    "float32": {"precision": "float32"},
    "lazy": {"layer": "lazy", "precision": "float32"},
    "lazy mini-batches": {"layer": "lazy", "batch_size": 2},
    "mini-batches": {"batch_size": 2, "loss": "cross_entropy", "activation": "silu"},
    "probed": {"batch_size": 3, "probes": 2, "precision": "float32"},
    "lazy and probed": {"batch_size": 3, "probes": 2, "layer": "lazy"},
}


class Interrupted(Checkpoints):
    """Gets a signal after a number of steps."""

    left = 1
    signal = signal.SIGTERM

    def after_step(self, changing: Any) -> None:
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), self.signal)
        super().after_step(changing)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """As they were, afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def trained(
    checkpoints: Checkpoints | None = None,
    scheme: Scheme = SCHEMES["µP"],
    probes: int | None = None,
    **changes: Any,
) -> TrainingRecord:
    settings = recipe(steps=STEPS, snapshots=5, **changes)
    data = with_probes(dataset(), probes) if probes else dataset()
    return train(data, scheme, 48, range(3), settings, checkpoints=checkpoints)


def interrupted(
    path: Path, after: int, by: signal.Signals = signal.SIGTERM, **changes: Any
) -> None:
    checkpoints = Interrupted(path, TRAINING, seconds=1e6)
    checkpoints.stop_when_asked()
    checkpoints.left, checkpoints.signal = after, by
    with pytest.raises(SystemExit) as stop:
        trained(checkpoints, **changes)
    assert stop.value.code == 128 + by


def assert_same(found: TrainingRecord, expected: TrainingRecord) -> None:
    for name in ("steps", "seeds", "initial", "change"):
        assert getattr(found, name).dtype == getattr(expected, name).dtype
        assert getattr(found, name).tobytes() == getattr(expected, name).tobytes(), name
    for name, values in expected.curves.items():
        assert found.curves[name].tobytes() == values.tobytes(), name
    assert found.diverged == expected.diverged


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_twice_it_comes_out_the_same(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "folder/checkpoint.pt"
    interrupted(path, 2, **KINDS[kind])
    interrupted(path, 5, signal.SIGINT, **KINDS[kind])
    checkpoints = Checkpoints(path, TRAINING, seconds=1e6)
    steps = []
    checkpoints.after_step = lambda changing: steps.append(changing.state()["step"])  # type: ignore[method-assign]
    record = trained(checkpoints, **KINDS[kind])
    assert steps == list(range(8, STEPS + 1)), "it went on where it was"
    assert_same(record, trained(**KINDS[kind]))


@pytest.mark.parametrize("kind", ["dense", "lazy"])
def test_a_first_step_of_its_own_is_not_taken_twice(kind: str, tmp_path: Path) -> None:
    path, llr = tmp_path / "checkpoint.pt", {"scheme": built_in(3)["IP-LLR"], **KINDS[kind]}
    whole = trained(**llr)
    assert not np.array_equal(whole.change, trained(scheme=SCHEMES["IP"], **KINDS[kind]).change)
    interrupted(path, 1, **llr)
    assert_same(trained(Checkpoints(path, TRAINING, seconds=1e6), **llr), whole)


@pytest.mark.parametrize(("kind", "power"), [("dense", 0.45), ("probed", 0.1)])
def test_replicas_that_diverged_before_stay_so(kind: str, power: float, tmp_path: Path) -> None:
    # Rates that let some seeds diverge on the way.
    how = {**KINDS[kind], "scheme": Scheme((0.0, -1.0, -1.0), (power,) * 3)}
    whole = trained(**how)
    gone = sorted(whole.diverged.values())
    assert 1 < gone[0] < STEPS - 1, "this test needs a rate at which one diverges on the way"
    path = tmp_path / "checkpoint.pt"
    for after in (gone[0] - 1, gone[0], gone[0] + 1):
        path.unlink(missing_ok=True)
        interrupted(path, after, **how)
        assert_same(trained(Checkpoints(path, TRAINING, seconds=1e6), **how), whole)


def test_written_at_its_interval_and_gone_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    (tmp_path / "checkpoint.pt.17.part").write_bytes(b"of a killed process")
    checkpoints = Checkpoints(path, TRAINING, seconds=1e-9)
    written = []
    checkpoints.write = lambda changing: written.append(changing.state()["step"])  # type: ignore[method-assign]
    trained(checkpoints)
    assert written == list(range(1, STEPS + 1))
    del checkpoints.write
    checkpoints.write(DenseLayer(torch.zeros(1)))
    assert path.exists()
    checkpoints.remove()
    assert list(tmp_path.iterdir()) == []


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def flipped(content: bytes) -> bytes:
    """One bit of the largest tensor."""
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "text", "payload", "other"])
def test_a_checkpoint_of_no_use_is_told_of_and_left(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "checkpoint.pt"
    interrupted(path, 4)
    content = path.read_bytes()
    executed = tmp_path / "executed"
    match damage:
        case "truncated":
            path.write_bytes(content[: len(content) * 2 // 3])
        case "flipped":
            path.write_bytes(flipped(content))
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("no checkpoint")
        case "payload":
            torch.save({"training": Payload(executed), "state": {}}, path)
            with pytest.raises(pickle.UnpicklingError):
                torch.load(path, weights_only=True)
    training = {**TRAINING, "width": 64} if damage == "other" else TRAINING
    with caplog.at_level("INFO"):
        record = trained(Checkpoints(path, training, seconds=1e6))
    assert "starting anew" in caplog.text
    assert str(path) in caplog.text
    assert not executed.exists()
    assert_same(record, trained())


def test_a_full_disk_stops_no_training(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk: writing fails in the same way."""
    program = """
import resource, sys
from pathlib import Path
from infwidth.training.checkpoint import Checkpoints
from test_checkpoint import assert_same, trained
expected = trained()
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
checkpoints = Checkpoints(Path(sys.argv[1]), {}, seconds=1e-9)
assert_same(trained(checkpoints), expected)
"""
    path = tmp_path / "checkpoint.pt"
    finished = subprocess.run(
        [sys.executable, "-c", program, path],
        cwd=Path(__file__).parent,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "no checkpoint" in finished.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_stops_no_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way of a folder")
    record = trained(Checkpoints(tmp_path / "file/checkpoint.pt", {}, seconds=1e-9))
    assert "no checkpoint" in caplog.text
    assert_same(record, trained())


def test_a_clock_that_jumps_moves_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoint.pt", {}, seconds=1000)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    checkpoints.after_step(DenseLayer(torch.zeros(1)))
    assert not checkpoints.path.exists()


def test_states_keep_how_a_tensor_lies_in_memory(tmp_path: Path) -> None:
    """The rounding of a product depends on it."""
    transposed = torch.arange(12.0).reshape(3, 4).mT
    checkpoints = Checkpoints(tmp_path / "checkpoint.pt", {}, seconds=1)
    layer = DenseLayer(transposed)
    checkpoints.write(layer)
    again = DenseLayer(torch.zeros(4, 3))
    assert checkpoints.resume(again)
    assert again.weights.equal(transposed)
    assert again.weights.stride() == transposed.stride()


def lazy_matrix(device: str) -> LazyMatrix:
    draws, test_draws = (torch.Generator().manual_seed(seed) for seed in (1, 2))
    weights = GaussianWeights((30, 20), 0.2, draws, test_draws)
    return LazyMatrix(weights, torch.empty(0, device=device), 1e-2)


def tensors_in(holder: Any) -> dict[str, torch.Tensor]:
    """Every tensor that an object has, or an object of ours in it, by where it is."""
    found = {}
    for name, value in vars(holder).items():
        if isinstance(value, torch.Tensor):
            found[name] = value
        elif isinstance(value, Rows):  # whose spare room is of no account
            found[name] = value.all
        elif type(value).__module__.startswith("infwidth."):
            found |= {f"{name}.{inner}": each for inner, each in tensors_in(value).items()}
    return found


def test_a_restored_state_lies_where_the_layer_does() -> None:
    """`meta` stands in for CUDA: a device that the state was not written from."""
    trained = lazy_matrix("cpu")
    x, y = torch.randn(3, 20), torch.randn(3, 30)
    trained.start(x)
    trained.backward(y)
    trained.step(y, x, 0.1 * x.flip(0), 0.1)
    trained.evaluate(torch.randn(2, 20))
    restored, elsewhere = lazy_matrix("cpu"), lazy_matrix("meta")
    restored.restore(trained.state())
    elsewhere.restore(trained.state())
    for name, draws in trained.weights.state().items():
        assert draws.equal(elsewhere.weights.state()[name])
    found, expected = tensors_in(restored), tensors_in(trained)
    assert len(found) > 10
    for name, tensor in expected.items():
        assert found[name].equal(tensor), name
        assert found[name].stride() == tensor.stride(), name
    placed = tensors_in(elsewhere)
    assert {name: tensor.shape for name, tensor in placed.items()} == {
        name: tensor.shape for name, tensor in expected.items()
    }
    assert {tensor.device.type for tensor in placed.values()} == {"meta"}


@pytest.mark.parametrize("start", [0.0, None])
def test_no_tensor_takes_the_place_of_what_has_no_device(start: float | None) -> None:
    with pytest.raises(AttributeError, match="device"):
        take_tensors(SimpleNamespace(sum=start), ["sum"], {"sum": torch.ones(2)})
