"""Reduce feature snapshots to R factors."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.measures.features import Features

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
Features.of_snapshots(Path(snakemake.input[0])).save(Path(snakemake.output[0]))
