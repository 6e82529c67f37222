# The paper's statements about the n = ∞ network, one by one; what is drawn and told of them.
from infwidth.jobs.provenance import figures_digest
from infwidth.theory.setting import parts
from infwidth.theory.setting import settings as theory_settings
from infwidth.theory.statements import STATEMENTS, makers, tables

THEORY = f"{PAPER}/theory"
# The prepared data, and once more: statements put inputs together.
THEORY_INPUTS_MB = 2 * input_memory_mb(experiment)
# Statements whose tables are measured: those that are checked, or what measures for these.
CHECKED_MEASURED = {maker: STATEMENTS[maker] for maker in makers(CHECKED)}

# What statements are computed from: files of the experiment.
THEORY_NEEDS = {
    "dataset": rules.prepare_dataset.output[0],
    "features": trainings(rules.features.output[0]),
    "metrics": rules.spectra.output.metrics,
    "spectra": rules.spectra.output.spectra,
    "scaling": rules.scaling.output[0],
}
# Statement -> table of its parts -> where a part's lies.
THEORY_PARTS = {
    name: {
        table: f"{RESULTS}/theory/{name}/{{part}}/{table}.csv"
        for table in statement.parts.tables
    }
    for name, statement in CHECKED_MEASURED.items()
    if statement.parts
}
# Rule -> Snakemake's benchmark files of its jobs, in their folder.
theory_benchmarks = {
    f"theory_{name}": [f"theory_{name}.tsv"]
    for name in (*CHECKED_MEASURED, "findings", "figures")
}

for name, statement in CHECKED_MEASURED.items():
    if statement.parts:
        theory_benchmarks[f"theory_{name}_part"] = expand(
            f"theory_{name}_part/{{part}}.tsv",
            part=parts(experiment, statement),
        )

        rule:
            name:
                f"theory_{name}_part"
            input:
                dataset=rules.prepare_dataset.output[0],
            output:
                **THEORY_PARTS[name],
            log:
                f"{LOGS}/theory/{name}/{{part}}.log",
            benchmark:
                f"{RESULTS}/benchmarks/theory_{name}_part/{{part}}.tsv"
            group:
                "theory"
            conda:
                "../../envs/theory.yaml"
            threads: 1
            resources:
                mem_mb=growing(statement.memory_mb + THEORY_INPUTS_MB),
                runtime=growing(statement.minutes),
            params:
                module=statement.parts.module,
                settings=theory_settings(experiment, statement.parts.settings),
                code=code(f"theory.{statement.parts.module}"),
            message:
                f"{statement.title}: {{wildcards.part}}"
            script:
                "../scripts/theory_table.py"

    measuring = "measuring" if statement.joined else f"{name}.measure"

    rule:
        name:
            f"theory_{name}"
        input:
            **{need: THEORY_NEEDS[need] for need in statement.needs},
            **{table: f"{THEORY}/{table}.csv" for table in statement.reads},
            **{
                f"{table}_parts": expand(path, part=parts(experiment, statement))
                for table, path in THEORY_PARTS.get(name, {}).items()
            },
        output:
            **{
                table: f"{THEORY}/{table}.csv"
                for other, made in STATEMENTS.items()
                if name in (other, made.made_by)
                for table in made.tables
            },
        log:
            f"{LOGS}/theory/{name}.log",
        benchmark:
            f"{RESULTS}/benchmarks/theory_{name}.tsv"
        # Putting parts together is no work for a cluster, and would tie their jobs together.
        group:
            (
                (lambda wildcards: None)
                if statement.joined
                else (
                    "findings"
                    if statement.reads or set(statement.needs) - {"dataset"}
                    else "theory"
                )
            )
        localrule: statement.joined
        conda:
            f"../../envs/{'theory' if statement.trains else 'analysis'}.yaml"
        threads: 1
        resources:
            mem_mb=growing(
                statement.memory_mb + THEORY_INPUTS_MB * ("dataset" in statement.needs)
            ),
            runtime=growing(statement.minutes),
        params:
            module=measuring,
            settings=theory_settings(experiment, statement.settings),
            code=code(f"theory.{measuring}"),
        message:
            statement.title
        script:
            "../scripts/theory_table.py"


rule theory_findings:
    input:
        **{table: f"{THEORY}/{table}.csv" for table in tables(CHECKED)},
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
        statements=CHECKED,
        code=code("paper.findings", *(f"theory.{name}.judge" for name in CHECKED)),
    message:
        "What the checks of the theory come to"
    script:
        "../scripts/theory_findings.py"


rule theory_figures:
    input:
        **dict(rules.theory_findings.input.items()),
    output:
        pdf=expand(f"{THEORY}/figures/{{figure}}.pdf", figure=CHECKED_DRAWN),
        png=[
            report(
                f"{THEORY}/figures/{figure}.png",
                caption=f"../../src/infwidth/theory/{figure}/caption.md",
                category="Theory",
                labels={"figure": figure},
            )
            for figure in CHECKED_DRAWN
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
        statements=CHECKED,
        config_sha256=figures_digest(experiment.to_config(), theory=True),
        code=code("theory.drawing", *(f"theory.{name}.draw" for name in CHECKED_DRAWN)),
    message:
        "Drawing {output.pdf}"
    script:
        "../scripts/theory_figures.py"
