"""Train to rest, and see what error is left."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from infwidth.csv_files import write_csv
from infwidth.datasets.prepare import PreparedDataset
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.script import start
from infwidth.theory.rest import rest_table
from infwidth.theory.setting import first_samples

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
torch.set_num_threads(snakemake.threads)
params = snakemake.params
table = rest_table(
    first_samples(PreparedDataset.load(Path(snakemake.input.dataset)), params.samples),
    {name: Scheme(**exponents) for name, exponents in params.schemes.items()},
    params.width,
    range(params.seeds),
    Recipe(**params.recipe),
    params.activations,
)
write_csv(table, snakemake.output[0])
