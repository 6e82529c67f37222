"""Worlds by the real workflow: each alone as among others, whatever happens on the way."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from multiverse import COMMITTED, SMALL
from workflow_run import Checkout, append, table

from infwidth.review import review

WORLDS = 6
TINY: dict[str, Any] = SMALL | {
    "experiment": "tiny",
    "worlds": WORLDS,
    "draw": 0,
    "factors": {
        "activation": ["tanh", "erf"],
        "samples": [4, 5],
        "batch": [{"full": {"batch_size": None}}, {"5 images": {"batch_size": 5}}],
    },
    "readings": {"ours": COMMITTED["readings"]["ours"], "x": {"kind": "x"}},
    "theory": False,
}
# In the place of a training that raises.
PLANTED = """

_run = run


def run(data, schemes, recipes, **how):
    if recipes[0][1]["activation"] == "erf":
        raise ValueError("as planted,\\nand more of it")
    return _run(data, schemes, recipes, **how)
"""
TABLES = ("worlds.csv", "readings.csv")


def command(*, worlds: int) -> list[str]:
    return [
        *(sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "tiny.yaml"),
        *("--config", f"worlds={worlds}", "--", "worlds"),
    ]


def make(checkout: Checkout, *, worlds: int) -> str:
    run = checkout.snakemake(config={"worlds": worlds}, targets=["worlds"])
    assert run.code == 0, run.output
    return run.output


def tables(checkout: Checkout) -> dict[str, bytes]:
    return {name: (checkout.paper / name).read_bytes() for name in TABLES}


def files(checkout: Checkout) -> dict[str, int]:
    """The worlds that there are, and when each was written."""
    folder = checkout.root / "results/tiny/worlds"
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npz")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Six worlds; it was killed while they trained, and went on."""
    checkout = Checkout.fresh(tmp_path_factory.mktemp("multiverse") / "whole")
    (checkout.root / "tiny.yaml").write_text(yaml.safe_dump(TINY, allow_unicode=True))
    append(checkout.root / "src/infwidth/multiverse/run.py", PLANTED)
    with (checkout.root / "killed.txt").open("wb") as log:
        run = subprocess.Popen(
            command(worlds=WORLDS),
            cwd=checkout.root,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + 900
        try:
            while not files(checkout) and run.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
        finally:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
    assert 0 < len(files(checkout)) < WORLDS
    output = make(checkout, worlds=WORLDS)
    (checkout.root / "output.txt").write_text(output, encoding="utf-8")
    return checkout


def test_worlds_and_those_that_failed_are_in_the_tables(whole: Checkout) -> None:
    output = (whole.root / "output.txt").read_text(encoding="utf-8")
    assert "worlds drawn again: batch_size: found 5, more than the 4 samples" in output
    rows = table(whole.paper / "worlds.csv")
    assert [row["world"] for row in rows] == [str(number) for number in range(WORLDS)]
    assert {row["activation"] for row in rows} == {"tanh", "erf"}
    for row in rows:
        failed = row["activation"] == "erf"
        assert row["status"] == ("failed" if failed else "done")
        assert row["error"] == ("ValueError: as planted," if failed else "")
        assert (row["µP:feature_variation"] == "failed") == failed
        assert bool(row["SP:start"]) != failed
    readings = table(whole.paper / "readings.csv")
    assert [(row["world"], row["reading"]) for row in readings] == [
        (str(number), name) for number in range(WORLDS) for name in ("ours", "x")
    ]


def test_killed_and_gone_on_it_is_as_if_never_killed(whole: Checkout, tmp_path: Path) -> None:
    """And worlds taken in two goes are those of one."""
    other = Checkout.fresh(tmp_path / "other")
    shutil.copy2(whole.root / "tiny.yaml", other.root / "tiny.yaml")
    append(other.root / "src/infwidth/multiverse/run.py", PLANTED)
    make(other, worlds=4)
    first, times = tables(other), files(other)
    for name in TABLES:
        assert tables(whole)[name].startswith(first[name])
        assert len(first[name]) < len(tables(whole)[name])
    # One of them is damaged meanwhile.
    damaged = other.root / "results/tiny/worlds/1.npz"
    content = damaged.read_bytes()
    damaged.write_bytes(content[: len(content) // 2])
    output = make(other, worlds=WORLDS)
    assert "results/tiny/worlds/1.npz was damaged, and is removed" in output
    assert tables(other) == tables(whole)
    again = files(other)
    assert len(again) == WORLDS
    assert {name for name in times if again[name] != times[name]} == {"1.npz"}
    # Fewer are told of, and the others stay.
    make(other, worlds=4)
    assert tables(other) == first
    assert files(other) == again


def test_a_world_alone_has_its_row(whole: Checkout) -> None:
    (number, *_) = [
        row["world"] for row in table(whole.paper / "worlds.csv") if row["status"] == "done"
    ][::-1]
    alone = subprocess.run(
        [sys.executable, "-m", "infwidth.multiverse", "tiny.yaml", number, "--row"],
        cwd=whole.root,
        env=os.environ | {"PYTHONPATH": str(whole.root / "src")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    head, *lines = (whole.paper / "worlds.csv").read_text(encoding="utf-8").splitlines()
    assert alone.splitlines() == [head, lines[int(number)]]


def test_the_quick_multiverse_has_all_that_a_reader_is_promised(tmp_path: Path) -> None:
    checkout = Checkout.fresh(tmp_path / "quick")
    run = checkout.snakemake(
        *("--scheduler", "greedy"),
        files=("config/multiverse.yaml", "config/multiverse-digits.yaml"),
        config={"worlds": 32},
    )
    assert run.code == 0, run.output
    folder = checkout.root / "paper/multiverse-digits"
    assert len(table(folder / "worlds.csv")) == 32
    # Every file is there, follows from the worlds, and no other is.
    outcomes = review(folder, checkout.root / "workflow")
    assert [outcome for outcome in outcomes if not outcome.passes] == []
    assert {"table1.md", "report.pdf", "index.html", "figures/shares.pdf"} <= {
        outcome.output for outcome in outcomes
    }
