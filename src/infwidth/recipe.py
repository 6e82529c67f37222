"""How to train: the config keys that a training depends on, under their own names."""

from dataclasses import dataclass, fields
from typing import Any

from infwidth.costs import layer_kind
from infwidth.experiment import Experiment


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


def recipe_settings(experiment: Experiment, width: int) -> dict[str, Any]:
    """The fields of a `Recipe` for one width, in JSON types, with layer `auto` decided.

    A key that the training does not use stands at 0: no training hangs on its value.
    """
    settings = experiment.settings(*(field.name for field in fields(Recipe)))
    settings["layer"] = layer_kind(experiment, width)
    if settings["layer"] == "dense":
        settings["lazy_tolerance"] = 0.0
    return settings
