"""Earlier versions of a file, from git, where there is git."""

import hashlib
import os
import subprocess
from pathlib import Path

# Versions that are looked through, from the latest on.
MOST_VERSIONS = 50


def version(path: Path, sha256: str) -> bytes | None:
    """The committed version of a file that has this SHA-256; None where git knows of none."""
    listed = _git(path, "log", f"--max-count={MOST_VERSIONS}", "--format=%H", "--", path.name)
    for commit in (listed or b"").decode().split():
        content = _git(path, "show", f"{commit}:./{path.name}")
        if content is not None and hashlib.sha256(content).hexdigest() == sha256:
            return content
    return None


def _git(path: Path, *arguments: str) -> bytes | None:
    command = ["git", "-C", os.fspath(path.parent), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
