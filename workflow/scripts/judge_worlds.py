"""What the outcomes of all worlds come to: shares, verdicts, and the choices behind them."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.multiverse.robustness import factors, shares, summary

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
folder = Path(snakemake.output.robustness).parent
for part in (shares, factors, summary):
    part.write(folder)
