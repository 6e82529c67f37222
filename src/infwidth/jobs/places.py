"""Folders that Snakemake cannot work from, told before anything is built or planned.

`make` runs this module before there is an environment: it needs nothing but Python.
"""

import os
import sys
from pathlib import Path

# Snakemake fills in what stands in braces in a script's path; a colon ends a path in PYTHONPATH.
UNFIT_FOR_CHECKOUT = "{}" + os.pathsep
# Snakemake hands the interpreter's path to bash without quotes.
UNFIT_FOR_PYTHON = " \t\n\"$&'()*;<>?[\\`{|}"


def refusal(checkout: Path, python: Path) -> str | None:
    """Why nothing can run from here, and the remedy, in a sentence; None where all is well.

    Args:
        checkout: the folder of the Snakefile.
        python: the interpreter that runs the scripts.
    """
    if found := _found(UNFIT_FOR_CHECKOUT, checkout):
        return (
            f"{checkout}: no script can run from a path with {found} in it; move this folder to a "
            "path without"
        )
    if found := _found(UNFIT_FOR_PYTHON, python):
        return (
            f"{python}: Snakemake starts no Python from a path with {found} in it; make the "
            "environment in a path without (`make` makes it in the checkout, .venv)"
        )
    return None


def _found(unfit: str, path: Path) -> str:
    """Those of the characters that are in a path, in words."""
    names = {" ": "a blank", "\t": "a tab", "\n": "a line break"}
    return ", ".join(
        names.get(character, character) for character in unfit if character in str(path)
    )


if __name__ == "__main__":
    here = Path.cwd()
    sys.exit(refusal(here, here / ".venv/bin/python"))
