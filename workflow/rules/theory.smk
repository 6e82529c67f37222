# The paper's statements about the n = ∞ network, one by one; what is drawn and told of them.
from infwidth.provenance import figures_digest
from infwidth.theory.setting import recipe_settings as theory_recipe_settings

THEORY = f"{PAPER}/theory"
THEORY_FIGURES = (
    "inputs",
    "kernels",
    "independence",
    "linearised",
    "covariance",
    "decomposition",
    "rest",
    "limits",
)
theory_recipe = theory_recipe_settings(experiment)


wildcard_constraints:
    activation="[a-z]+",


rule theory_inputs:
    input:
        dataset=rules.prepare_dataset.output[0],
    output:
        separation=f"{THEORY}/separation.csv",
        violations=f"{THEORY}/violations.csv",
    log:
        f"{LOGS}/theory/inputs.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory_inputs.tsv"
    group:
        "theory"
    conda:
        "../../envs/theory.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        recipe=theory_recipe,
        width=min(experiment.theory_widths),
        seeds=min(experiment.theory_seeds, 2),
        samples=experiment.theory_samples,
        # One odd and one that is not, at least: what a negated input does depends on it.
        activations=list(dict.fromkeys([*experiment.theory_activations, "erf"])),
        code=code("theory.inputs"),
    message:
        "Assumption 4.1: the inputs, and inputs that violate it"
    script:
        "../scripts/theory_inputs.py"


rule theory_activations:
    output:
        f"{THEORY}/activations.csv",
    log:
        f"{LOGS}/theory/activations.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory_activations.tsv"
    group:
        "theory"
    conda:
        "../../envs/theory.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=code("theory.activations"),
    message:
        "Assumption 4.3: which activations are GOOD"
    script:
        "../scripts/theory_activations.py"


rule theory_kernels:
    input:
        dataset=rules.prepare_dataset.output[0],
        features=trainings(rules.features.output[0]),
    output:
        f"{THEORY}/kernels.csv",
    log:
        f"{LOGS}/theory/kernels.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory_kernels.tsv"
    group:
        "findings"
    conda:
        "../../envs/theory.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        schemes={name: experiment.exponents(name) for name in experiment.schemes},
        widths=list(experiment.widths),
        activation=experiment.activation,
        init_std=experiment.init_std,
        reference_width=experiment.reference_width,
        hidden_layers=experiment.hidden_layers,
        code=code("theory.kernels"),
    message:
        "The kernels at initialisation, in closed form and measured"
    script:
        "../scripts/theory_kernels.py"


rule theory_linearised:
    input:
        dataset=rules.prepare_dataset.output[0],
    output:
        f"{THEORY}/linearised.csv",
    log:
        f"{LOGS}/theory/linearised.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory_linearised.tsv"
    group:
        "theory"
    conda:
        "../../envs/theory.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        recipe=theory_recipe,
        widths=list(experiment.theory_widths),
        seeds=experiment.theory_seeds,
        samples=experiment.theory_samples,
        code=code("theory.linearised"),
    message:
        "NTP against its linearised limit"
    script:
        "../scripts/theory_linearised.py"


rule theory_innovations:
    input:
        dataset=rules.prepare_dataset.output[0],
    output:
        covariance=f"{RESULTS}/theory/innovations/{{scheme}}/covariance.csv",
        decomposition=f"{RESULTS}/theory/innovations/{{scheme}}/decomposition.csv",
    log:
        f"{LOGS}/theory/innovations/{{scheme}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory_innovations/{{scheme}}.tsv"
    group:
        "theory"
    conda:
        "../../envs/theory.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        scheme=lambda wildcards: experiment.exponents(wildcards.scheme),
        recipe=theory_recipe,
        widths=list(experiment.theory_widths),
        seeds=experiment.theory_seeds,
        samples=experiment.theory_samples,
        code=code("theory.innovations", "theory.covariance", "theory.decomposition"),
    message:
        "The Gaussian and the Onsager part of the pre-activations under {wildcards.scheme}"
    script:
        "../scripts/theory_innovations.py"


rule theory_covariance:
    input:
        covariance=expand(
            rules.theory_innovations.output.covariance, scheme=experiment.schemes
        ),
        decomposition=expand(
            rules.theory_innovations.output.decomposition, scheme=experiment.schemes
        ),
    output:
        covariance=f"{THEORY}/covariance.csv",
        decomposition=f"{THEORY}/decomposition.csv",
    log:
        f"{LOGS}/theory/covariance.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    message:
        "Gathering {output}"
    script:
        "../scripts/theory_covariance.py"


rule theory_train_activation:
    input:
        dataset=rules.prepare_dataset.output[0],
    output:
        metrics=f"{RESULTS}/theory/activations/{{activation}}/metrics.csv",
        spectra=f"{RESULTS}/theory/activations/{{activation}}/spectra.csv",
    log:
        f"{LOGS}/theory/activations/{{activation}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory_train_activation/{{activation}}.tsv"
    group:
        "theory"
    conda:
        "../../envs/theory.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        recipe=theory_recipe,
        widths=list(experiment.theory_widths),
        seeds=experiment.theory_seeds,
        samples=experiment.theory_samples,
        code=code("theory.activation_training"),
    message:
        "Training with {wildcards.activation} under µP"
    script:
        "../scripts/theory_train_activation.py"


rule theory_independence:
    input:
        metrics=rules.spectra.output.metrics,
        spectra=rules.spectra.output.spectra,
        other_metrics=expand(
            rules.theory_train_activation.output.metrics,
            activation=experiment.theory_activations,
        ),
        other_spectra=expand(
            rules.theory_train_activation.output.spectra,
            activation=experiment.theory_activations,
        ),
    output:
        f"{THEORY}/independence.csv",
    log:
        f"{LOGS}/theory/independence.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory_independence.tsv"
    group:
        "findings"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        activation=experiment.activation,
        samples=experiment.samples,
        fit_width_ratio=experiment.fit_width_ratio,
        other_activations=list(experiment.theory_activations),
        other_samples=experiment.theory_samples,
        code=code("theory.independence"),
    message:
        "Theorem 4.5: least eigenvalues through training, at n = ∞"
    script:
        "../scripts/theory_independence.py"


rule theory_rest:
    input:
        dataset=rules.prepare_dataset.output[0],
    output:
        f"{THEORY}/rest.csv",
    log:
        f"{LOGS}/theory/rest.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory_rest.tsv"
    group:
        "theory"
    conda:
        "../../envs/theory.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        schemes={name: experiment.exponents(name) for name in experiment.schemes},
        recipe=theory_recipe,
        width=min(experiment.theory_widths),
        seeds=min(experiment.theory_seeds, 2),
        samples=4,
        activations=list(experiment.theory_activations),
        code=code("theory.rest"),
    message:
        "Corollary 4.6: trainings that come to rest"
    script:
        "../scripts/theory_rest.py"


rule theory_limits:
    input:
        metrics=rules.spectra.output.metrics,
        scaling=rules.scaling.output[0],
    output:
        f"{THEORY}/limits.csv",
    log:
        f"{LOGS}/theory/limits.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory_limits.tsv"
    group:
        "findings"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        stable_exponent=experiment.stable_exponent,
        steps=experiment.steps,
        code=code("theory.limits"),
    message:
        "The n = ∞ column of Table 1"
    script:
        "../scripts/theory_limits.py"


rule theory_findings:
    input:
        separation=rules.theory_inputs.output.separation,
        violations=rules.theory_inputs.output.violations,
        activations=rules.theory_activations.output[0],
        independence=rules.theory_independence.output[0],
        kernels=rules.theory_kernels.output[0],
        linearised=rules.theory_linearised.output[0],
        covariance=rules.theory_covariance.output.covariance,
        decomposition=rules.theory_covariance.output.decomposition,
        rest=rules.theory_rest.output[0],
        limits=rules.theory_limits.output[0],
    output:
        table=f"{THEORY}/findings.csv",
        markdown=report(
            f"{THEORY}/findings.md",
            caption="../report/theory_findings.rst",
            category="Theory",
        ),
    log:
        f"{LOGS}/theory/findings.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory_findings.tsv"
    group:
        "findings"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("theory.findings", "paper.theory.tables"),
    message:
        "What the checks of the theory come to"
    script:
        "../scripts/theory_findings.py"


rule theory_figures:
    input:
        **dict(rules.theory_findings.input.items()),
    output:
        pdf=expand(f"{THEORY}/figures/{{figure}}.pdf", figure=THEORY_FIGURES),
        png=[
            report(
                f"{THEORY}/figures/{figure}.png",
                caption=f"../report/theory_{figure}.rst",
                category="Theory",
                labels={"figure": figure},
            )
            for figure in THEORY_FIGURES
        ],
    log:
        f"{LOGS}/theory/figures.log",
    benchmark:
        f"{RESULTS}/benchmarks/theory_figures.tsv"
    group:
        "findings"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
    params:
        config_sha256=figures_digest(experiment.to_config(), theory=True),
        code=code("paper.theory"),
    message:
        "Drawing {output.pdf}"
    script:
        "../scripts/theory_figures.py"


# Nothing where they are left out.
THEORY_MADE = (
    [*rules.theory_findings.output, *rules.theory_figures.output]
    if experiment.theory
    else []
)
# Rule -> Snakemake's benchmark files of its jobs, by their names in the folder of these.
theory_benchmarks = {
    "theory_innovations": expand(
        "theory_innovations/{scheme}.tsv",
        scheme=experiment.schemes,
    ),
    "theory_train_activation": expand(
        "theory_train_activation/{activation}.tsv",
        activation=experiment.theory_activations,
    ),
} | {
    name: [f"{name}.tsv"]
    for name in (
        "theory_inputs",
        "theory_activations",
        "theory_kernels",
        "theory_linearised",
        "theory_independence",
        "theory_rest",
        "theory_limits",
        "theory_findings",
        "theory_figures",
    )
}
