"""Train one scheme at one width, all seeds together."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from infwidth.datasets.prepare import PreparedDataset
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.script import start
from infwidth.training import train

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
torch.set_num_threads(snakemake.threads)
wildcards, params = snakemake.wildcards, snakemake.params
record = train(
    PreparedDataset.load(Path(snakemake.input[0])),
    Scheme(**params.scheme),
    int(wildcards.width),
    range(params.seeds),
    Recipe(**params.recipe),
    label=f"{wildcards.scheme} n={wildcards.width}",
)
record.save(Path(snakemake.output.snapshots), Path(snakemake.output.curves))
