"""What the README has a newcomer run first."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_three_numbers_a_sentence_each(tmp_path: Path) -> None:
    example = ROOT / "examples/one_training.py"
    done = subprocess.run(
        [sys.executable, example], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    heading, *sentences = done.stdout.splitlines()
    assert heading.startswith("µP at n = 256, 16 digits")
    change, diversity, spacetime = (
        float(re.findall(r"\d\.[\de+-]*\d", sentence)[0]) for sentence in sentences
    )
    # As in Table 1 for µP: large, diverse, and new.
    assert 0.5 < change < 5
    assert 1e-3 < spacetime < diversity < 1
    assert len(example.read_text(encoding="utf-8").splitlines()) <= 30
