"""Write Table 1 for readers: Markdown and LaTeX, and Markdown for every layer."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.paper import tables
from infwidth.script import start

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
headline = tables.read(Path(snakemake.input.headline))
layers = tables.read(Path(snakemake.input.layers))
Path(snakemake.output.markdown).write_text(tables.markdown(headline), encoding="utf-8")
Path(snakemake.output.latex).write_text(tables.latex(headline), encoding="utf-8")
Path(snakemake.output.layers).write_text(tables.markdown(layers), encoding="utf-8")
