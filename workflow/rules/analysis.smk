# From features to the measurements, their exponents in the width, and the verdicts.


rule spectra:
    input:
        features=trainings(rules.features.output[0]),
        curves=trainings(rules.train.output.curves),
    output:
        metrics=f"{PAPER}/metrics.csv",
        runs=f"{PAPER}/runs.csv",
        diverged=f"{PAPER}/diverged.csv",
        spectra=f"{PAPER}/spectra.csv",
    log:
        f"{LOGS}/spectra.log",
    benchmark:
        f"{RESULTS}/benchmarks/spectra.tsv"
    group:
        "analysis"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        schemes=list(experiment.schemes),
        widths=list(experiment.widths),
        code=code("measures.tables"),
    message:
        "Eigenvalues of {params.schemes} at {params.widths}"
    script:
        "../scripts/measure_spectra.py"


rule scaling:
    input:
        metrics=rules.spectra.output.metrics,
        spectra=rules.spectra.output.spectra,
    output:
        f"{PAPER}/scaling.csv",
    log:
        f"{LOGS}/scaling.log",
    benchmark:
        f"{RESULTS}/benchmarks/scaling.tsv"
    group:
        "analysis"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        settings=experiment.settings("samples", "steps", "fit_width_ratio"),
        code=code("measures.scaling"),
    message:
        "Fitting exponents in the width"
    script:
        "../scripts/fit_exponents.py"


rule verdicts:
    input:
        scaling=rules.scaling.output[0],
        diverged=rules.spectra.output.diverged,
        runs=rules.spectra.output.runs,
    output:
        headline=f"{PAPER}/table1.csv",
        layers=f"{PAPER}/table1_layers.csv",
        rules=f"{PAPER}/table1_rules.csv",
    log:
        f"{LOGS}/verdicts.log",
    benchmark:
        f"{RESULTS}/benchmarks/verdicts.tsv"
    group:
        "analysis"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        thresholds=experiment.settings(
            "stable_exponent", "small_change", "collapse_ratio"
        ),
        code=code("measures.verdicts"),
    message:
        "Judging every cell of Table 1"
    script:
        "../scripts/judge_table1.py"


rule table1_steps:
    input:
        metrics=rules.spectra.output.metrics,
        spectra=rules.spectra.output.spectra,
        headline=rules.verdicts.output.headline,
    output:
        steps=f"{PAPER}/table1_steps.csv",
        facts=f"{PAPER}/table1_facts.csv",
    log:
        f"{LOGS}/table1_steps.log",
    benchmark:
        f"{RESULTS}/benchmarks/table1_steps.tsv"
    group:
        "analysis"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        settings=experiment.settings("samples", "fit_width_ratio"),
        thresholds=experiment.settings(
            "stable_exponent", "small_change", "collapse_ratio"
        ),
        code=code("measures.through_time"),
    message:
        "Judging Table 1 at every step"
    script:
        "../scripts/judge_steps.py"


# Not part of `all`: a disagreement is a finding, and the pipeline completes with it.
rule verify:
    input:
        rules.verdicts.output.headline,
    log:
        f"{LOGS}/verify.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    message:
        "Comparing {input} with the paper"
    script:
        "../scripts/verify_table1.py"
