# What a reader sees: tables, figures, notebook and report, from the CSV files alone.
from infwidth.jobs.code_digest import content_digest, whole_code_digest
from infwidth.jobs.provenance import figures_digest
from infwidth.theory.statements import measured_tables

FIGURES = (
    "width_sweep",
    "table1_steps",
    "evolution",
    "spectra",
    "losses",
    "layers",
)


# The checks of the theory, and their tables and findings for what shows them; nothing where they
# are left out.
THEORY_MADE = (
    [*rules.theory_findings.output, *rules.theory_figures.output]
    if experiment.theory
    else []
)
THEORY_SHOWN = (
    {f"theory_{key}": path for key, path in rules.theory_findings.input.items()}
    | {"findings": rules.theory_findings.output.table}
    if experiment.theory
    else {}
)


rule table1:
    input:
        headline=rules.verdicts.output.headline,
        layers=rules.verdicts.output.layers,
    output:
        markdown=report(
            f"{PAPER}/table1.md", caption="../report/table1.rst", category="Table 1"
        ),
        latex=f"{PAPER}/table1.tex",
        layers=report(
            f"{PAPER}/table1_layers.md",
            caption="../report/table1_layers.rst",
            category="Table 1",
        ),
    log:
        f"{LOGS}/table1.log",
    benchmark:
        f"{RESULTS}/benchmarks/table1.tsv"
    group:
        "analysis"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("paper.tables"),
    message:
        "Writing Table 1 to {output.markdown}"
    script:
        "../scripts/write_tables.py"


rule figures:
    input:
        metrics=rules.spectra.output.metrics,
        runs=rules.spectra.output.runs,
        diverged=rules.spectra.output.diverged,
        spectra=rules.spectra.output.spectra,
        scaling=rules.scaling.output[0],
        steps=rules.table1_steps.output.steps,
    output:
        pdf=expand(f"{PAPER}/figures/{{figure}}.pdf", figure=FIGURES),
        png=[
            report(
                f"{PAPER}/figures/{figure}.png",
                caption=f"../report/{figure}.rst",
                category="Figures",
                labels={"figure": figure.replace("_", " ")},
            )
            for figure in FIGURES
        ],
    log:
        f"{LOGS}/figures.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures.tsv"
    group:
        "analysis"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(15),
    params:
        config_sha256=figures_digest(experiment.to_config()),
        code=code("paper.figures"),
    message:
        "Drawing {output.pdf}"
    script:
        "../scripts/draw_figures.py"


rule notebook:
    input:
        **dict(rules.figures.input.items()),
        **THEORY_SHOWN,
        headline=rules.verdicts.output.headline,
        layers=rules.verdicts.output.layers,
        facts=rules.table1_steps.output.facts,
    output:
        f"{PAPER}/analysis.ipynb",
    log:
        f"{LOGS}/notebook.log",
    benchmark:
        f"{RESULTS}/benchmarks/notebook.tsv"
    group:
        "findings"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
    params:
        theory=bool(experiment.theory),
        source=content_digest(WORKFLOW, "notebooks/analysis.py"),
        code=code(
            "paper.notebook",
            "paper.figures",
            "paper.tables",
            "paper.findings",
            "theory.drawing",
            *(f"theory.{name}" for name in CHECKED),
            "theory.judging",
            *(f"theory.{name}.draw" for name in CHECKED_DRAWN),
        ),
    message:
        "Running the notebook {output}"
    script:
        "../scripts/run_notebook.py"


# After all that costs anything: the report shows it.
rule provenance:
    input:
        rules.table1.output,
        rules.figures.output,
        rules.notebook.output,
        THEORY_MADE,
        dataset=rules.prepare_dataset.output[0],
        curves=trainings(rules.train.output.curves),
    output:
        f"{PAPER}/provenance.json",
    log:
        f"{LOGS}/provenance.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        config=experiment.to_config(),
        benchmarks=lambda wildcards: {
            name: trainings(f"{name}/{{scheme}}_{{width}}.tsv")(wildcards)
            for name in ("train", "features")
        }
        | (theory_benchmarks if experiment.theory else {})
        | {
            name: [f"{name}.tsv"]
            for name in (
                "retrieve_cifar10",
                "prepare_dataset",
                "spectra",
                "scaling",
                "verdicts",
                "table1_steps",
                "table1",
                "figures",
                "notebook",
            )
        },
        code=whole_code_digest(),
        theory=measured_tables(CHECKED),
    message:
        "Writing down what made all this: {output}"
    script:
        "../scripts/write_provenance.py"


rule report_pdf:
    input:
        headline=rules.verdicts.output.headline,
        layers=rules.verdicts.output.layers,
        scaling=rules.scaling.output[0],
        facts=rules.table1_steps.output.facts,
        steps=rules.table1_steps.output.steps,
        runs=rules.spectra.output.runs,
        diverged=rules.spectra.output.diverged,
        provenance=rules.provenance.output[0],
        figures=rules.figures.output.pdf,
        theory=THEORY_MADE,
    output:
        report(
            f"{PAPER}/report.pdf", caption="../report/report.rst", category="Analysis"
        ),
    log:
        f"{LOGS}/report_pdf.log",
    benchmark:
        f"{RESULTS}/benchmarks/report_pdf.tsv"
    group:
        "paper"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        source=content_digest(WORKFLOW, "report/*.typ", "report/references.bib"),
        captions=content_digest(SRC / "infwidth/theory", "*/caption.md"),
        code=code("paper.report", *(f"theory.{name}" for name in CHECKED)),
    message:
        "Typesetting {output}"
    script:
        "../scripts/compile_report.py"


rule page:
    input:
        **dict(rules.figures.input.items()),
        headline=rules.verdicts.output.headline,
        layers=rules.verdicts.output.layers,
        facts=rules.table1_steps.output.facts,
        provenance=rules.provenance.output[0],
        figures=rules.figures.output.png,
        theory_figures=rules.theory_figures.output.png if experiment.theory else [],
        findings=rules.theory_findings.output.table if experiment.theory else [],
    output:
        report(f"{PAPER}/index.html", caption="../report/page.rst", category="Analysis"),
    log:
        f"{LOGS}/page.log",
    benchmark:
        f"{RESULTS}/benchmarks/page.tsv"
    group:
        "paper"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        statements=CHECKED,
        captions=content_digest(
            WORKFLOW,
            *(f"report/{figure}.rst" for figure in FIGURES),
        ),
        theory_captions=content_digest(SRC / "infwidth/theory", "*/caption.md"),
        # The code's digest covers Python only.
        assets=content_digest(
            SRC / "infwidth/paper/page", "page.*", "shared/*", "vega/*"
        ),
        code=code("paper.page", *(f"theory.{name}" for name in CHECKED)),
    message:
        "Writing the page {output}"
    script:
        "../scripts/write_page.py"


MADE = [
    rules.table1.output,
    rules.figures.output,
    THEORY_MADE,
    rules.notebook.output,
    rules.report_pdf.output,
    rules.page.output,
    rules.provenance.output,
]


rule theory:
    input:
        THEORY_MADE,
    localrule: True
