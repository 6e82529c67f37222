"""The committed configuration files, and which of them are laid over config.yaml together."""

from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

from infwidth.experiment import is_multiverse

ROOT = Path(__file__).parents[2]
FILES = sorted(path.stem for path in (ROOT / "config").glob("*.yaml"))


def stack(name: str) -> list[str]:
    """The files of an overlay: one that is named like another, and more, is laid over that one.

    >>> stack("sgd-heldout"), stack("wide")
    (['config/sgd.yaml', 'config/sgd-heldout.yaml'], ['config/wide.yaml'])
    """
    below, _, _ = name.partition("-")
    return [f"config/{each}.yaml" for each in dict.fromkeys((below, name)) if each in FILES]


def stacked(name: str) -> dict[str, Any]:
    """What these files say, laid over each other as Snakemake does."""
    found: dict[str, Any] = {}
    for file in stack(name):
        update_config(found, yaml.safe_load((ROOT / file).read_text(encoding="utf-8")))
    return found


# Those of many experiments, and those of one.
MULTIVERSES = [name for name in FILES if is_multiverse(stacked(name))]
OVERLAYS = [name for name in FILES if name not in MULTIVERSES]
