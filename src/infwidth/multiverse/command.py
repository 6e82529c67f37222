"""One world by itself, from the command line: its config, or its row of worlds.csv."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

from infwidth.config import ConfigError
from infwidth.config.checks import Sizes
from infwidth.datasets import sources
from infwidth.datasets.prepare import COUNTS, prepare
from infwidth.experiment import is_multiverse
from infwidth.jobs.code_digest import PACKAGE
from infwidth.multiverse.setting import Multiverse, read_multiverse
from infwidth.multiverse.tables import row_text, rows
from infwidth.multiverse.worlds import World, draw

ROOT = PACKAGE.parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is asked for; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m infwidth.multiverse",
        description="Print the configuration of one world, an ordinary experiment: "
        "`> world.yaml`, then `snakemake --cores all --configfile world.yaml`.",
    )
    parser.add_argument(
        "source",
        nargs="+",
        type=Path,
        help="a paper folder with worlds.csv, or files laid over config.yaml in this order, such "
        "as config/multiverse.yaml",
    )
    parser.add_argument("world", type=int, help="its number in worlds.csv, from 0")
    parser.add_argument(
        "--row", action="store_true", help="train it here, and print its row of worlds.csv"
    )
    asked = parser.parse_args(arguments)
    try:
        # A run's own data may be elsewhere by now, and had as many images as its worlds needed.
        sizes = _enough if asked.source[0].is_dir() else sources.sizes
        multiverse = _read(asked.source, sizes)
        worlds = draw(multiverse, sizes).worlds
        if not 0 <= asked.world < len(worlds):
            raise ValueError(f"world: found {asked.world}; choose one of 0 to {len(worlds) - 1}")
    except (OSError, ValueError) as error:
        parser.exit(2, f"{error}\n")
    world = worlds[asked.world]
    sys.stdout.write(_row(world, multiverse) if asked.row else as_yaml(world))
    return 0


def as_yaml(world: World) -> str:
    """Its configuration, every key, with its levels in a comment."""
    levels = ", ".join(f"{factor} {level}" for factor, level in world.levels.items())
    config = yaml.safe_dump(world.experiment.to_config(), allow_unicode=True, sort_keys=False)
    return f"# World {world.number}: {levels}.\n{config}"


def _enough(dataset: str, dataset_path: str | None) -> tuple[int, int]:
    """As many images as are asked for."""
    return sys.maxsize, sys.maxsize


def _read(given: Sequence[Path], sizes: Sizes) -> Multiverse:
    if given[0].is_dir():
        provenance = json.loads((given[0] / "provenance.json").read_text(encoding="utf-8"))
        config, base = provenance["config"], provenance["config"]
    else:
        base, config = (_yaml(ROOT / "config.yaml") for _ in range(2))
        for path in given:
            update_config(config, _yaml(path))
    if not is_multiverse(config):
        raise ConfigError([f"factors: none in {' '.join(map(str, given))}, which has no worlds"])
    return read_multiverse(config, ROOT / "workflow/schemas", base=base, sizes=sizes)


def _yaml(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


def _row(world: World, multiverse: Multiverse) -> str:
    """Column names and its row."""
    import torch

    from infwidth.multiverse.run import run

    torch.set_num_threads(1)
    its = world.experiment
    images = sources.SOURCES[its.dataset].load(**sources.location(its))
    record = run(prepare(images, **its.settings(*COUNTS)), **world.training)
    row, _ = rows(**world.identity, record=record, readings=multiverse.readings)
    return row_text(row)
