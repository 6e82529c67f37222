"""SHA-256 of files."""

import hashlib
from pathlib import Path


class ChecksumError(ValueError):
    """A file that is there is not the one that was expected."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path, sha256: str) -> None:
    """Check a file against its SHA-256 and leave it as it is either way.

    Raises:
        ChecksumError: naming the file, both checksums and what to do.
    """
    actual = sha256_of(path)
    if actual != sha256.lower():
        raise ChecksumError(
            f"{path.resolve()} is damaged or not the file that was expected.\n"
            f"  its SHA-256: {actual}\n"
            f"  expected:    {sha256.lower()} (cifar10_sha256)\n"
            "It was neither opened nor changed. Move it away and run the same command again to "
            "download it anew, or put the right file in its place."
        )
