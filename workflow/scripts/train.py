"""Train one scheme at one width, all seeds together; what was interrupted goes on."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from infwidth.datasets.prepare import PreparedDataset
from infwidth.files.checksums import sha256_of
from infwidth.jobs.devices import claim_device
from infwidth.jobs.script import start
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.training.checkpoint import Checkpoints
from infwidth.training.train import device_name, pick_device, train

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
claim_device(snakemake.params.recipe["device"])
torch.set_num_threads(snakemake.threads)
wildcards, params, output = snakemake.wildcards, snakemake.params, snakemake.output
recipe = Recipe(**params.recipe)
dataset = Path(snakemake.input[0])
curves = Path(output.curves)
checkpoints = Checkpoints(
    # Not among the outputs, which Snakemake removes when a job ends before its time.
    curves.with_name("checkpoint.pt"),
    training={
        "data": sha256_of(dataset),
        "scheme": params.scheme,
        "width": int(wildcards.width),
        "seeds": params.seeds,
        "recipe": params.recipe,
        "code": params.code,
        "torch": torch.__version__,
        "device": device_name(pick_device(recipe.device)),
    },
    # Not among the parameters, since it must re-run nothing.
    seconds=float(snakemake.config["checkpoint_seconds"]),
)
checkpoints.stop_when_asked()
record = train(
    PreparedDataset.load(dataset),
    Scheme(**params.scheme),
    int(wildcards.width),
    range(params.seeds),
    recipe,
    label=f"{wildcards.scheme} n={wildcards.width}",
    checkpoints=checkpoints,
)
record.save(Path(output.snapshots), curves)
checkpoints.remove()
