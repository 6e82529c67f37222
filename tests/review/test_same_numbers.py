"""The same numbers elsewhere: last digits are the machine's, and no word hangs on them.

Other machines are this one with older instructions, and committed tables with other last digits.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import other_arithmetic
import pandas as pd
import pytest

from infwidth.files.tables import read_csv
from infwidth.jobs.provenance import checksums, measured_files
from infwidth.review import review
from infwidth.review.text_table import TextTable
from infwidth.theory.inputs.judge import findings as findings_on_inputs
from infwidth.theory.rest import judge as rest
from infwidth.theory.statements import chosen, measured_tables

ROOT = other_arithmetic.ROOT
EXPERIMENTS = ("digits", "cifar10", "wide")
# Of trainings in float32, as docs/files.md states it.
TRAINING_TOLERANCE = 1e-4


def perturb(path: Path, rng: np.random.Generator) -> None:
    """Multiply every float by 1 + 1e-12 ε, ε between -1 and 1; counts are no floats."""

    def other(cell: str) -> str:
        try:
            value = float(cell)
        except ValueError:
            return cell
        if value.is_integer() or not np.isfinite(value):
            return cell
        return repr(value * (1 + 1e-12 * float(rng.uniform(-1, 1))))

    table = TextTable.read(path)
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(table.columns)
        lines.writerows([other(cell) for cell in row] for row in table.rows)


def test_review_does_not_hang_on_last_digits(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ROOT / "paper/digits", tmp_path / "digits"))
    tables, rng = sorted(folder.rglob("*.csv")), np.random.default_rng(0)
    before = {path: path.read_bytes() for path in tables}
    for path in tables:
        perturb(path, rng)
    changed = {path.name for path in tables if path.read_bytes() != before[path]}
    assert {"metrics.csv", "scaling.csv", "table1.csv", "rest.csv", "limits.csv"} <= changed
    provenance = folder / "provenance.json"
    content = json.loads(provenance.read_text(encoding="utf-8"))
    content["files"] = checksums(folder, measured_files(measured_tables(chosen(content["config"]))))
    provenance.write_text(json.dumps(content), encoding="utf-8")
    outcomes = review(folder)
    assert [outcome for outcome in outcomes if not outcome.passes] == []
    rounded = {outcome.output for outcome in outcomes if outcome.result == "rounding"}
    assert "scaling.csv" in rounded


def test_review_passes_with_other_instructions() -> None:
    command = [sys.executable, "-m", "infwidth.review", os.fspath(ROOT / "paper/digits")]
    done = subprocess.run(
        command,
        env=other_arithmetic.environment(),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "agrees to rounding, at most " in done.stdout


def test_trainings_with_other_instructions_agree(tmp_path: Path) -> None:
    found = []
    for name, environment in (
        ("here", dict(os.environ)),
        ("there", other_arithmetic.environment()),
    ):
        folder = tmp_path / name
        folder.mkdir()
        script = os.fspath(ROOT / "tests/support/other_arithmetic.py")
        subprocess.run(
            [sys.executable, script, os.fspath(folder)], env=environment, timeout=900, check=True
        )
        found.append([read_csv(folder / f"{table}.csv") for table in ("metrics", "table1")])
    (here, judged), (there, judged_there) = found
    assert list(here["width"].unique()) == list(other_arithmetic.WIDTHS)
    numbers = list(here.columns[6:])
    # It is another arithmetic.
    assert not here[numbers].equals(there[numbers])
    pd.testing.assert_frame_equal(here, there, rtol=TRAINING_TOLERANCE, atol=0)
    assert list(judged["measured"]) == list(judged_there["measured"])


@pytest.mark.parametrize("experiment", ["cifar10", "digits"])
def test_no_word_hangs_on_what_is_under_its_resolution(experiment: str) -> None:
    """What is under the resolution is rounding, and another machine's is another."""
    theory = ROOT / "paper" / experiment / "theory"
    rng = np.random.default_rng(0)

    def elsewhere(table: pd.DataFrame, value: str, resolution: str) -> pd.DataFrame:
        under = table[value] <= table[resolution]
        assert under.any()
        other = table[resolution] * rng.uniform(size=len(table))
        return table.assign(**{value: table[value].where(~under, other)})

    separation = read_csv(theory / "separation.csv")
    violations = read_csv(theory / "violations.csv")
    assert findings_on_inputs(separation, violations) == findings_on_inputs(
        separation, elsewhere(violations, "min_eig", "resolution")
    )
    runs = read_csv(theory / "rest.csv")
    assert rest.with_few_samples(runs) == rest.with_few_samples(
        elsewhere(runs, "feature_min_eig", "feature_resolution")
    )
