"""Read what some worlds' trainings left, in every way that is asked for."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.files.tables import write_csv
from infwidth.jobs.script import start
from infwidth.multiverse.readings import Reading
from infwidth.multiverse.record import Record
from infwidth.multiverse.tables import rows, table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
params = snakemake.params
readings = {name: Reading(**settings) for name, settings in params.readings.items()}
worlds, outcomes = [], []
for world, file in zip(params.worlds, snakemake.input, strict=True):
    row, words = rows(**world, record=Record.load(Path(file)), readings=readings)
    worlds.append(row)
    outcomes += words
write_csv(table(worlds), snakemake.output.worlds)
write_csv(table(outcomes), snakemake.output.readings)
