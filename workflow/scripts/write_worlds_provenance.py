"""Write down what made the tables of worlds: config, code, packages, device, data and costs."""

from pathlib import Path
from typing import TYPE_CHECKING

from infwidth.jobs.provenance import as_json, provenance_of_worlds
from infwidth.jobs.script import start

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

start(snakemake)
inputs, params = snakemake.input, snakemake.params
datasets = [Path(path) for path in inputs.datasets]
benchmarks = datasets[0].parents[1] / "benchmarks"
content = provenance_of_worlds(
    config=params.config,
    code=params.code,
    datasets=datasets,
    records=[Path(path) for path in inputs.records],
    benchmarks={
        rule: [benchmarks / name for name in names] for rule, names in params.benchmarks.items()
    },
    folder=Path(snakemake.output[0]).parent,
)
Path(snakemake.output[0]).write_text(as_json(content) + "\n", encoding="utf-8")
