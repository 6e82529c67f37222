"""Put the rows of all worlds together."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.multiverse.tables import join

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
for name in ("worlds", "readings"):
    join([Path(part) for part in snakemake.input[name]], Path(snakemake.output[name]))
