"""Train under µP with one activation at all widths, and measure its spectra."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from infwidth.csv_files import write_csv
from infwidth.datasets.prepare import PreparedDataset
from infwidth.recipe import Recipe
from infwidth.script import start
from infwidth.theory.activation_training import train_activation
from infwidth.theory.setting import first_samples

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
torch.set_num_threads(snakemake.threads)
params = snakemake.params
metrics, spectra = train_activation(
    first_samples(PreparedDataset.load(Path(snakemake.input.dataset)), params.samples),
    params.widths,
    range(params.seeds),
    Recipe(**params.recipe),
    snakemake.wildcards.activation,
)
write_csv(metrics, snakemake.output.metrics)
write_csv(spectra, snakemake.output.spectra)
