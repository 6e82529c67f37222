"""Compile the report in the paper folder, whose files it reads."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.script import start
from infwidth.paper.report import compile_pdf

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
output = Path(snakemake.output[0])
source = Path(__file__).parents[1] / "report/report.typ"
output.write_bytes(compile_pdf(source, output.parent))
