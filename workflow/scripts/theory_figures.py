"""Draw every figure of the checks of the theory."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.paper import theory
from infwidth.script import start

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
theory.save_all(Path(snakemake.input.rest).parent, snakemake.params.config_sha256)
