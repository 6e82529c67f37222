# What every other file of rules uses: the checked experiment, its folders, the code's digest.
import os
import sys
from pathlib import Path

# Not `workflow.basedir`, which is another workflow's where this one is a module of it.
WORKFLOW = Path(str(workflow.current_basedir)).parent
SRC = WORKFLOW.parent / "src"
MAIN = workflow.modifier.is_main_snakefile()

sys.path.insert(0, str(SRC))
# Scripts find the library in whatever environment they run in, and those of the rules beside a
# module what they found before.
before = None if MAIN else os.environ.get("PYTHONPATH")
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [str(SRC), before])))

from infwidth.config import ConfigError, read_experiment
from infwidth.experiment import is_multiverse
from infwidth.datasets.cifar10 import ARCHIVE_NAME
from infwidth.datasets.sources import SOURCES, sizes
from infwidth.jobs.devices import visible_devices
from infwidth.jobs.hardware import is_small, memory_problem
from infwidth.memory import machine_memory_mb
from infwidth.jobs.places import refusal

# A rule's parameter: digest of library modules and of all they import. A changed import then re-runs
# the rule, which Snakemake would not notice by itself.
from infwidth.jobs.code_digest import code_digest as code
from infwidth.jobs.running import Run
from infwidth.theory.statements import DRAWN, chosen
from snakemake.common.configfile import load_configfile
from snakemake.logging import logger
from snakemake.utils import update_config

if refused := refusal(WORKFLOW.parent, Path(sys.executable)):
    sys.exit(refused)

# In place of `configfile:`, which looks in the working directory, and does nothing in a module.
CONFIG = WORKFLOW.parent / "config.yaml"
given, config = config, load_configfile(CONFIG)
update_config(config, given)
try:
    how = {
        "base": load_configfile(CONFIG),
        "given": given,
        "files": [CONFIG, *map(Path, workflow.configfiles)],
    }
    if is_multiverse(config):
        # Imported here, since what reads worlds takes a second to import.
        from infwidth.multiverse.setting import read_multiverse
        from infwidth.multiverse.worlds import draw

        multiverse = read_multiverse(config, WORKFLOW / "schemas", **how)
        experiment, drawn = multiverse.base, draw(multiverse, sizes)
    else:
        multiverse = None
        experiment = read_experiment(
            config, WORKFLOW / "schemas/config.schema.yaml", **how
        )
except ConfigError as error:
    # Unlike a WorkflowError, this leaves the message alone.
    sys.exit(str(error))

# What captions tell of, where it was given in epochs.
config["steps"] = experiment.steps

# What is locked by a module is the outer workflow's affair.
run = Run(experiment.experiment) if MAIN else None
if workflow.is_main_process:
    for warning in experiment.warnings():
        logger.warning(warning)
    if run:
        run.begin()
    # As many trainings on GPUs at once as there are devices, unless `--resources gpu=` or a profile
    # says how many.
    if "gpu" not in workflow.global_resources:
        workflow.global_resources["gpu"] = max(len(visible_devices()), 1)


# On a cluster, trainings run on other machines than this one.
onstart:
    if run:
        run.go_on(remote=not workflow.local_exec)
    if workflow.local_exec:
        problem = memory_problem(experiment, machine_memory_mb())
        if problem:
            sys.exit(problem)


CIFAR10_ARCHIVE = str(Path(experiment.data_root, ARCHIVE_NAME))
RESULTS = f"results/{experiment.experiment}"
PAPER = f"paper/{experiment.experiment}"
LOGS = f"logs/{experiment.experiment}"
# Statements of the theory that are checked, and those that have a figure.
CHECKED = chosen(experiment.to_config())
CHECKED_DRAWN = [name for name in CHECKED if name in DRAWN]


wildcard_constraints:
    scheme="[^/]+",
    width=r"\d+",


def growing(amount):
    """A resource that a scheduler may kill for: each retry asks for as much again."""
    return lambda wildcards, attempt: attempt * amount


# Jobs of a group share one submission to a cluster. How many of them, profiles say.
def training_group(wildcards):
    """Small trainings share; one on a GPU has its submission, and the GPU, for itself."""
    requested = rules.train.rule.resources  # whatever the rule is called in a module
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


def source_of(its):
    """The file that an experiment's images come from; none where a library has them."""
    if its.dataset == "cifar10":
        return local(ancient(CIFAR10_ARCHIVE))
    return local(its.dataset_path) if its.dataset == "npz" else []


def loader_of(its):
    """The module that loads its data set."""
    return SOURCES[its.dataset].load.__module__.removeprefix("infwidth.")


# Worlds that are read in one job: to load what reads them takes as long as to read one.
READ_TOGETHER = 32


def chunk_of(wildcards):
    """The worlds that are read together."""
    first = int(wildcards.chunk) * READ_TOGETHER
    return drawn.worlds[first : first + READ_TOGETHER]


def world_of(wildcards):
    return drawn.worlds[int(wildcards.world)]
