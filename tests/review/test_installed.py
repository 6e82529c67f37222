"""The review where the package is installed without the checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import infwidth

PACKAGE = Path(infwidth.__file__).parent


def test_one_sentence_says_that_it_needs_the_checkout(tmp_path: Path) -> None:
    installed = tmp_path / "lib/python/site-packages"
    shutil.copytree(PACKAGE, installed / "infwidth")
    (tmp_path / "paper").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "infwidth.review", "paper"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    *usage, sentence = done.stderr.splitlines()
    assert usage[0].startswith("usage: python -m infwidth.review")
    assert "it needs the checkout" in sentence
    assert "make review" in sentence
