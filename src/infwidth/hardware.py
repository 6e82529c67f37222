"""What a training asks of a machine, for the scheduler; nothing here decides a result."""

from infwidth.costs import bytes_per_number, layer_bytes, layer_kind, seconds_per_step
from infwidth.devices import visible_devices
from infwidth.experiment import Experiment

# The interpreter with torch loaded, the working space of a product; on a cluster Snakemake, twice.
BASE_MEMORY_MB = 1500
# The same without torch.
BASE_FEATURE_MEMORY_MB = 700
# Time limits are for cores this many times slower than the one that costs were measured on.
SLOWEST_CORE = 6
# Below this, in seconds, starting a job of its own on a cluster takes longer than is gained by it.
SMALL_TRAINING = 60


def gpus(device: str) -> int:
    """How many GPUs a training asks for: `auto` asks for one where this machine has one."""
    if device == "auto":
        return int(bool(visible_devices()))
    return int(device == "cuda")


def _snapshot_bytes(experiment: Experiment, width: int) -> int:
    """Features (h and x) of all layers and replicas, at every snapshot and at initialisation."""
    per_snapshot = 2 * experiment.hidden_layers * experiment.seeds * width * experiment.samples
    return (experiment.snapshots + 1) * per_snapshot * bytes_per_number(experiment)


def training_memory_mb(experiment: Experiment, width: int) -> int:
    """Memory of one training: weights, activations and snapshots of all its seeds."""
    kind = layer_kind(experiment, width)
    weights = (experiment.hidden_layers - 1) * layer_bytes(experiment, width, kind)
    columns = experiment.samples + experiment.test_samples
    activations = 8 * (6 * experiment.hidden_layers + 4) * width * columns
    in_bytes = experiment.seeds * (weights + activations) + _snapshot_bytes(experiment, width)
    if kind == "dense":
        # Each matrix is drawn by itself before it takes its place among its replicas.
        in_bytes += layer_bytes(experiment, width, kind)
    return BASE_MEMORY_MB + int(1.2 * in_bytes / 1e6)


def feature_memory_mb(experiment: Experiment, width: int) -> int:
    """Memory of reducing one training's snapshots to R factors (float64, 2N x 2N)."""
    factors = experiment.snapshots * 2 * experiment.hidden_layers * experiment.seeds
    factor_bytes = 8 * factors * (2 * experiment.samples) ** 2
    return BASE_FEATURE_MEMORY_MB + int(
        1.2 * (_snapshot_bytes(experiment, width) + factor_bytes) / 1e6
    )


def _training_seconds(experiment: Experiment, width: int) -> float:
    """All steps, layers and seeds of a training on one core of the kind that costs are of."""
    step = seconds_per_step(experiment, width, layer_kind(experiment, width))
    return step * (experiment.hidden_layers - 1) * experiment.steps * experiment.seeds


def training_minutes(experiment: Experiment, width: int) -> int:
    """A generous time limit for a training."""
    return 10 + int(SLOWEST_CORE * _training_seconds(experiment, width) / 60)


def is_small(experiment: Experiment, width: int) -> bool:
    """Whether a training is over so soon that a cluster should run several in one job."""
    return _training_seconds(experiment, width) < SMALL_TRAINING


def memory_problem(experiment: Experiment, available_mb: int) -> str | None:
    """Why the largest training does not fit into a machine and what to change, or None."""
    width = max(experiment.widths, key=lambda n: training_memory_mb(experiment, n))
    needed = training_memory_mb(experiment, width)
    if needed <= available_mb:
        return None
    remedies = ["fewer `seeds`, `snapshots` or `samples`", "smaller `widths`"]
    if layer_kind(experiment, width) == "dense":
        remedies.insert(0, "`layer: auto` or `lazy` (no n x n matrices)")
    return (
        f"widths: a training at {width} takes about {needed / 1e3:.1f} GB, but this machine has "
        f"{available_mb / 1e3:.1f} GB; choose {', '.join(remedies)}"
    )
