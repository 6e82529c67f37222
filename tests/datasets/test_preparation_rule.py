"""What is trained on and what is probed, through the workflow: the prepared data's file."""

from pathlib import Path
from typing import Any

import numpy as np
from workflow_run import IMAGES_NAME, TINY, Checkout

from infwidth.datasets.identity import Identity, inputs_sha256
from infwidth.datasets.npz import load_npz
from infwidth.datasets.prepare import PreparedDataset, prepare

TARGET = "results/tiny/dataset.npz"


def test_all_images_and_held_out_probes_are_prepared(tmp_path: Path) -> None:
    checkout = Checkout.fresh(tmp_path / "checkout")
    checkout.make(TARGET, config={"train_samples": "all", "probes": "test"})
    counts: dict[str, Any] = {key: TINY[key] for key in ("pool", "samples", "test_samples")}
    counts |= {"train_samples": 24, "probes": "test"}
    images = load_npz(dataset_path=str(checkout.root / "images.npz"))
    expected, found = prepare(images, **counts), PreparedDataset.load(checkout.root / TARGET)
    assert found.train_inputs.shape == (24, 16)
    np.testing.assert_array_equal(found.train_inputs, expected.train_inputs)
    np.testing.assert_array_equal(found.probes, found.test_inputs[:4])
    identity = Identity(IMAGES_NAME, inputs_sha256(images, **counts))
    assert Identity.load(checkout.root / TARGET) == identity
