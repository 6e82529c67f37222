"""An experiment: the checked configuration as an immutable value.

What the keys mean stands in `config.yaml`; `infwidth.config.read_experiment` makes one.
"""

import dataclasses
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from infwidth.schemes import Scheme

# One point more than the parameters of the laws in `infwidth.measures.power_law`, without and with
# the finite-width correction, and the fewest seeds that have a spread.
FEWEST_WIDTHS = 3
FEWEST_WIDTHS_CORRECTED = 4
FEWEST_SEEDS = 2
# Statements of the theory about a training set that is more than the probes (`train_samples`).
OF_TRAINING_SET = ("transfer", "generalisation")


def steps_of(config: Mapping[str, Any]) -> int:
    """The number of gradient steps of a configuration in canonical form: its steps, or its epochs'.

    >>> steps_of({"steps": 200})
    200
    >>> steps_of({"steps": None, "epochs": 0.07, "train_samples": 100, "batch_size": 2})
    4
    """
    if config["steps"] is not None:
        return int(config["steps"])
    images: int = config["train_samples"] or config["samples"]
    # As a decimal number: 0.07 * 100 is more than 7 in floating point.
    epochs = Fraction(str(config["epochs"]))
    batch: int = config["batch_size"] or images
    return math.ceil(epochs * images / batch)


def is_multiverse(config: Mapping[str, Any]) -> bool:
    """Whether a configuration is that of many worlds, not of one experiment."""
    return "factors" in config


@dataclass(frozen=True)
class Theory:
    """The checks of the theory, and their trainings: one field per key of the mapping `theory`."""

    statements: tuple[str, ...] | None
    widths: tuple[int, ...]
    samples: int
    steps: int
    seeds: int
    activations: tuple[str, ...]


@dataclass(frozen=True)
class Experiment:
    """One field per key of the configuration, in its order.

    `theory` is None where it is false, `train_samples` a number where it is `all`, and `steps` the
    number of gradient steps where `epochs` say it.
    """

    experiment: str
    dataset: str
    dataset_path: str | None
    data_root: str
    cifar10_urls: tuple[str, ...]
    cifar10_sha256: str
    pool: int
    samples: int
    train_samples: int | None
    probes: str
    test_samples: int
    schemes: Mapping[str, Scheme]
    widths: tuple[int, ...]
    seeds: int
    hidden_layers: int
    activation: str
    loss: str
    learning_rate: float
    reference_width: float
    init_std: float
    steps: int
    epochs: float | None
    batch_size: int | None
    snapshots: int
    layer: str
    lazy_tolerance: float
    precision: str
    device: str
    checkpoint_seconds: float
    theory: Theory | None
    stable_exponent: float
    small_change: float
    collapse_ratio: float
    fit_width_ratio: float

    def to_config(self) -> dict[str, Any]:
        """The configuration in canonical form.

        Only JSON types, always the same for the same experiment however it was written down:
        schemes stand as name -> exponents, widths are sorted, numbers have their key's type.
        Reading it gives this experiment again, and takes no look at the data to do so.
        """
        config = self.settings(*(field.name for field in dataclasses.fields(self)))
        return config if self.epochs is None else config | {"steps": None}

    def settings(self, *keys: str) -> dict[str, Any]:
        """The named keys of `to_config`: what a rule that uses only these depends on.

        Raises:
            KeyError: no such key.
        """
        return {key: self._in_json(key) for key in keys}

    def _in_json(self, key: str) -> Any:
        if key == "schemes":
            return {name: self.exponents(name) for name in self.schemes}
        if key == "theory":
            return self.theory is not None and _in_lists(vars(self.theory))
        return _in_lists(vars(self))[key]

    def exponents(self, scheme: str) -> dict[str, list[float] | float]:
        """One scheme's exponents (input, hidden, output), in JSON types, as in the key `schemes`.

        Raises:
            KeyError: the experiment has no such scheme.
        """
        row = self.schemes[scheme]
        found: dict[str, list[float] | float] = {
            "init_variance": [float(power) for power in row.init_variance],
            "learning_rate": [float(power) for power in row.learning_rate],
        }
        if row.first_learning_rate is not None:
            found["first_learning_rate"] = [float(power) for power in row.first_learning_rate]
            found["first_factor"] = row.first_factor
        return found

    def warnings(self) -> tuple[str, ...]:
        """What the measurements of this experiment will not be able to show, a sentence each."""
        once, twice = self.samples, 2 * self.samples
        found = [
            *self._narrow(),
            *self._unseen(),
            *self._few_widths("widths", self.widths, (("Gram", once), ("space-time", twice))),
            *_few_seeds("seeds", self.seeds),
        ]
        if theory := self.theory:
            few = (("Gram", theory.samples),)
            found += self._few_widths("theory.widths", theory.widths, few)
            found += _few_seeds("theory.seeds", theory.seeds)
        return tuple(found)

    def _narrow(self) -> Iterator[str]:
        narrow = [width for width in self.widths if width < 2 * self.samples]
        if narrow:
            yield (
                f"widths: {', '.join(map(str, narrow))} below twice the samples "
                f"({2 * self.samples}): space-time is undefined there and its cells stay empty"
            )

    def _unseen(self) -> Iterator[str]:
        images = self.train_samples
        seen = self.steps * (self.batch_size or images or 0)
        if images and seen < images:
            yield (
                f"{'steps' if self.epochs is None else 'epochs'}: training ends after {seen} of "
                f"its {images} images: the others have no part in it"
            )

    def _few_widths(
        self, key: str, widths: Collection[int], matrices: Iterable[tuple[str, int]]
    ) -> Iterator[str]:
        """Of a key's widths; matrices are given by their names and feature columns."""
        if len(widths) < FEWEST_WIDTHS:
            yield (
                f"{key}: {len(widths)} given, exponents need at least {FEWEST_WIDTHS}: "
                "verdicts that rest on an exponent will be undetermined"
            )
            return
        for what, columns in matrices:
            least = self.fit_width_ratio * columns
            wide = sum(width >= least for width in widths)
            if wide < FEWEST_WIDTHS_CORRECTED:
                yield (
                    f"{key}: {wide} of them are {least:g} or more (fit_width_ratio times "
                    f"{columns} feature columns), exponents of {what} eigenvalues need at "
                    f"least {FEWEST_WIDTHS_CORRECTED}: they will be missing"
                )


def _few_seeds(key: str, seeds: int) -> Iterator[str]:
    if seeds < FEWEST_SEEDS:
        yield (
            f"{key}: {seeds} given, intervals need at least {FEWEST_SEEDS}: verdicts "
            "that rest on an interval will be undetermined"
        )
    elif seeds == FEWEST_SEEDS:
        yield (
            f"{key}: {seeds} given, which hardly tell a spread: intervals at one width "
            "are nearly four times as wide as with 3, and few verdicts may stand"
        )


def _in_lists(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with a list in place of each tuple, as in JSON."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }
