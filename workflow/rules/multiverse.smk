# Worlds: each is one job with all its trainings; how they are read is asked afterwards.
from infwidth.jobs.code_digest import content_digest, whole_code_digest
from infwidth.jobs.hardware import gpus, training_memory_mb, training_minutes
from infwidth.jobs.provenance import figures_digest
from infwidth.multiverse.record import remove_damaged

CHUNKS = range((multiverse.worlds + READ_TOGETHER - 1) // READ_TOGETHER)
WORLD_FIGURES = ("specifications", "shares")
WORLD_FILE = f"{RESULTS}/worlds/{{world}}.npz"
# Name -> the settings of the inputs.
DATA_SETS = {world.data: world.experiment for world in drawn.worlds}


wildcard_constraints:
    world=r"\d+",
    chunk=r"\d+",


if workflow.is_main_process:
    for reason, times in drawn.forbidden.items():
        logger.warning(f"{times} worlds drawn again: {reason}")
    if not workflow.dryrun:
        files = [Path(WORLD_FILE.format(world=world.number)) for world in drawn.worlds]
        for path in remove_damaged([path for path in files if path.exists()]):
            logger.warning(
                f"{path} was damaged, and is removed: it is made again where needed"
            )


use rule prepare_dataset as prepare_world_data with:
    input:
        lambda wildcards: source_of(DATA_SETS[wildcards.data]),
    output:
        f"{RESULTS}/data/{{data}}.npz",
    log:
        f"{LOGS}/data/{{data}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/data/{{data}}.tsv"
    params:
        dataset=lambda wildcards: DATA_SETS[wildcards.data].dataset,
        name=lambda wildcards: data_name(
            DATA_SETS[wildcards.data].dataset, DATA_SETS[wildcards.data].dataset_path
        ),
        location=lambda wildcards: location_of(DATA_SETS[wildcards.data]),
        counts=lambda wildcards: DATA_SETS[wildcards.data].settings(*COUNTS),
        code=lambda wildcards: code(
            "datasets.identity", loader_of(DATA_SETS[wildcards.data])
        ),
    message:
        "Preparing images of {params.name}"


rule world:
    input:
        lambda wildcards: f"{RESULTS}/data/{world_of(wildcards).data}.npz",
    output:
        WORLD_FILE,
    log:
        f"{LOGS}/worlds/{{world}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/worlds/{{world}}.tsv"
    group:
        "worlds"
    conda:
        "../../envs/train.yaml"
    # One thread: the rounding of a product depends on how it is split over threads.
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt
        * max(
            training_memory_mb(world_of(wildcards).experiment, width)
            for width in world_of(wildcards).experiment.widths
        ),
        runtime=lambda wildcards, attempt: attempt
        * len(experiment.schemes)
        * sum(
            training_minutes(world_of(wildcards).experiment, width)
            for width in world_of(wildcards).experiment.widths
        ),
        gpu=gpus(experiment.device),
    params:
        training=lambda wildcards: world_of(wildcards).training,
        code=code("multiverse.run"),
    message:
        "World {wildcards.world}"
    script:
        "../scripts/train_world.py"


rule read_worlds:
    input:
        lambda wildcards: [
            WORLD_FILE.format(world=world.number) for world in chunk_of(wildcards)
        ],
    output:
        worlds=f"{RESULTS}/read/{{chunk}}-worlds.csv",
        readings=f"{RESULTS}/read/{{chunk}}-readings.csv",
    log:
        f"{LOGS}/read/{{chunk}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/read/{{chunk}}.tsv"
    group:
        "read"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    params:
        worlds=lambda wildcards: [world.identity for world in chunk_of(wildcards)],
        readings={name: dict(vars(each)) for name, each in multiverse.readings.items()},
        code=code("multiverse.tables"),
    message:
        "Reading worlds {wildcards.chunk} x {READ_TOGETHER}"
    script:
        "../scripts/read_worlds.py"


rule worlds:
    input:
        worlds=expand(rules.read_worlds.output.worlds, chunk=CHUNKS),
        readings=expand(rules.read_worlds.output.readings, chunk=CHUNKS),
    output:
        worlds=f"{PAPER}/worlds.csv",
        readings=f"{PAPER}/readings.csv",
    log:
        f"{LOGS}/worlds.log",
    benchmark:
        f"{RESULTS}/benchmarks/worlds.tsv"
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("multiverse.tables"),
    message:
        "Collecting {multiverse.worlds} worlds"
    script:
        "../scripts/collect_worlds.py"


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
