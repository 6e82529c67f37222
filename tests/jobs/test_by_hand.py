"""What CONTRIBUTING.md says of running one script by hand: Snakemake's own options do it."""

import os
import subprocess
import sys
from pathlib import Path

from workflow_run import Checkout

CURVES = "results/tiny/train/µP/16/curves.npz"


def test_a_job_stops_in_the_debugger_and_its_script_runs_again_alone(tmp_path: Path) -> None:
    checkout = Checkout.fresh(tmp_path / "checkout")
    script = checkout.root / "workflow/scripts/train.py"
    text = script.read_text(encoding="utf-8")
    script.write_text(text.replace("record = train(", "breakpoint()\nrecord = train("))
    run = checkout.snakemake(
        "--debug", "--skip-script-cleanup",
        targets=[CURVES], cores=1, typed="p wildcards.scheme, wildcards.width\nc\n",
    )  # fmt: skip
    assert run.code == 0, run.output
    assert "('µP', '16')" in run.output

    curves = checkout.root / CURVES
    written = curves.read_bytes()
    curves.unlink()
    (kept,) = checkout.root.glob(".snakemake/scripts/*.train.py")
    alone = subprocess.run(
        [sys.executable, "-m", "pdb", kept],
        cwd=checkout.root,
        env=os.environ | {"PYTHONPATH": "src"},
        input="c\np params.seeds, params.recipe['steps']\nc\nq\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "(2, 5)" in alone.stdout
    assert curves.read_bytes() == written
