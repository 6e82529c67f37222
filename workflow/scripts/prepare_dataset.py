"""Load a data set and save the inputs and labels that the networks see."""

from typing import TYPE_CHECKING

from infwidth.datasets.identity import inputs_sha256
from infwidth.datasets.prepare import doubts, prepare
from infwidth.datasets.sources import SOURCES
from infwidth.jobs.script import logger, start

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
params = snakemake.params
images = SOURCES[params.dataset].load(**params.location)
dataset = prepare(images, **params.counts)
logger.info(
    "%s: %d of %d training images, %d of %d test images, %d probes, %d pixels, %d classes",
    params.name,
    len(dataset.train_labels),
    images.sizes[0],
    len(dataset.test_labels),
    images.sizes[1],
    len(dataset.probes),
    dataset.train_inputs.shape[1],
    dataset.classes,
)
for doubt in doubts(images, dataset):
    logger.warning("%s", doubt)
dataset.save(snakemake.output[0], name=params.name, sha256=inputs_sha256(images, **params.counts))
