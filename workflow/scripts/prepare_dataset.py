"""Load a data set and save the inputs and labels that the networks see."""

from typing import TYPE_CHECKING

from infwidth.datasets.prepare import parallel_pairs, prepare
from infwidth.datasets.sources import SOURCES
from infwidth.script import logger, start

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
params = snakemake.params
images = SOURCES[params.dataset].load(**params.location)
dataset = prepare(
    images, pool=params.pool, samples=params.samples, test_samples=params.test_samples
)
logger.info(
    "%s: %d of %d training images, %d of %d test images, %d pixels, %d classes",
    params.dataset,
    params.samples,
    images.sizes[0],
    params.test_samples,
    images.sizes[1],
    dataset.train_inputs.shape[1],
    dataset.classes,
)
for first, second in parallel_pairs(dataset.train_inputs):
    logger.warning(
        "training images %d and %d are equal up to a factor: their features are linearly "
        "dependent at every width, and the smallest eigenvalues are zero whatever the scheme",
        first,
        second,
    )
dataset.save(snakemake.output[0])
