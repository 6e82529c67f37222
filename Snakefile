# Table 1 of Chen et al. (ICML 2025), measured. What to run stands in config.yaml.
from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/analysis.smk"


if experiment.theory:

    include: "workflow/rules/theory.smk"


include: "workflow/rules/paper.smk"
include: "workflow/rules/review.smk"


if MAIN:

    # What `snakemake --report` opens with.
    report: "workflow/report/workflow.rst"


# Further targets, each a rule of this name: `table1`, `figures`, `theory`, `verify`,
# `review`.
rule all:
    default_target: True
    input:
        rules.table1.output,
        rules.figures.output,
        THEORY_MADE,
        rules.notebook.output,
        rules.report_pdf.output,
        rules.page.output,
        rules.provenance.output,
    localrule: True


rule theory:
    input:
        THEORY_MADE,
    localrule: True
