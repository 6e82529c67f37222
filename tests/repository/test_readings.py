"""Both readings side by side, from tables of which some cells are changed."""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
from synthetic import ON_MANY

from infwidth.measures.metrics import SHOWN

sys.path.insert(0, str(Path(__file__).parents[2] / "docs/hooks"))

from readings import readings

ROOT = Path(__file__).parents[2]
FILES = ("provenance.json", "table1.csv", "table1_steps.csv", "runs.csv")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The committed digits twice, the second time as if on many images."""
    for name in ("full", "many"):
        folder = tmp_path / "paper" / name
        folder.mkdir(parents=True)
        for file in FILES:
            shutil.copy(ROOT / "paper/digits" / file, folder)
    path = tmp_path / "paper/many/provenance.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(told | {"config": told["config"] | ON_MANY}))
    return tmp_path


def rows(text: str) -> dict[str, list[str]]:
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in cells}


def test_what_was_done_and_what_came_out_stand_side_by_side(root: Path) -> None:
    found = rows(readings(root, "full", "many", "nowhere"))
    line = next(line for line in readings(root, "full", "many").splitlines() if "| data |" in line)
    assert "the first 16 training images, trained on and probed | the first 5000 training" in line
    assert "SGD, 64 images a batch" in readings(root, "many")
    table = pd.read_csv(ROOT / "paper/digits/table1.csv")
    for scheme, column in table[["scheme", "column"]].to_numpy():
        claimed, full, many = found[f"{scheme}, {SHOWN[column].title.lower()}"]
        assert claimed
        assert full == many
    assert len(table) == 12
    claimed, full, _ = found["IP, feature diversity"]
    assert claimed == "low (feature collapse)"
    assert full.startswith("✓ **collapsed**<br>2.08 [1.54, 2.82] × 10⁻⁷<br>∝ n<sup>−1.21</sup>")
    assert found["µP, test accuracy"][-1] == "0.651 [0.643, 0.658]"


def test_where_the_readings_differ_is_said(root: Path) -> None:
    text = readings(root, "full", "many")
    assert "- No verdict differs." in text
    path = root / "paper/many/table1.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    chosen = (table["scheme"] == "IP") & (table["column"] == "feature_diversity")
    table.loc[chosen, ["measured", "agrees"]] = ["rich", "false"]
    table.to_csv(path, index=False)
    text = readings(root, "full", "many")
    assert "- *IP, feature diversity* differs: collapsed in `full`; rich in `many`." in text
    assert "✗ **rich**" in rows(text)["IP, feature diversity"][-1]
    assert "No verdict differs" not in text


def test_a_matter_of_time_is_read_off_the_steps(root: Path) -> None:
    path = root / "paper/many/table1_steps.csv"
    steps = pd.read_csv(path, dtype=str, keep_default_na=False)
    chosen = (steps["scheme"] == "IP") & (steps["column"] == "feature_diversity")
    late = chosen & (steps["step"].astype(int) < 1200)
    steps.loc[late, "measured"] = "rich"
    steps.to_csv(path, index=False)
    text = readings(root, "full", "many")
    assert (
        "- *IP, feature diversity* is a matter of time: `full`: rich at steps 1 to 35, collapsed "
        "at steps 70 to 1200; `many`: rich at steps 1 to 591, collapsed at step 1200." in text
    )
    for name in ("full", "many"):
        path = root / f"paper/{name}/table1_steps.csv"
        steps = pd.read_csv(path, dtype=str, keep_default_na=False)
        steps.loc[steps["column"] == "feature_diversity", "measured"] = "rich"
        steps.to_csv(path, index=False)
    assert "matter of time" not in readings(root, "full", "many")
