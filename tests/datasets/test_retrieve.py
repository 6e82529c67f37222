"""Downloading, against a server on this machine that drops, stalls, lies and redirects."""

import hashlib
import logging
import random
import time
from pathlib import Path

import pytest
from loopback import Page, closed_address, serve

from infwidth.datasets import progress
from infwidth.datasets.retrieve import DownloadError, retrieve
from infwidth.files.checksums import ChecksumError

CONTENT = random.Random(0).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HALF = len(CONTENT) // 2


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "data" / "archive.tar.gz"


def part_of(destination: Path) -> Path:
    return destination.with_name("archive.tar.gz.part")


def leave_part(destination: Path, content: bytes) -> None:
    destination.parent.mkdir()
    part_of(destination).write_bytes(content)


def assert_retrieved(destination: Path) -> None:
    assert destination.read_bytes() == CONTENT
    assert not part_of(destination).exists()


def test_whole_download(destination: Path) -> None:
    with serve({"/a": Page(CONTENT)}) as server:
        retrieve([f"{server.url}/a"], destination, SHA256)
        assert server.requests == [("/a", None)]
    assert_retrieved(destination)


def test_checksum_in_capitals_is_the_same_checksum(destination: Path) -> None:
    with serve({"/a": Page(CONTENT)}) as server:
        retrieve([f"{server.url}/a"], destination, SHA256.upper())
        retrieve([f"{server.url}/a"], destination, SHA256.upper())
        assert len(server.requests) == 1


def test_connection_dropped_twice_is_resumed_where_it_broke(destination: Path) -> None:
    with serve({"/a": Page(CONTENT, drops=2)}) as server:
        retrieve([f"{server.url}/a"], destination, SHA256)
        ranges = [f"bytes={HALF}-", f"bytes={HALF + HALF // 2}-"]
        assert server.requests == [("/a", None), ("/a", ranges[0]), ("/a", ranges[1])]
    assert_retrieved(destination)


def test_part_of_an_earlier_run_is_resumed(destination: Path) -> None:
    leave_part(destination, CONTENT[:1000])
    with serve({"/a": Page(CONTENT)}) as server:
        retrieve([f"{server.url}/a"], destination, SHA256)
        assert server.requests == [("/a", "bytes=1000-")]
    assert_retrieved(destination)


def test_what_one_mirror_began_the_next_completes(destination: Path) -> None:
    with serve({"/a": Page(CONTENT, drops=2, ranges=False), "/b": Page(CONTENT)}) as server:
        retrieve([f"{server.url}/a", f"{server.url}/b"], destination, SHA256)
        assert server.requests[-1] == ("/b", f"bytes={HALF}-")
    assert_retrieved(destination)


def test_server_without_ranges_starts_again_cleanly(destination: Path) -> None:
    leave_part(destination, CONTENT[:1000])
    with serve({"/a": Page(CONTENT, ranges=False)}) as server:
        retrieve([f"{server.url}/a"], destination, SHA256)
        assert len(server.requests) == 1
    assert_retrieved(destination)


@pytest.mark.parametrize("false_range", ["bytes 7-299999/300000", "nonsense", "lines 1-2/3"])
def test_answer_with_another_range_starts_again(
    destination: Path, false_range: str, caplog: pytest.LogCaptureFixture
) -> None:
    leave_part(destination, CONTENT[:1000])
    with serve({"/a": Page(CONTENT, false_range=false_range)}) as server:
        retrieve([f"{server.url}/a"], destination, SHA256)
        assert server.requests == [("/a", "bytes=1000-"), ("/a", None)]
    assert_retrieved(destination)
    assert "wrong checksum" not in caplog.text  # seen from the header, before the bytes came


def test_part_longer_than_the_file_starts_again(destination: Path) -> None:
    leave_part(destination, CONTENT + b"more")
    with serve({"/a": Page(CONTENT)}) as server:
        retrieve([f"{server.url}/a"], destination, SHA256)
        assert server.requests == [("/a", f"bytes={len(CONTENT) + 4}-"), ("/a", None)]
    assert_retrieved(destination)


def test_part_with_foreign_bytes_is_thrown_away_and_the_address_asked_again(
    destination: Path,
) -> None:
    leave_part(destination, b"<html>log in to this network</html>")
    with serve({"/a": Page(CONTENT)}) as server:
        retrieve([f"{server.url}/a"], destination, SHA256)
    assert_retrieved(destination)


def test_complete_part_needs_no_network(destination: Path) -> None:
    leave_part(destination, CONTENT)
    retrieve([closed_address()], destination, SHA256)
    assert_retrieved(destination)


def test_partial_file_is_never_taken_for_a_whole_one(destination: Path) -> None:
    with (
        serve({"/a": Page(CONTENT, drops=99, ranges=False)}) as server,
        pytest.raises(DownloadError, match=f"closed after {HALF} of {len(CONTENT)} bytes"),
    ):
        retrieve([f"{server.url}/a"], destination, SHA256)
    assert not destination.exists()
    assert part_of(destination).read_bytes() == CONTENT[:HALF]


def test_wrong_checksum_goes_on_to_the_mirror(
    destination: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = b"x" * len(CONTENT)
    with serve({"/a": Page(wrong), "/b": Page(CONTENT)}) as server:
        retrieve([f"{server.url}/a", f"{server.url}/b"], destination, SHA256)
        assert server.requests == [("/a", None), ("/b", None)]
    assert_retrieved(destination)
    assert f"wrong checksum: SHA-256 {hashlib.sha256(wrong).hexdigest()}" in caplog.text


def test_wrong_checksum_alone_leaves_nothing_behind(destination: Path) -> None:
    with (
        serve({"/a": Page(b"x" * 1000)}) as server,
        pytest.raises(DownloadError, match="wrong checksum"),
    ):
        retrieve([f"{server.url}/a"], destination, SHA256)
    assert list(destination.parent.iterdir()) == []


def test_html_page_is_not_an_archive(destination: Path) -> None:
    pages = {
        "/a": Page(b"", redirect="/login"),
        "/login": Page(b"<html>log in</html>", content_type="text/html"),
        "/b": Page(CONTENT),
    }
    with serve(pages) as server:
        retrieve([f"{server.url}/a", f"{server.url}/b"], destination, SHA256)
    assert_retrieved(destination)


def test_stalled_server_is_given_up(destination: Path) -> None:
    begun = time.monotonic()
    with serve({"/a": Page(CONTENT, stalls=99, ranges=False), "/b": Page(CONTENT)}) as server:
        retrieve([f"{server.url}/a", f"{server.url}/b"], destination, SHA256, timeout=0.2)
    assert time.monotonic() - begun < 5
    assert_retrieved(destination)


def test_all_addresses_fail(destination: Path) -> None:
    closed = closed_address()
    pages = {"/html": Page(b"<html>"), "/slow": Page(CONTENT, stalls=99, ranges=False)}
    with serve(pages) as server:
        urls = [f"{server.url}/{page}" for page in ("gone", "html", "slow")]
        with pytest.raises(DownloadError) as caught:
            retrieve([closed, "no-address", *urls], destination, SHA256, timeout=0.1)
    message = str(caught.value)
    assert f"{closed}: [Errno 111] Connection refused" in message
    assert "no-address: unknown url type" in message
    assert f"{urls[0]}: HTTP 404 Not Found" in message
    assert f"{urls[1]}: wrong checksum" in message
    assert f"{urls[2]}: no answer within 0.1 s" in message
    assert f"SHA-256 {SHA256} at {destination.resolve()}" in message
    assert "`make quick`" in message
    assert not destination.exists()


def test_existing_file_is_used_without_the_network(destination: Path) -> None:
    destination.parent.mkdir()
    destination.write_bytes(CONTENT)
    retrieve([closed_address()], destination, SHA256)
    assert destination.read_bytes() == CONTENT


def test_existing_corrupt_file_is_named_and_kept(destination: Path) -> None:
    destination.parent.mkdir()
    destination.write_bytes(CONTENT[:-1])
    with serve({"/a": Page(CONTENT)}) as server:
        with pytest.raises(ChecksumError) as caught:
            retrieve([f"{server.url}/a"], destination, SHA256)
        assert server.requests == []
    message = str(caught.value)
    assert str(destination.resolve()) in message
    assert SHA256 in message
    assert hashlib.sha256(CONTENT[:-1]).hexdigest() in message
    assert "Move it away" in message
    assert destination.read_bytes() == CONTENT[:-1]


def test_file_address_serves_as_a_mirror(destination: Path, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.write_bytes(CONTENT)
    leave_part(destination, CONTENT[:1000])
    retrieve([mirror.as_uri()], destination, SHA256)
    assert_retrieved(destination)


def test_progress_is_logged(
    destination: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    caplog.set_level(logging.INFO)
    with serve({"/a": Page(CONTENT)}) as server:
        retrieve([f"{server.url}/a"], destination, SHA256)
    assert "archive.tar.gz: 0.3 of 0.3 MB, " in caplog.text
