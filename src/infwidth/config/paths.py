"""Paths as people write them: `~`, environment variables, one file under several spellings."""

import os
import re
from pathlib import Path

from infwidth.config.wording import show

KEYS = ("dataset_path", "data_root")
VARIABLE = re.compile(r"\$(?:(?P<bare>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})", re.ASCII)


class PathError(ValueError):
    """A path that cannot be expanded; the message says what was found, why, and the remedy."""


def expanded(path: str) -> str:
    """A path with the home folder and environment variables filled in, in its shortest spelling.

    Relative paths stay relative; `..` stays, since it means something else behind a link.

    Raises:
        PathError: no such user, or a variable that is not set.
    """
    for variable in VARIABLE.finditer(path):
        name = variable["bare"] or variable["braced"]
        if not os.environ.get(name):
            raise PathError(
                f"found {show(path)}, but the environment variable {name} is not set; set it "
                f"(`export {name}=...`), or write the path itself"
            )
    filled = VARIABLE.sub(lambda found: os.environ[found["bare"] or found["braced"]], path)
    try:
        # Before anything is shortened: ./~ is no home folder.
        home = Path(filled).expanduser() if filled.startswith("~") else Path(filled)
    except (RuntimeError, ValueError) as error:
        raise PathError(
            f"found {show(path)}, but no home folder is known for its `~`; write the path itself"
        ) from error
    # Read once more, it must mean the same.
    return f"./{home}" if str(home).startswith("~") else str(home)
