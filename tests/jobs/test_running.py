"""Whose lock it is that a run finds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infwidth.jobs.running import Run

HERE = "results/mine/dataset.npz\npaper/mine/metrics.csv\n"
OTHER = "results/mine2/dataset.npz\npaper/other/metrics.csv\n"
# Says that it holds the experiment, and ends when its input does.
HOLDER = """
import sys
from pathlib import Path
from infwidth.jobs.running import Run
run = Run("mine", Path(sys.argv[1]))
run.begin()
run.go_on(remote=sys.argv[2] == "remote")
print("holds", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Snakemake's folder, with the locks of two experiments."""
    state = tmp_path / ".snakemake"
    (state / "locks").mkdir(parents=True)
    (state / "locks/0.output.lock").write_text(HERE)
    (state / "locks/1.output.lock").write_text(OTHER)
    return state


def locks(state: Path) -> list[str]:
    return sorted(path.name for path in (state / "locks").iterdir())


def held(state: Path, where: str) -> subprocess.Popen[str]:
    """A run in another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(state), where],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    return process


def lock_again(state: Path) -> None:
    (state / "locks/0.output.lock").write_text(HERE)


def test_what_a_killed_run_locked_is_unlocked_and_nothing_else(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = held(state, "local")
    lock_again(state)
    run.kill()
    run.wait()
    Run("mine", state).begin()
    assert locks(state) == ["1.output.lock"]
    assert "mine: unlocked; the run that locked it was killed" in caplog.text


def test_a_run_that_goes_on_keeps_its_lock(state: Path) -> None:
    run = held(state, "local")
    lock_again(state)
    Run("mine", state).begin()
    assert locks(state) == ["0.output.lock", "1.output.lock"]
    run.kill()
    run.wait()


def test_jobs_on_a_cluster_may_go_on(state: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = held(state, "remote")
    lock_again(state)
    run.kill()
    run.wait()
    for _ in range(2):  # a dry run changes nothing
        caplog.clear()
        Run("mine", state).begin()
        assert locks(state) == ["0.output.lock", "1.output.lock"]
        assert "cancel them, then use --unlock" in caplog.text


def test_a_run_on_another_machine_cannot_be_asked(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (state / "infwidth").mkdir()
    holder = state / "infwidth/mine.lock"
    holder.write_text(json.dumps({"host": "elsewhere", "pid": 1, "remote": False}))
    Run("mine", state).begin()
    assert locks(state) == ["0.output.lock", "1.output.lock"]
    assert "a run on elsewhere has locked it; if it is over, use --unlock" in caplog.text


def test_a_record_that_cannot_be_read_counts_as_none(state: Path) -> None:
    (state / "infwidth").mkdir()
    (state / "infwidth/mine.lock").write_text("[]{")
    Run("mine", state).begin()
    assert locks(state) == ["1.output.lock"]


def test_a_run_waits_for_a_dry_run_and_holds_the_experiment_then(state: Path) -> None:
    dry, run = Run("mine", state), Run("mine", state)
    dry.begin()
    run.begin()
    assert run._file is None
    assert dry._file is not None
    dry._file.close()
    run.go_on(remote=True)
    record = json.loads((state / "infwidth/mine.lock").read_text())
    assert record["remote"] is True
