"""How well the inputs meet Assumption 4.1, and what becomes of inputs that do not."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from infwidth.csv_files import write_csv
from infwidth.datasets.prepare import PreparedDataset
from infwidth.recipe import Recipe
from infwidth.script import start
from infwidth.theory.inputs import separation, violations
from infwidth.theory.setting import first_samples

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
torch.set_num_threads(snakemake.threads)
params = snakemake.params
data = PreparedDataset.load(Path(snakemake.input.dataset))
write_csv(separation(data.train_inputs), snakemake.output.separation)
table = violations(
    first_samples(data, params.samples),
    params.width,
    range(params.seeds),
    Recipe(**params.recipe),
    params.activations,
)
write_csv(table, snakemake.output.violations)
