"""What a training asks of a machine, for the scheduler; nothing here decides a result."""

from infwidth.experiment import Experiment
from infwidth.jobs.devices import visible_devices
from infwidth.network.costs import (
    FOLLOWED_INPUTS,
    activation_seconds,
    batch,
    bytes_per_number,
    input_seconds,
    layer_bytes,
    layer_kind,
    seconds_per_step,
    shown_inputs,
)

# The interpreter with torch loaded, the working space of a product; on a cluster Snakemake, twice.
BASE_MEMORY_MB = 1500
# The same without torch.
BASE_FEATURE_MEMORY_MB = 700
# The numbers of an input of CIFAR-10; none of the data sets here has more.
INPUT_DIMENSION = 3072
# Measured peaks lie up to an eighth above or below what is counted here.
MARGIN = 1.1
# Time limits are for cores this many times slower than the one that costs were measured on.
SLOWEST_CORE = 6
# Below this, in seconds, starting a job of its own on a cluster takes longer than is gained by it.
SMALL_TRAINING = 60


def gpus(device: str) -> int:
    """How many GPUs a training asks for: `auto` asks for one where this machine has one."""
    if device == "auto":
        return int(bool(visible_devices()))
    return int(device == "cuda")


def input_memory_mb(experiment: Experiment, more: int = 0) -> int:
    """Memory of the prepared data, float64, and of so many images more."""
    trained = experiment.train_samples or experiment.samples
    images = trained + experiment.samples + experiment.test_samples + more
    return 8 * images * INPUT_DIMENSION // 10**6


def _snapshot_bytes(experiment: Experiment, width: int) -> int:
    """Features (h and x) of all layers and replicas, at every snapshot and at initialisation."""
    snapshots = min(experiment.snapshots, experiment.steps + 1)
    per_snapshot = 2 * experiment.hidden_layers * experiment.seeds * width * experiment.samples
    return (snapshots + 1) * per_snapshot * bytes_per_number(experiment)


def _replica_bytes(experiment: Experiment, width: int) -> int:
    """What one replica holds besides its weights, in the step that needs most.

    That is one before a snapshot: the sizes of all layers' updates come from N x N matrices.
    """
    word, layers = bytes_per_number(experiment), experiment.hidden_layers
    samples = experiment.samples
    # Per unit: four float64 numbers and three of the working precision in each layer, others in
    # passing; for test inputs a few of the working precision.
    units = width * (
        samples * (layers * (4 * 8 + 3 * word) + 60) + experiment.test_samples * 4 * word
    )
    bytes_ = units + samples**2 * ((layers + 1) * word + 3 * 8)
    return bytes_ if experiment.train_samples is None else bytes_ + _batch_bytes(experiment, width)


def _batch_bytes(experiment: Experiment, width: int) -> int:
    """What a replica's batches add: the latest, and sums until the probes follow."""
    word, layers, inputs = bytes_per_number(experiment), experiment.hidden_layers, batch(experiment)
    # Of each layer h, x and the gradients, those of the first in float64, too.
    latest = word * (3 * (layers + 1) * width + INPUT_DIMENSION) + 8 * width
    return inputs * latest + experiment.samples * width * (layers * word + 8)


def _input_bytes(experiment: Experiment) -> int:
    """The inputs and what the first layer keeps of them, float64."""
    if experiment.train_samples is not None:
        return _training_set_bytes(experiment, experiment.train_samples)
    train, test = experiment.samples, experiment.test_samples
    inputs = (train + test) * INPUT_DIMENSION
    coordinates = min(train, INPUT_DIMENSION) * train + min(train + test, INPUT_DIMENSION) * test
    return 8 * (inputs + coordinates + train * (train + test)) + 4 * train**2


def _training_set_bytes(experiment: Experiment, train: int) -> int:
    """The same for a training set beside the probes, which the first layer keeps rounded, too."""
    others = experiment.samples + experiment.test_samples
    inputs = (train + others) * INPUT_DIMENSION
    coordinates = min(train + others, INPUT_DIMENSION) * others
    rounded = min(train, INPUT_DIMENSION) * train * bytes_per_number(experiment)
    return 8 * (inputs + coordinates + train * experiment.samples) + rounded


def _input_weight_bytes(experiment: Experiment, width: int) -> int:
    """Of one replica, which holds them where a training set stands beside the probes."""
    held = min(experiment.train_samples or 0, INPUT_DIMENSION)
    return held * width * bytes_per_number(experiment)


def training_memory_mb(experiment: Experiment, width: int) -> int:
    """Memory of one training: inputs, weights, activations and snapshots of all its seeds."""
    kind = layer_kind(experiment, width)
    hidden = experiment.hidden_layers - 1
    layer = layer_bytes(experiment, width, kind)
    replicas = experiment.seeds * _replica_bytes(experiment, width)
    going = replicas + _snapshot_bytes(experiment, width)
    # Before there are activations, each matrix is drawn by itself and takes its place then.
    drawn = layer if kind == "dense" and hidden else 0
    weights = experiment.seeds * (hidden * layer + _input_weight_bytes(experiment, width))
    in_bytes = _input_bytes(experiment) + weights + max(drawn, going)
    return BASE_MEMORY_MB + int(MARGIN * in_bytes / 1e6)


def feature_memory_mb(experiment: Experiment, width: int) -> int:
    """Memory of reducing one training's snapshots to R factors (float64, 2N x 2N)."""
    snapshots = min(experiment.snapshots, experiment.steps + 1)
    factors = snapshots * 2 * experiment.hidden_layers * experiment.seeds
    factor_bytes = 8 * factors * (2 * experiment.samples) ** 2
    return BASE_FEATURE_MEMORY_MB + int(
        1.2 * (_snapshot_bytes(experiment, width) + factor_bytes) / 1e6
    )


def _training_seconds(experiment: Experiment, width: int) -> float:
    """All steps, layers and seeds of a training on one core of the kind that costs are of."""
    hidden = experiment.hidden_layers - 1
    matrices = hidden * seconds_per_step(experiment, width, layer_kind(experiment, width))
    # The output layer, of few units, takes part in what the last activations cost.
    step = matrices + experiment.hidden_layers * activation_seconds(experiment, width)
    step += input_seconds(experiment, width, INPUT_DIMENSION)
    # To tell a loss takes one of a step's three products.
    told = min(experiment.snapshots, experiment.steps + 1) * shown_inputs(experiment) / 3
    return step * (experiment.steps + told / batch(experiment)) * experiment.seeds


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
    if experiment.train_samples is not None:
        remedies.append("fewer `train_samples`")
        if batch(experiment) > FOLLOWED_INPUTS:
            remedies.insert(0, "a smaller `batch_size`")
    lazy, held = (layer_bytes(experiment, width, kind) for kind in ("lazy", "dense"))
    if layer_kind(experiment, width) == "dense" and lazy < held:
        remedies.insert(0, "`layer: auto` or `lazy` (no n x n matrices)")
    return (
        f"widths: a training at {width} takes about {needed / 1e3:.1f} GB, but this machine has "
        f"{available_mb / 1e3:.1f} GB; choose {', '.join(remedies)}"
    )
