"""Take the products with W_0 apart, in trainings of one scheme at every width."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from infwidth.csv_files import write_csv
from infwidth.datasets.prepare import PreparedDataset
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.script import start
from infwidth.theory.covariance import covariance_table
from infwidth.theory.decomposition import decomposition_table
from infwidth.theory.innovations import observe
from infwidth.theory.setting import first_samples

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
torch.set_num_threads(snakemake.threads)
name, params = snakemake.wildcards.scheme, snakemake.params
data = first_samples(PreparedDataset.load(Path(snakemake.input.dataset)), params.samples)
observations = [
    observe(data, Scheme(**params.scheme), width, seed, Recipe(**params.recipe))
    for width in params.widths
    for seed in range(params.seeds)
]
write_csv(covariance_table(name, observations), snakemake.output.covariance)
write_csv(decomposition_table(name, observations), snakemake.output.decomposition)
