"""Download the CIFAR-10 archive and verify it."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.datasets.retrieve import retrieve
from infwidth.jobs.script import start

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
retrieve(snakemake.params.urls, Path(snakemake.output[0]), snakemake.params.sha256)
