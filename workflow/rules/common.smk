# What every other file of rules uses: the checked experiment, its folders, the code's digest.
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "src"))
# Scripts find the library in whatever environment they run in.
os.environ.update(PYTHONPATH=str(Path(workflow.basedir) / "src"))

from infwidth.config import ConfigError, read_experiment
from infwidth.devices import visible_devices
from infwidth.hardware import is_small, memory_problem
from infwidth.memory import machine_memory_mb

# A rule's parameter: digest of library modules and of all they import. A changed import then re-runs
# the rule, which Snakemake would not notice by itself.
from infwidth.provenance import code_digest as code
from infwidth.running import Run
from snakemake.logging import logger

try:
    experiment = read_experiment(
        config,
        Path(workflow.basedir) / "workflow/schemas/config.schema.yaml",
        files=[Path(file) for file in workflow.configfiles],
    )
except ConfigError as error:
    # Unlike a WorkflowError, this leaves the message alone.
    sys.exit(str(error))

run = Run(experiment.experiment)
if workflow.is_main_process:
    for warning in experiment.warnings():
        logger.warning(warning)
    run.begin()
    # As many trainings on GPUs at once as there are devices, unless `--resources gpu=` or a profile
    # says how many.
    if "gpu" not in workflow.global_resources:
        workflow.global_resources["gpu"] = max(len(visible_devices()), 1)


# On a cluster, trainings run on other machines than this one.
onstart:
    run.go_on(remote=not workflow.local_exec)
    if workflow.local_exec:
        problem = memory_problem(experiment, machine_memory_mb())
        if problem:
            sys.exit(problem)


RESULTS = f"results/{experiment.experiment}"
PAPER = f"paper/{experiment.experiment}"
LOGS = f"logs/{experiment.experiment}"


wildcard_constraints:
    scheme="[^/]+",
    width=r"\d+",


def growing(amount):
    """A resource that a scheduler may kill for: each retry asks for as much again."""
    return lambda wildcards, attempt: attempt * amount


# Jobs of a group share one submission to a cluster. How many of them, profiles say.
def training_group(wildcards):
    """Small trainings share; one on a GPU has its submission, and the GPU, for itself."""
    requested = workflow.get_rule("train").resources
    if "gres" in requested or requested["gpu"].value:
        return None
    return "small" if is_small(experiment, int(wildcards.width)) else "large"


def features_group(wildcards):
    """With its training, whose snapshots it reduces; but a GPU is not kept waiting for it."""
    return training_group(wildcards) or "features"


def trainings(pattern):
    """An input function: a file of every training, in the order of schemes and widths.

    A list in its place would be made by every job, since each reads these files anew. Beside an
    input that is another rule's output, Snakemake would also hash all of it for each entry.
    """
    return lambda wildcards: expand(
        pattern, scheme=experiment.schemes, width=experiment.widths
    )
