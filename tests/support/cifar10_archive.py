"""Small archives in the official layout of CIFAR-10's, for the tests that read or fetch one."""

import hashlib
import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from infwidth.datasets.cifar10 import ARCHIVE_NAME

IMAGES_PER_BATCH = 10
NAMES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def batch(seed: int) -> dict[bytes, Any]:
    rng = np.random.default_rng(seed)
    return {
        b"batch_label": b"a batch",
        b"labels": rng.integers(0, 10, IMAGES_PER_BATCH).tolist(),
        b"data": rng.integers(0, 256, (IMAGES_PER_BATCH, 3072), dtype=np.uint8),
        b"filenames": [b"image.png"] * IMAGES_PER_BATCH,
    }


def official_batches() -> dict[str, Any]:
    meta = {b"num_cases_per_batch": IMAGES_PER_BATCH, b"label_names": [b"airplane"]}
    return {name: batch(seed) for seed, name in enumerate(NAMES)} | {"batches.meta": meta}


def write_archive(data_root: Path, batches: dict[str, Any]) -> str:
    """Write the archive and return its SHA-256; a batch given as bytes is written as it is."""
    archive = data_root / ARCHIVE_NAME
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in batches.items():
            # Protocol 2 is what the official archive was written with.
            payload = content if isinstance(content, bytes) else pickle.dumps(content, protocol=2)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(payload)
            tar.addfile(member, io.BytesIO(payload))
    return hashlib.sha256(archive.read_bytes()).hexdigest()
