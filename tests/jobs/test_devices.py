"""Each training on one machine gets a GPU of its own; the devices here are pretended."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workflow_run import Checkout

from infwidth.jobs.devices import VISIBLE, claim_device, visible_devices

SRC = Path(__file__).parents[2] / "src"
# Claims a device, says which, and keeps it until its standard input ends.
HOLDER = """
import os, sys
from pathlib import Path
from infwidth.jobs.devices import claim_device
name = claim_device("auto", folder=Path(sys.argv[1]))
assert name is None or os.environ["CUDA_VISIBLE_DEVICES"] == name
print(name, flush=True)
sys.stdin.read()
assert "torch" not in sys.modules
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The device folder of a machine with three GPUs; a container calls them as it likes."""
    folder = tmp_path / "dev"
    folder.mkdir()
    for name in ("nvidia2", "nvidia3", "nvidia7", "nvidiactl", "nvidia-uvm"):
        (folder / name).touch()
    return folder


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for a device that this process holds would never end."""

    def sleep(seconds: float) -> None:
        raise AssertionError("waits for a device")

    monkeypatch.setattr(time, "sleep", sleep)


Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def start(machine: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts a process that claims a device."""
    (tmp_path / "tmp").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != VISIBLE}
    environment |= {"PYTHONPATH": str(SRC), "TMPDIR": str(tmp_path / "tmp")}
    started = []

    def holder() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(machine)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield holder
    for process in started:
        process.kill()
        process.communicate()


def answer(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_processes_at_once_get_different_devices(start: Start) -> None:
    processes = [start() for _ in range(3)]
    assert sorted(answer(process) for process in processes) == ["0", "1", "2"]


@pytest.mark.parametrize("end", ["killed", "ended"])
def test_a_device_is_free_again_when_its_process_is_gone(start: Start, end: str) -> None:
    held = {answer(process): process for process in [start() for _ in range(3)]}
    waiting = [start(), start()]
    time.sleep(0.5)
    assert [process.poll() for process in waiting] == [None, None]
    if end == "killed":
        held["1"].kill()
        held["1"].wait()
    else:
        held["1"].communicate("")
        assert held["1"].returncode == 0
    # One of the two that wait gets it, and the other one waits on.
    os.set_blocking(waiting[0].stdout.fileno(), False)  # type: ignore[union-attr]
    os.set_blocking(waiting[1].stdout.fileno(), False)  # type: ignore[union-attr]
    deadline = time.monotonic() + 10
    answers: list[str] = []
    while not answers and time.monotonic() < deadline:
        time.sleep(0.1)
        answers = [text for text in (answer(process) for process in waiting) if text]
    assert answers == ["1"]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("3", ["3"]),
        ("1, 0", ["1", "0"]),
        ("0,-1,2", ["0"]),
        ("GPU-5ebe,MIG-40aa/1/0", ["GPU-5ebe", "MIG-40aa/1/0"]),
    ],
)
def test_the_variable_is_read_as_cuda_reads_it(value: str, names: list[str], machine: Path) -> None:
    assert visible_devices({VISIBLE: value}, machine) == names


def test_without_the_variable_all_devices_are_visible(machine: Path, tmp_path: Path) -> None:
    assert visible_devices({}, machine) == ["0", "1", "2"]
    assert visible_devices({}, tmp_path) == []


@pytest.mark.usefixtures("no_waiting")
def test_what_a_scheduler_gave_is_left_as_it_is(machine: Path, tmp_path: Path) -> None:
    environment = {VISIBLE: "2"}
    # Twice, as where a user has several trainings share one device.
    assert [claim_device("auto", tmp_path, environment, machine) for _ in range(2)] == ["2", "2"]
    assert environment == {VISIBLE: "2"}
    assert list(tmp_path.iterdir()) == [machine]


@pytest.mark.usefixtures("no_waiting")
def test_of_several_given_devices_one_is_claimed(machine: Path, tmp_path: Path) -> None:
    given = "MIG-40aa/1/0,MIG-40aa/2/0"
    found = []
    for _ in range(2):
        environment = {VISIBLE: given}
        assert claim_device("cuda", tmp_path, environment, machine) == environment[VISIBLE]
        found.append(environment[VISIBLE])
    assert found == given.split(",")


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize(("device", "files"), [("cpu", ["nvidia0"]), ("auto", [])])
def test_nothing_is_claimed_where_no_gpu_is_used(
    device: str, files: list[str], tmp_path: Path
) -> None:
    (tmp_path / "dev").mkdir()
    for name in files:
        (tmp_path / "dev" / name).touch()
    environment: dict[str, str] = {}
    assert claim_device(device, tmp_path, environment, tmp_path / "dev") is None
    assert environment == {}


@pytest.mark.usefixtures("no_waiting")
def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = os.getuid()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert claim_device("auto", None, {}, machine) == "0"
    (made,) = tmp_path.glob("infwidth-gpus-*")
    assert made.stat().st_mode & 0o077 == 0
    made.rename(tmp_path / f"infwidth-gpus-{me + 1}")
    monkeypatch.setattr("os.getuid", lambda: me + 1)
    with pytest.raises(PermissionError, match="another user"):
        claim_device("auto", None, {}, machine)


def test_the_workflow_counts_and_claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # PyTorch finds no GPU behind these names, or else the training is on the claimed one.
    monkeypatch.setenv(VISIBLE, "0,1,2")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(SRC)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert answer(holder) == "0"
        checkout = Checkout.fresh(tmp_path / "checkout")
        output = checkout.make("results/tiny/train/SP/16/curves.npz", config={"device": "auto"})
    finally:
        holder.communicate("")
    assert re.search(r"^Provided resources: .*\bgpu=\D*3\b", output, re.MULTILINE)
    log = (checkout.root / "logs/tiny/train/SP_16.log").read_text(encoding="utf-8")
    assert "on GPU 1" in log
