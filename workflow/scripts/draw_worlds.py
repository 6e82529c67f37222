"""Draw every figure of the paper folder of worlds."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.multiverse.figures import save_all

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
save_all(Path(snakemake.input.worlds).parent, snakemake.params.config_sha256)
