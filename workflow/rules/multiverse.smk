# Worlds: each is one job with all its trainings; how they are read is asked afterwards.
from infwidth.jobs.hardware import gpus, training_memory_mb, training_minutes
from infwidth.multiverse.record import remove_damaged

CHUNKS = range((multiverse.worlds + READ_TOGETHER - 1) // READ_TOGETHER)
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
        location=lambda wildcards: location(DATA_SETS[wildcards.data]),
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
