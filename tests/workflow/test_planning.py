"""Planning many trainings: the work that grows faster than they do."""

import json
import subprocess
import sys

import pytest
import yaml
from workflow_run import THEORY, TINY, Checkout

# Counts what a dry run does, in its own process, and prints it after all else.
COUNTED = """
import atexit, json, sys
from collections import Counter
import snakemake.cli, snakemake.io
from snakemake.iocontainers import Namedlist
from infwidth.experiment import Experiment
counts = Counter()

def counted(kind, name, size):
    original = getattr(kind, name)
    def call(*arguments, **options):
        result = original(*arguments, **options)
        counts[name] += size(arguments[0], result)
        return result
    setattr(kind, name, call)

counted(Namedlist, "__hash__", lambda files, result: len(files))
counted(Experiment, "exponents", lambda experiment, result: 1)
counted(Experiment, "to_config", lambda experiment, result: 1)
import snakemake.workflow
counted(snakemake.workflow, "expand", lambda pattern, result: len(result))
atexit.register(lambda: print(json.dumps(counts)))
snakemake.cli.main(sys.argv[1:])
"""
SCHEMES, WIDTHS = 12, 15
TRAININGS = SCHEMES * WIDTHS


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout.fresh(tmp_path_factory.mktemp("planning") / "checkout")
    rows = {
        f"scheme{row}": {"init_variance": [0, -1, -row / 1000], "learning_rate": [0, -1, -1]}
        for row in range(SCHEMES)
    }
    config = TINY | THEORY | {"schemes": rows, "widths": list(range(64, 64 + 2 * WIDTHS, 2))}
    (checkout.root / "large.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return checkout


def counts(checkout: Checkout, *targets: str) -> dict[str, int]:
    """How often a dry run does what may grow with the number of trainings."""
    options = ["--cores", "1", "--configfile", "large.yaml", "-n", "--quiet", "--", *targets]
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, *options],
        cwd=checkout.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_work_grows_no_faster_than_the_trainings(checkout: Checkout) -> None:
    found = counts(checkout)
    # Each training asks for its own scheme, and what tells of all of them writes all out.
    assert found["exponents"] <= TRAININGS + 20 * SCHEMES
    assert found["to_config"] <= 10
    # Lists of files are hashed as a whole where Snakemake looks for the rules of their entries.
    assert found["__hash__"] <= 10 * TRAININGS


def test_a_single_job_makes_no_lists_of_all_trainings(checkout: Checkout) -> None:
    found = counts(checkout, "results/tiny/train/scheme0/64/curves.npz")
    assert found["expand"] < TRAININGS
