"""Hold the Gram matrices at initialisation against the closed form."""

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from infwidth.csv_files import write_csv
from infwidth.datasets.prepare import PreparedDataset
from infwidth.features import Features
from infwidth.schemes import Scheme
from infwidth.script import start
from infwidth.theory.kernels import kernels_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
torch.set_num_threads(snakemake.threads)
params = snakemake.params
trainings = product(params.schemes, params.widths)
table = kernels_table(
    PreparedDataset.load(Path(snakemake.input.dataset)).train_inputs,
    (
        (scheme, Features.load(Path(path)))
        for (scheme, _), path in zip(trainings, snakemake.input.features, strict=True)
    ),
    {name: Scheme(**exponents) for name, exponents in params.schemes.items()},
    activation=params.activation,
    init_std=params.init_std,
    reference_width=params.reference_width,
    hidden_layers=params.hidden_layers,
)
write_csv(table, snakemake.output[0])
