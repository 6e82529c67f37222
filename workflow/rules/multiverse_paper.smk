# What a reader sees of many worlds, from their two tables alone.
from infwidth.jobs.code_digest import content_digest, whole_code_digest
from infwidth.jobs.provenance import figures_digest

WORLD_FIGURES = ("specifications", "shares")


rule robustness:
    input:
        **dict(rules.worlds.output.items()),
    output:
        robustness=f"{PAPER}/robustness.csv",
        factors=f"{PAPER}/factors.csv",
        models=f"{PAPER}/models.csv",
        table=report(
            f"{PAPER}/table1.md",
            caption="../report/worlds/table1.rst",
            category="Table 1",
        ),
    log:
        f"{LOGS}/robustness.log",
    benchmark:
        f"{RESULTS}/benchmarks/robustness.tsv"
    group:
        "paper"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(20),
    params:
        code=code(
            "multiverse.robustness.shares",
            "multiverse.robustness.factors",
            "multiverse.robustness.summary",
        ),
    message:
        "What of Table 1 survives in {multiverse.worlds} worlds"
    script:
        "../scripts/judge_worlds.py"


rule figures:
    input:
        **dict(rules.worlds.output.items()),
        **dict(rules.robustness.output.items()),
    output:
        pdf=expand(f"{PAPER}/figures/{{figure}}.pdf", figure=WORLD_FIGURES),
        png=[
            report(
                f"{PAPER}/figures/{figure}.png",
                caption=f"../report/worlds/{figure}.rst",
                category="Figures",
                labels={"figure": figure},
            )
            for figure in WORLD_FIGURES
        ],
    log:
        f"{LOGS}/figures.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures.tsv"
    group:
        "paper"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(15),
    params:
        config_sha256=figures_digest(multiverse.to_config()),
        code=code("multiverse.figures"),
    message:
        "Drawing {output.pdf}"
    script:
        "../scripts/draw_worlds.py"


rule report_pdf:
    input:
        **dict(rules.figures.input.items()),
        figures=rules.figures.output.pdf,
    output:
        report(
            f"{PAPER}/report.pdf",
            caption="../report/worlds/report.rst",
            category="Analysis",
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
        source=content_digest(
            WORKFLOW,
            "report/*.typ",
            *(f"report/worlds/{figure}.rst" for figure in WORLD_FIGURES),
        ),
        code=code("paper.worlds.report"),
    message:
        "Typesetting {output}"
    script:
        "../scripts/compile_worlds_report.py"


rule page:
    input:
        **dict(rules.figures.input.items()),
        figures=rules.figures.output.png,
    output:
        report(
            f"{PAPER}/index.html",
            caption="../report/worlds/page.rst",
            category="Analysis",
        ),
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
        captions=content_digest(
            WORKFLOW, *(f"report/worlds/{figure}.rst" for figure in WORLD_FIGURES)
        ),
        assets=content_digest(
            SRC / "infwidth/paper",
            "page/page.css",
            "page/shared/*",
            "page/vega/*",
            "worlds/worlds.*",
        ),
        experiment=experiment.experiment,
        code=code("paper.worlds"),
    message:
        "Writing the page {output}"
    script:
        "../scripts/write_worlds_page.py"


rule provenance:
    input:
        rules.report_pdf.output,
        rules.page.output,
        **dict(rules.worlds.output.items()),
        datasets=expand(rules.prepare_world_data.output[0], data=DATA_SETS),
        records=[WORLD_FILE.format(world=world.number) for world in drawn.worlds],
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
        config=multiverse.to_config(),
        benchmarks=lambda wildcards: {
            "world": [f"worlds/{world.number}.tsv" for world in drawn.worlds],
            "read_worlds": [f"read/{chunk}.tsv" for chunk in CHUNKS],
        }
        | {
            name: [f"{name}.tsv"]
            for name in ("robustness", "figures", "report_pdf", "page")
        },
        code=whole_code_digest(),
    message:
        "Writing down what made all this: {output}"
    script:
        "../scripts/write_worlds_provenance.py"


MADE = [
    rules.worlds.output,
    rules.robustness.output,
    rules.figures.output,
    rules.report_pdf.output,
    rules.page.output,
    rules.provenance.output,
]
