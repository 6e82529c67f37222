"""CIFAR-10 through the workflow: downloaded once, kept, and asked for by hand when offline."""

from pathlib import Path

import numpy as np
from cifar10_archive import official_batches, write_archive
from loopback import Page, closed_address, serve
from workflow_run import Checkout, append

from infwidth.datasets.cifar10 import ARCHIVE_NAME

TARGET = "results/tiny/dataset.npz"


def settings(url: str, sha256: str) -> dict[str, object]:
    return {
        "dataset": "cifar10",
        "dataset_path": "null",
        "cifar10_urls": f"[{url}]",
        "cifar10_sha256": sha256,
        "data_root": "downloads",
    }


def test_archive_is_downloaded_once_and_kept(tmp_path: Path) -> None:
    sha256 = write_archive(tmp_path, official_batches())
    archive = (tmp_path / ARCHIVE_NAME).read_bytes()
    checkout = Checkout.fresh(tmp_path / "checkout")
    with serve({"/archive": Page(archive, drops=1)}) as server:
        config = settings(f"{server.url}/archive", sha256)
        checkout.make(TARGET, config=config)
        asked = [("/archive", None), ("/archive", f"bytes={len(archive) // 2}-")]
        assert server.requests == asked
        with np.load(checkout.root / TARGET) as prepared:
            assert prepared["train_inputs"].shape == (4, 3072)
            assert prepared["test_inputs"].shape == (8, 3072)
        # A changed script would run its rule again, and Snakemake removes what a rule makes first.
        append(checkout.root / "workflow/scripts/retrieve_cifar10.py", "\nAGAIN = True\n")
        (checkout.root / TARGET).unlink()
        checkout.make(TARGET, config=config)
        assert server.requests == asked
    assert (checkout.root / "downloads" / ARCHIVE_NAME).read_bytes() == archive


def test_offline_says_what_was_tried_and_what_to_do(tmp_path: Path) -> None:
    url = f"{closed_address()}/{ARCHIVE_NAME}"
    checkout = Checkout.fresh(tmp_path / "checkout")
    run = checkout.snakemake(config=settings(url, "f" * 64), targets=[TARGET])
    assert run.code != 0
    assert f"{url}: [Errno 111] Connection refused" in run.output
    assert f"at {checkout.root.resolve() / 'downloads' / ARCHIVE_NAME}" in run.output
    assert "`make quick`" in run.output
    assert not (checkout.root / TARGET).exists()
