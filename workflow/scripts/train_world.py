"""Train every scheme at every width of a world; what goes wrong in it is recorded."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from infwidth.datasets.prepare import PreparedDataset
from infwidth.files.whole import FileError, first_line
from infwidth.jobs.devices import claim_device
from infwidth.jobs.script import logger, start
from infwidth.multiverse.record import Record
from infwidth.multiverse.run import run

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
training = snakemake.params.training
claim_device(training["recipes"][0][1]["device"])
torch.set_num_threads(snakemake.threads)
world = f"world {snakemake.wildcards.world}"
try:
    record = run(PreparedDataset.load(snakemake.input[0]), **training, label=world)
except (FileError, OSError, MemoryError, torch.OutOfMemoryError):
    # Of the machine, not of the world: it is to be run again.
    raise
except Exception as error:
    logger.exception("%s failed; it is recorded, and the others go on", world)
    record = Record.of_failure(f"{type(error).__name__}: {first_line(error)}")
record.save(Path(snakemake.output[0]))
