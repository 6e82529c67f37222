"""The committed multiverse with changes, and a small one that trains in moments."""

from typing import Any

import yaml
from overlays import ROOT

from infwidth.datasets.prepare import COUNTS, PreparedDataset, prepare
from infwidth.datasets.sources import SOURCES, location, sizes
from infwidth.multiverse.setting import Multiverse, read_multiverse
from infwidth.multiverse.worlds import World, draw


def load(path: str) -> dict[str, Any]:
    """A YAML file of the repository."""
    content: dict[str, Any] = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    return content


BASE = load("config.yaml")
COMMITTED = load("config/multiverse.yaml")
SMALL: dict[str, Any] = {
    "experiment": "small",
    "dataset": "digits",
    "widths": [16, 32, 48, 64],
    "seeds": 2,
    "test_samples": 8,
    "snapshots": 3,
    "steps": 6,
    "samples": 4,
    "hidden_layers": 2,
    "device": "cpu",
}


def read(**changes: Any) -> Multiverse:
    """config/multiverse.yaml over config.yaml, with keys in the place of its own."""
    return read_multiverse(
        BASE | COMMITTED | changes,
        ROOT / "workflow/schemas",
        base=BASE,
        given=COMMITTED | changes,
        cuda_available=lambda: True,
    )


def factors(**changes: Any) -> dict[str, Any]:
    """The committed factors with levels in the place of their own, as a change."""
    return {"factors": COMMITTED["factors"] | changes}


def worlds(**changes: Any) -> tuple[World, ...]:
    """Those of the committed multiverse with changes."""
    return draw(read(**changes), sizes).worlds


def inputs_of(world: World) -> PreparedDataset:
    """The images that a world trains on, as its job gets them."""
    images = SOURCES[world.experiment.dataset].load(**location(world.experiment))
    return prepare(images, **world.experiment.settings(*COUNTS))


def small(**changes: Any) -> World:
    """A world of its own that trains in moments."""
    (world,) = worlds(**SMALL | {"factors": {"loss": ["mse"]}} | changes, worlds=1)
    return world
