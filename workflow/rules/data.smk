from pathlib import Path

from infwidth.datasets.prepare import COUNTS
from infwidth.datasets.sources import data_name, location
from infwidth.jobs.hardware import input_memory_mb

# In a multiverse one of the factors may choose among them.
DATASETS = {experiment.dataset}
if multiverse:
    DATASETS |= {world.experiment.dataset for world in drawn.worlds}


# An archive that is there is a source file which no rule makes. Snakemake would remove it before
# it ran such a rule again (for a changed script, say) and download what the user already had.
if "cifar10" in DATASETS and not Path(CIFAR10_ARCHIVE).exists():

    rule retrieve_cifar10:
        output:
            local(CIFAR10_ARCHIVE),
        log:
            f"logs/{experiment.experiment}/retrieve_cifar10.log",
        benchmark:
            f"{RESULTS}/benchmarks/retrieve_cifar10.tsv"
        # The nodes of a cluster often have no way to the internet.
        localrule: True
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=500,
            runtime=240,
        params:
            # A function, since Snakemake fills in what stands in braces in a list.
            urls=lambda wildcards: list(experiment.cifar10_urls),
            sha256=experiment.cifar10_sha256,
        message:
            "Downloading the CIFAR-10 archive to {output}"
        script:
            "../scripts/retrieve_cifar10.py"


rule prepare_dataset:
    input:
        source_of(experiment),
    output:
        f"{RESULTS}/dataset.npz",
    log:
        f"logs/{experiment.experiment}/prepare_dataset.log",
    benchmark:
        f"{RESULTS}/benchmarks/prepare_dataset.tsv"
    # torchvision downloads here.
    localrule: True
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        # Beside the images as they come, those as inputs; the statistics take three copies.
        mem_mb=4000 + input_memory_mb(experiment, more=3 * experiment.pool),
        runtime=240,
    params:
        dataset=experiment.dataset,
        # A function, since Snakemake fills in what stands in braces.
        name=lambda wildcards: data_name(experiment.dataset, experiment.dataset_path),
        location=location(experiment),
        counts=experiment.settings(*COUNTS),
        code=code("datasets.identity", loader_of(experiment)),
    message:
        (
            f"Preparing {experiment.train_samples or experiment.samples} training "
            f"and {experiment.test_samples} test images of {{params.name}}"
        )
    script:
        "../scripts/prepare_dataset.py"
