"""Execute the notebook in the paper folder; write it with its outputs and as one HTML file."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.paper.notebook import as_html, executed
from infwidth.script import start

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
source = Path(snakemake.input.source)
folder = Path(snakemake.output.ipynb).parent
notebook = executed(source.read_text(encoding="utf-8"), folder)
Path(snakemake.output.ipynb).write_text(notebook, encoding="utf-8")
title = f"{snakemake.params.experiment}: Table 1, measured"
Path(snakemake.output.html).write_text(as_html(notebook, title), encoding="utf-8")
