"""Execute the notebook in the paper folder; write it with its outputs."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.paper.notebook import run

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
run(
    Path(__file__).parents[1] / "notebooks/analysis.py",
    Path(snakemake.output[0]).parent,
    theory=snakemake.params.theory,
)
