"""What Snakemake needs to plan an experiment of many trainings: time and memory of `snakemake -n`.

    python benchmarks/planning.py

Each experiment compares custom schemes at many widths without the checks of the theory; nothing is
trained. Writes planning.csv and .md to benchmarks/results/ or the folder given by --out. The
largest plan that is shown there takes minutes and is asked for by name:

    python benchmarks/planning.py --jobs 100 1000 10000 100000
"""

import argparse
import json
import logging
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from machine import cores, package_version, processor
from tables import markdown

from infwidth.files.tables import write_csv
from infwidth.numbers import number

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[1]
JOBS = (100, 1000, 10_000)
# Of one training: it, and the reduction of its features.
JOBS_PER_TRAINING = 2
# Runs a command from a process of its own: a child's peak begins with that of the one it left, and
# this one has PyTorch in it. Linux counts in kB.
MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
core_seconds = used.ru_utime + used.ru_stime
print(json.dumps(dict(seconds=seconds, core_seconds=core_seconds, memory=used.ru_maxrss / 1e3)))
"""


def overlay(jobs: int) -> dict[str, Any]:
    """Config keys of an experiment of about so many jobs, as many widths as schemes or more."""
    trainings = jobs // JOBS_PER_TRAINING
    schemes = max(math.isqrt(trainings), 1)
    return {
        "experiment": "planning",
        "dataset": "digits",
        "device": "cpu",
        "theory": False,
        "schemes": {
            f"scheme{row}": {"init_variance": [0, -1, -row / 1000], "learning_rate": [0, -1, -1]}
            for row in range(schemes)
        },
        "widths": [64 + 2 * row for row in range(trainings // schemes)],
    }


def plan(jobs: int) -> dict[str, Any]:
    """Let Snakemake plan an experiment, and measure its process.

    Returns:
        Numbers of schemes, widths and trainings, seconds on the clock and of processor time, and
        the most memory in MB.

    Raises:
        subprocess.CalledProcessError: it cannot be planned.
    """
    config = overlay(jobs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "planning.yaml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        shutil.copy2(ROOT / "config.yaml", folder)
        command = [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")),
            *("--directory", folder, "--configfile", str(path), "--cores", "1", "-n", "--quiet"),
        ]
        finished = subprocess.run(
            [sys.executable, "-c", MEASURE, *command], stdout=subprocess.PIPE, text=True, check=True
        )
    schemes, widths = len(config["schemes"]), len(config["widths"])
    return {
        "schemes": schemes,
        "widths": widths,
        "jobs": JOBS_PER_TRAINING * schemes * widths,
        **json.loads(finished.stdout),
    }


def page(measured: Iterable[dict[str, Any]]) -> str:
    """Markdown, a row for each result of `plan`."""
    rows = [
        [
            f"{row['jobs']:,}",
            f"{row['schemes']} × {row['widths']}",
            number(row["seconds"]),
            number(row["core_seconds"]),
            number(1e3 * row["core_seconds"] / row["jobs"]),
            number(row["memory"]),
        ]
        for row in measured
    ]
    heads = ["jobs", "schemes × widths", "seconds", "core seconds", "ms a job", "peak memory, MB"]
    return f"""# Planning

{processor()}, {cores()} cores, Snakemake {package_version("snakemake")}. What one
`snakemake -n --quiet` takes for an experiment of so many trainings and reductions of their
features, two jobs for each scheme and width; the dozen that follow from them are planned too, but
not counted. Seconds on the clock are longer than those of the core where other programs keep the
machine busy.

{markdown(heads, rows)}
Starting Snakemake and reading the workflow takes about the time of the first row. What comes on top
of it grows in proportion to the jobs, nearly all of it in Snakemake itself.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, nargs="+", default=JOBS, help="about how many")
    results = Path(__file__).parent / "results"
    parser.add_argument("--out", type=Path, default=results, help="folder of the results")
    asked = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    measured = []
    for jobs in asked.jobs:
        measured.append(plan(jobs))
        logger.info("%d jobs: %.1f s", jobs, measured[-1]["seconds"])
    asked.out.mkdir(parents=True, exist_ok=True)
    write_csv(pd.DataFrame(measured), asked.out / "planning.csv")
    (asked.out / "planning.md").write_text(page(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
