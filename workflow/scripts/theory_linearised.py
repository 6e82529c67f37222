"""Train beside the linear equation of the tangent kernel."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from infwidth.csv_files import write_csv
from infwidth.datasets.prepare import PreparedDataset
from infwidth.recipe import Recipe
from infwidth.script import start
from infwidth.theory.linearised import linearised_table
from infwidth.theory.setting import first_samples

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
torch.set_num_threads(snakemake.threads)
params = snakemake.params
table = linearised_table(
    first_samples(PreparedDataset.load(Path(snakemake.input.dataset)), params.samples),
    params.widths,
    range(params.seeds),
    Recipe(**params.recipe),
)
write_csv(table, snakemake.output[0])
