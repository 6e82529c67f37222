"""Gather the tables of all schemes."""

from typing import TYPE_CHECKING

import pandas as pd

from infwidth.csv_files import read_csv, write_csv
from infwidth.script import start

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
for name in ("covariance", "decomposition"):
    parts = [read_csv(path) for path in snakemake.input[name]]
    write_csv(pd.concat(parts, ignore_index=True), snakemake.output[name])
