"""Draw every figure of the paper folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.paper.figures import FIGURES
from infwidth.paper.measurements import read
from infwidth.paper.style import save
from infwidth.script import start

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
measured = read(Path(snakemake.input.scaling).parent)
for path in map(Path, snakemake.output.pdf):
    save(FIGURES[path.stem](measured), path.with_suffix(""))
