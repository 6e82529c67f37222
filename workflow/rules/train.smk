# One job per scheme and width; all its seeds train together.
from infwidth.network.costs import recipe_settings
from infwidth.jobs.hardware import (
    feature_memory_mb,
    gpus,
    training_memory_mb,
    training_minutes,
)


rule train:
    input:
        rules.prepare_dataset.output[0],
    output:
        snapshots=temp(f"{RESULTS}/train/{{scheme}}/{{width}}/snapshots.npz"),
        curves=f"{RESULTS}/train/{{scheme}}/{{width}}/curves.npz",
    log:
        f"{LOGS}/train/{{scheme}}_{{width}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{scheme}}_{{width}}.tsv"
    group:
        training_group
    conda:
        "../../envs/train.yaml"
    # One thread: the rounding of a product depends on how it is split over threads, and results
    # must not depend on the number of cores. Cores are used by training side by side.
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt
        * training_memory_mb(experiment, int(wildcards.width)),
        runtime=lambda wildcards, attempt: attempt
        * training_minutes(experiment, int(wildcards.width)),
        gpu=gpus(experiment.device),
    params:
        scheme=lambda wildcards: experiment.exponents(wildcards.scheme),
        seeds=experiment.seeds,
        recipe=lambda wildcards: recipe_settings(experiment, int(wildcards.width)),
        code=code("training.train"),
    message:
        "Training {wildcards.scheme} at width {wildcards.width}, {params.seeds} seeds"
    script:
        "../scripts/train.py"


rule features:
    input:
        rules.train.output.snapshots,
    output:
        f"{RESULTS}/features/{{scheme}}/{{width}}.npz",
    log:
        f"{LOGS}/features/{{scheme}}_{{width}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/features/{{scheme}}_{{width}}.tsv"
    group:
        features_group
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt
        * feature_memory_mb(experiment, int(wildcards.width)),
        runtime=growing(20),
    params:
        code=code("measures.features"),
    message:
        "Reducing the features of {wildcards.scheme} at width {wildcards.width}"
    script:
        "../scripts/reduce_features.py"
