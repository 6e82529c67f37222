"""Draw every figure of the checks of the theory."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.theory.drawing import save_all

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
save_all(
    Path(snakemake.input[0]).parent, snakemake.params.statements, snakemake.params.config_sha256
)
