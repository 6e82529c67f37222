"""Write down what made the outputs: config, code, packages, device, data and costs."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.provenance import as_json, provenance
from infwidth.jobs.script import start

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
dataset = Path(snakemake.input.dataset)
content = provenance(
    config=snakemake.params.config,
    code=snakemake.params.code,
    dataset=dataset,
    curves=[Path(path) for path in snakemake.input.curves],
    benchmarks={
        rule: [dataset.parent / "benchmarks" / name for name in names]
        for rule, names in snakemake.params.benchmarks.items()
    },
    folder=Path(snakemake.output[0]).parent,
    theory=snakemake.params.theory,
)
Path(snakemake.output[0]).write_text(as_json(content) + "\n", encoding="utf-8")
