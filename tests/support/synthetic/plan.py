"""What is invented: ranges, what goes wrong, and the laws that the values follow."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

# Per scheme: (value at width 1024, power of the width) of change, gram and space-time; test loss.
LAWS = {
    "SP": ((0.076, -0.5), (0.055, 0.0), (1.2e-5, -1.0), 0.62),
    "NTP": ((0.113, -0.5), (0.055, 0.0), (7.2e-5, -1.0), 0.55),
    "IP": ((634.0, 0.9), (8.4e-8, -1.65), (7.0e-9, -1.8), 0.72),
    "µP": ((1.59, 0.0), (0.055, 0.0), (1.5e-2, 0.0), 0.48),
}


# Of a run on many images in mini-batches, probed at others.
ON_MANY: Mapping[str, object] = {
    "train_samples": 5000,
    "test_samples": 1000,
    "batch_size": 64,
    "probes": "test",
    "epochs": 2.5,
    "steps": None,
}


@dataclass(frozen=True)
class Plan:
    """What is invented: the ranges of the tables and what goes wrong in them."""

    schemes: tuple[str, ...] = ("SP", "NTP", "IP", "µP")
    widths: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048, 4096)
    seeds: int = 5
    layers: int = 3
    steps: tuple[int, ...] = (0, 1, 2, 3, 5, 9, 15, 25, 41, 69, 117, 200)
    samples: int = 32
    floor: float = 1e-16
    diverged: tuple[tuple[str, int, int, int], ...] = ()
    # Keys of the configuration, in provenance.json.
    config: Mapping[str, object] = field(default_factory=dict)


def finite_width(count: int, width: int) -> float:
    """Marchenko-Pastur's edge (1 - sqrt(count/width))², kept positive for the square case."""
    return float(max((1 - np.sqrt(count / width)) ** 2, 2e-4))


def law(scheme: str) -> tuple[tuple[float, float], ...]:
    """The three powers of a scheme; one that the paper does not have lies near µP."""
    if scheme in LAWS:
        return LAWS[scheme][:3]
    shift = 1 + (sum(map(ord, scheme)) % 7) / 4
    return ((1.59 / shift, -0.1), (0.03 / shift, -0.1), (1e-3 / shift, -0.3))


def alive(plan: Plan, scheme: str, width: int, seed: int, step: int) -> bool:
    return all(
        (scheme, width, seed) != replica[:3] or step < replica[3] for replica in plan.diverged
    )


def replicas(plan: Plan) -> list[tuple[str, int, int, int]]:
    cells = itertools.product(plan.schemes, plan.widths, range(plan.seeds), plan.steps)
    return [cell for cell in cells if alive(plan, *cell)]
