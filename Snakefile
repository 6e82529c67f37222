# Table 1 of Chen et al. (ICML 2025), measured. What to run stands in config.yaml.
from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"


if multiverse:

    include: "workflow/rules/multiverse.smk"
    include: "workflow/rules/multiverse_paper.smk"

else:

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
# `review`; of a multiverse `worlds`, `figures`, `review`.
rule all:
    default_target: True
    input:
        MADE,
    localrule: True
