"""How to train: the config keys that a training depends on, under their own names."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Everything about a training but its data, scheme, width and seeds.

    The fields are config keys; `config.yaml` says what each means. The layer is dense or lazy.
    """

    hidden_layers: int
    activation: str
    loss: str
    learning_rate: float
    reference_width: float
    init_std: float
    steps: int
    batch_size: int | None
    snapshots: int
    layer: str
    lazy_tolerance: float
    precision: str
    device: str
