# Table 1 of Chen et al. (ICML 2025), measured. What to run stands in config.yaml.
from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/paper.smk"


# Further targets, each a rule of this name: `table1`, `figures`, `verify`.
rule all:
    default_target: True
    input:
        rules.table1.output,
        rules.figures.output,
        rules.notebook.output,
        rules.report_pdf.output,
        rules.provenance.output,
    localrule: True
