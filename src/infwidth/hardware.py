"""What a training asks of a machine, for the scheduler; nothing here decides a result."""

from pathlib import Path

from infwidth.experiment import Experiment

# The interpreter with torch loaded, and the working space of a product.
BASE_MEMORY_MB = 1500
# A cautious rate of one core, in products with the weights; only time limits depend on it.
FLOPS_PER_SECOND = 1e10


def gpus(device: str) -> int:
    """How many GPUs a training asks for: `auto` asks for one where this machine has one."""
    if device == "auto":
        return int(any(Path("/dev").glob("nvidia[0-9]*")))
    return int(device == "cuda")


def _bytes_per_number(experiment: Experiment) -> int:
    return 8 if experiment.precision == "float64" else 4


def _snapshot_bytes(experiment: Experiment, width: int) -> int:
    """Features (h and x) of all layers and replicas, at every snapshot and at initialisation."""
    per_snapshot = 2 * experiment.hidden_layers * experiment.seeds * width * experiment.samples
    return (experiment.snapshots + 1) * per_snapshot * _bytes_per_number(experiment)


def training_memory_mb(experiment: Experiment, width: int) -> int:
    """Memory of one training: weights, activations and snapshots of all its seeds."""
    matrix = width**2 * _bytes_per_number(experiment)
    weights = (experiment.hidden_layers - 1) * matrix
    columns = experiment.samples + experiment.test_samples
    activations = 8 * (6 * experiment.hidden_layers + 4) * width * columns
    # Each matrix is drawn by itself before it takes its place among its replicas.
    in_bytes = matrix + experiment.seeds * (weights + activations)
    in_bytes += _snapshot_bytes(experiment, width)
    return BASE_MEMORY_MB + int(1.2 * in_bytes / 1e6)


def feature_memory_mb(experiment: Experiment, width: int) -> int:
    """Memory of reducing one training's snapshots to R factors (float64, 2N x 2N)."""
    factors = experiment.snapshots * 2 * experiment.hidden_layers * experiment.seeds
    factor_bytes = 8 * factors * (2 * experiment.samples) ** 2
    return 300 + int(1.2 * (_snapshot_bytes(experiment, width) + factor_bytes) / 1e6)


def training_minutes(experiment: Experiment, width: int) -> int:
    """A generous time limit: three products with every weight matrix per step and seed."""
    flops = 6 * width**2 * (experiment.hidden_layers - 1) * experiment.samples
    total = flops * experiment.steps * experiment.seeds
    return 20 + int(total / FLOPS_PER_SECOND / 60)
