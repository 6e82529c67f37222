"""Download one file from the first address that has it, whole and with the right checksum.

Nothing but a verified file ever bears the final name: bytes are collected in `<name>.part`, which
survives an interruption and is continued by the next attempt, at any of the addresses.
"""

import logging
from collections.abc import Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from infwidth.datasets.progress import MEGABYTE, Progress
from infwidth.files.checksums import sha256_of, verify

logger = logging.getLogger(__name__)

CONNECTIONS_PER_ADDRESS = 20
CHUNK_BYTES = 1 << 16


class DownloadError(RuntimeError):
    """No address gave the file; the message says what was tried and what to do without them."""

    def __init__(self, name: str, failures: Sequence[tuple[str, str]], by_hand: str) -> None:
        tried = "\n".join(f"  {url}: {reason}" for url, reason in failures) or "  no address given"
        super().__init__(
            f"{name} could not be downloaded. Tried:\n{tried}\n"
            f"Without the network: {by_hand} and run the same command again, or run `make quick`, "
            "which needs no download."
        )


class TransferError(Exception):
    """One address did not give the file; the message is the reason."""


def retrieve(urls: Sequence[str], destination: Path, sha256: str, *, timeout: float = 30.0) -> None:
    """Make sure that `destination` is the file with this checksum, downloading it if need be.

    A file that is there already is verified and used as it is, without the network.

    Args:
        urls: addresses to try in turn.
        destination: where the file belongs; its folder is made.
        sha256: the file's checksum, in hexadecimal.
        timeout: seconds without a byte after which a connection counts as lost.

    Raises:
        ChecksumError: a file is there already and is another one; it is left as it is.
        DownloadError: no address gave the file.
    """
    if destination.exists():
        verify(destination, sha256)
        logger.info("%s is there already and its checksum is right", destination)
        return
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(f"{destination.name}.part")
    failures: list[tuple[str, str]] = []
    # An interruption may have come between the last byte and the new name.
    whole = _size(part) > 0 and sha256_of(part) == sha256.lower()
    for url in [] if whole else urls:
        logger.info("downloading %s", url)
        try:
            _fetch_verified(url, part, sha256.lower(), timeout)
        except TransferError as error:
            failures.append((url, str(error)))
            logger.warning("%s: %s", url, error)
        else:
            whole = True
            break
    if not whole:
        by_hand = f"put the file with SHA-256 {sha256.lower()} at {destination.resolve()}"
        raise DownloadError(destination.name, failures, by_hand)
    part.replace(destination)


def _fetch_verified(url: str, part: Path, sha256: str, timeout: float) -> None:
    """Complete `part` from one address; a part with a wrong checksum is removed."""
    resumed = _size(part) > 0
    _fetch(url, part, timeout)
    actual = sha256_of(part)
    if actual == sha256:
        return
    part.unlink()
    if resumed:
        # The wrong bytes may be those that were there before: this address gets a fresh start.
        logger.warning("the resumed file has a wrong checksum; starting again from its first byte")
        _fetch_verified(url, part, sha256, timeout)
        return
    raise TransferError(f"wrong checksum: SHA-256 {actual}")


def _fetch(url: str, part: Path, timeout: float) -> None:
    """Append to `part` until it is complete, reconnecting while each connection adds something."""
    for connection in range(1, CONNECTIONS_PER_ADDRESS + 1):
        before = _size(part)
        try:
            _receive(url, part, timeout)
        except TransferError as error:
            if _size(part) <= before or connection == CONNECTIONS_PER_ADDRESS:
                raise
            logger.info("%s; resuming at %.1f MB", error, _size(part) / MEGABYTE)
        else:
            return


def _receive(url: str, part: Path, timeout: float) -> None:
    """One connection: ask for what is missing, or for everything where that is refused."""
    offset = _size(part)
    headers = {"User-Agent": "infwidth"} | ({"Range": f"bytes={offset}-"} if offset else {})
    try:
        response: HTTPResponse = urlopen(Request(url, headers=headers), timeout=timeout)
    except HTTPError as error:
        error.close()
        if error.code == 416 and offset:  # Range Not Satisfiable: not a part of this file
            part.unlink()
            _receive(url, part, timeout)
            return
        raise TransferError(f"HTTP {error.code} {error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise TransferError(_reason(error, timeout)) from error
    with response:
        start, total = _extent(response)
        if start not in (0, offset):
            if not offset:
                raise TransferError("an answer that does not begin with the first byte")
            response.close()
            part.unlink()
            _receive(url, part, timeout)
            return
        size = start
        progress = Progress(part.stem, start, total)
        with part.open("ab" if start else "wb") as file:
            while chunk := _read(response, timeout):
                file.write(chunk)
                size += len(chunk)
                progress.show(size)
    if total is not None and size < total:
        raise TransferError(f"connection closed after {size} of {total} bytes")


def _read(response: HTTPResponse, timeout: float) -> bytes:
    try:
        return response.read1(CHUNK_BYTES)
    except (OSError, HTTPException) as error:
        raise TransferError(_reason(error, timeout)) from error


def _extent(response: HTTPResponse) -> tuple[int, int | None]:
    """First byte that the response holds, and the size of the whole file where it is stated.

    The first byte is -1 in an answer that claims to be a part but does not say which.
    """
    if (
        response.status != 206
    ):  # a server that knows no ranges sends all (a file: URL has no status)
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdigit() else None
    stated = response.headers.get("Content-Range", "")  # as in "bytes 100-199/200"
    unit, _, extent = stated.partition(" ")
    span, _, total = extent.partition("/")
    first, _, _ = span.partition("-")
    known = unit == "bytes" and first.isdigit()
    return int(first) if known else -1, int(total) if total.isdigit() else None


def _reason(error: Exception, timeout: float) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer within {timeout:g} s"
    return str(cause) or type(cause).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
