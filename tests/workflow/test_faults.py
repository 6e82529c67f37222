"""Killed at any moment, out of room, damaged: the same command ends with the same bytes."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workflow_run import Checkout

from infwidth.files.tables import read_csv, write_csv
from infwidth.files.whole import FileError, load_arrays, save_arrays, written

# Two trainings of a few seconds each, which write down where they are five times a second.
CONFIG: dict[str, object] = {
    "schemes": "[IP,µP]",
    "widths": "[96]",
    "steps": 3000,
    "checkpoint_seconds": 0.2,
}
TABLES = ("metrics.csv", "runs.csv", "diverged.csv", "spectra.csv")
TARGET = "paper/tiny/metrics.csv"
LONGEST = 12.0


def started(
    checkout: Checkout, preexec_fn: Callable[[], None] | None = None
) -> subprocess.Popen[bytes]:
    """Snakemake in a process group of its own."""
    log = (checkout.root / "log.txt").open("ab")
    settings = [f"{key}={value}" for key, value in CONFIG.items()]
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "tiny.yaml"),
            *("--config", *settings, "--", TARGET),
        ],
        cwd=checkout.root,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=preexec_fn,
    )


def said(checkout: Checkout) -> str:
    return (checkout.root / "log.txt").read_text(encoding="utf-8")


def measured(checkout: Checkout) -> dict[str, bytes]:
    return {name: (checkout.paper / name).read_bytes() for name in TABLES}


def jobs(checkout: Checkout) -> list[int]:
    """Processes of scripts that run in a checkout."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode()
        except OSError:
            continue
        if f"{checkout.root}/.snakemake/scripts/" in line:
            found.append(int(process.name))
    return found


def wait_until(holds: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to this"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A run that nothing happened to."""
    checkout = Checkout.fresh(tmp_path_factory.mktemp("faults") / "whole")
    assert started(checkout).wait() == 0, said(checkout)
    return checkout


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Checkout]:
    checkout = Checkout.fresh(tmp_path / "fresh")
    yield checkout
    for job in jobs(checkout):
        os.kill(job, signal.SIGKILL)


def kill(what: str, run: subprocess.Popen[bytes], checkout: Checkout) -> None:
    """Kill a part of a run, or all of it, and wait until all of it is over."""
    try:
        match what:
            case "snakemake":
                run.kill()
            case "everything":
                os.killpg(run.pid, signal.SIGKILL)
            case "job" | "job, with notice":
                sign = signal.SIGTERM if what.endswith("notice") else signal.SIGKILL
                for job in jobs(checkout)[:1]:
                    os.kill(job, sign)
    except ProcessLookupError:
        pass  # it was over just before
    run.wait()
    # What is left of it ends by itself.
    wait_until(lambda: not jobs(checkout), seconds=30)


KILLS = ("job", "snakemake", "everything", "job, with notice")


@pytest.mark.faults
def test_killed_at_random_moments_it_comes_out_the_same(
    whole: Checkout, fresh: Checkout, *, long: bool
) -> None:
    rng = random.Random(0)
    kills = 50 if long else 4
    done = 0
    while done < kills:
        run = started(fresh)
        # Most moments are in the trainings; some in Snakemake's start, or after all.
        time.sleep(rng.uniform(0.5, LONGEST))
        if run.poll() is None:
            kill(KILLS[done % len(KILLS)], run, fresh)
            done += 1
            continue
        # It came through before it could be killed.
        assert measured(fresh) == measured(whole), said(fresh)
        for folder in ("results", "paper", ".snakemake"):
            shutil.rmtree(fresh.root / folder)
    assert started(fresh).wait() == 0, said(fresh)
    assert measured(fresh) == measured(whole)
    assert not list(fresh.root.glob("results/**/checkpoint.pt*"))


def test_what_was_finished_is_not_made_again(whole: Checkout, fresh: Checkout) -> None:
    run = started(fresh)
    checkpoints = fresh.root / "results/tiny/train"
    wait_until(lambda: len(list(checkpoints.glob("*/96/checkpoint.pt"))) == 2)
    kill("snakemake", run, fresh)
    assert started(fresh).wait() == 0
    log = said(fresh)
    assert "tiny: unlocked; the run that locked it was killed" in log
    for scheme in ("IP", "µP"):
        assert f"{scheme} n=96: goes on from step " in log
    assert fresh.plan("tiny.yaml", **CONFIG).trainings == set()
    assert measured(fresh) == measured(whole)


def test_a_second_run_at_once_is_refused_and_harms_nothing(
    whole: Checkout, fresh: Checkout
) -> None:
    first = started(fresh)
    wait_until(lambda: bool(jobs(fresh)))
    second = fresh.snakemake(config=CONFIG, targets=[TARGET])
    assert second.code != 0
    assert "cannot be locked" in second.output
    assert "unlocked" not in second.output
    assert first.wait() == 0
    assert measured(fresh) == measured(whole)


def test_without_room_nothing_is_left_that_looks_whole(whole: Checkout, fresh: Checkout) -> None:
    """A limit on the size of files stands in for the full disk: writing fails in the same way."""

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    assert started(fresh, preexec_fn=little_room).wait() != 0
    log = said(fresh)
    assert "snapshots.npz cannot be written" in log
    assert "make room" in log
    assert not list(fresh.root.glob("results/tiny/features/*/*"))
    assert not fresh.paper.exists() or not list(fresh.paper.iterdir())
    assert started(fresh).wait() == 0
    assert measured(fresh) == measured(whole)


@pytest.mark.parametrize("damaged", ["results/tiny/features/IP/96.npz", TARGET])
def test_a_truncated_file_is_named_and_no_number_made_of_it(
    damaged: str, whole: Checkout, tmp_path: Path
) -> None:
    checkout = whole.copy(tmp_path / "copy")
    file = checkout.root / damaged
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 2 // 3])
    tables = ["paper/tiny/scaling.csv"]
    run = checkout.snakemake(config=CONFIG, targets=tables)
    assert run.code != 0
    assert f"{damaged} is damaged" in run.output
    assert "delete it, and the same command makes it again" in run.output
    assert "Traceback" not in run.output
    assert not (checkout.paper / "scaling.csv").exists()
    file.unlink()
    run = checkout.snakemake(config=CONFIG, targets=tables)
    assert run.code == 0, run.output
    assert measured(checkout) == measured(whole)


@pytest.mark.parametrize(
    "attempt",
    [
        "import torch; torch.empty(2**50)",
        "import numpy as np; np.empty(2**50)",
        "import torch; raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate')",
    ],
)
def test_too_little_memory_is_told_with_what_takes_less(attempt: str, tmp_path: Path) -> None:
    program = f"""
from types import SimpleNamespace
from infwidth.jobs.script import start
start(SimpleNamespace(log=["job.log"], rule="train"))
{attempt}
"""
    job = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert job.returncode == 1
    for told in (job.stderr, (tmp_path / "job.log").read_text(encoding="utf-8")):
        assert "train failed: " in told
        assert "there is not enough memory: choose fewer `seeds`" in told
        assert "Traceback" not in told


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    save_arrays(path, values=[1.0, 2.0])
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), written(path) as file:  # noqa: PT012
        file.write(b"half of it")
        1 / 0  # noqa: B018
    assert path.read_bytes() == before
    assert load_arrays(path)["values"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("place", ["/proc/table.csv", "{folder}/file/table.csv"])
def test_a_folder_that_cannot_be_written_is_named(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = Path(place.format(folder=tmp_path))
    with pytest.raises(FileError, match=rf"{path} cannot be written .*give the right to write"):
        write_csv(read_csv(_table(tmp_path)), path)


def test_every_truncation_of_a_file_is_noticed(tmp_path: Path) -> None:
    arrays, table = tmp_path / "arrays.npz", _table(tmp_path)
    save_arrays(arrays, values=range(50))
    for path, read in ((arrays, load_arrays), (table, read_csv)):
        content = path.read_bytes()
        for length in range(len(content)):
            if path.suffix == ".csv" and content[:length].endswith(b"\n"):
                continue  # whole lines
            path.write_bytes(content[:length])
            with pytest.raises(FileError, match="damaged"):
                read(path)


def _table(folder: Path) -> Path:
    path = folder / "table.csv"
    path.write_text("scheme,value\nSP,0.25\nIP,0.125\n")
    return path
