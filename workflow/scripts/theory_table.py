"""Measure what a statement of the theory, or one of its parts, is judged by."""

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.files.tables import write_csv
from infwidth.jobs.script import start
from infwidth.theory.measuring import Files

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
params = snakemake.params
module = import_module(f"infwidth.theory.{params.module}")
if torch := sys.modules.get("torch"):
    torch.set_num_threads(snakemake.threads)
paths = {
    name: [Path(files)] if isinstance(files, str) else [Path(file) for file in files]
    for name, files in snakemake.input.items()
}
if part := dict(snakemake.wildcards.items()).get("part"):
    tables = module.measured_part(Files(paths), params.settings, part)
else:
    tables = module.measured(Files(paths), params.settings)
for name, table in tables.items():
    write_csv(table, snakemake.output[name])
