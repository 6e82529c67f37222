"""Gradient descent on all replicas of one scheme and width, with snapshots of the features.

The training set is the probe set; or there is one beside it, and the probes follow.
"""

import logging
import platform
import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.initialisation import (
    initial_network,
    initial_norms,
    initial_probed_network,
    learning_rates,
)
from infwidth.network.losses import accuracy, one_hot
from infwidth.network.mlp import Following
from infwidth.network.precision import precision_on
from infwidth.network.state import State, take_tensors, tensors
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.training.checkpoint import Checkpoints
from infwidth.training.descent import Descent, SampledDescent
from infwidth.training.record import CURVES, TrainingRecord

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 5.0


def log_spaced_steps(steps: int, count: int) -> list[int]:
    """At most `count` steps from 0 to `steps`, both included, evenly spaced in log step.

    >>> log_spaced_steps(200, 8)
    [0, 1, 2, 6, 14, 34, 83, 200]
    """
    spaced = np.geomspace(steps, 1, count - 1) if steps else np.array([0.0])
    return sorted({0, *spaced.round().astype(int).tolist()})


def pick_device(device: str) -> torch.device:
    """The device of a config value: `auto` is CUDA where there is one."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


def device_name(device: torch.device) -> str:
    """What a device calls itself."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU"


def train(
    data: PreparedDataset,
    scheme: Scheme,
    width: int,
    seeds: Sequence[int],
    recipe: Recipe,
    label: str = "",
    checkpoints: Checkpoints | None = None,
) -> TrainingRecord:
    """Train one replica per seed and record its features.

    Args:
        data: prepared images and labels.
        scheme: powers of the width.
        width: n, units of every hidden layer.
        seeds: one per replica. What comes out for a seed does not depend on the others; to the
            last bit where the width is a multiple of 16 and there are 16 samples or more, since
            a product's rounding can depend on how its matrices lie in memory.
        recipe: everything else.
        label: how progress reports call this training.
        checkpoints: where an interrupted training left its state, and leaves it now and then. What
            comes out is the same to the last bit, interrupted or not.
    """
    device = pick_device(recipe.device)
    torch.set_float32_matmul_precision(precision_on(device, recipe.precision).matmul)
    start = (data, scheme, width, seeds, recipe, device)
    rates, first = (learning_rates(scheme, width, recipe, first=each) for each in (False, True))
    how = (data, rates, seeds, recipe.loss, recipe.batch_size, first)
    descent: Descent | SampledDescent
    if data.probe_inputs is None:
        descent = Descent(initial_network(*start), *how)
    else:
        descent = SampledDescent(initial_probed_network(*start), *how)
    norms = initial_norms(data, scheme, width, recipe).to(device)
    record = _empty_record(descent.network, seeds, recipe)
    return _Training(descent, data, norms, record, recipe.steps, label).run(checkpoints)


class _Training:
    """A descent and what was recorded of it so far."""

    def __init__(
        self,
        descent: Descent | SampledDescent,
        data: PreparedDataset,
        initial_norms: Tensor,
        record: TrainingRecord,
        steps: int,
        label: str,
    ) -> None:
        device = descent.losses.device
        self.descent = descent
        self.record = record
        self.steps = steps
        self.label = label
        self.initial_norms = initial_norms
        self.test_labels = torch.as_tensor(data.test_labels, device=device)
        self.test_targets = one_hot(self.test_labels, data.classes)
        self.weight_change = torch.zeros_like(descent.losses)
        self.train_accuracy = torch.zeros_like(descent.losses)
        self.step = 0

    def state(self) -> State:
        """The descent and its record."""
        arrays = self.record.arrays().items()
        return {
            "step": self.step,
            "descent": self.descent.state(),
            "arrays": {name: torch.from_numpy(array) for name, array in arrays},
            "diverged": self.record.diverged,
            "device": self.record.device,
            **tensors(self, ("weight_change",)),
        }

    def restore(self, state: State) -> None:
        """Take over a state."""
        self.step = state["step"]
        self.descent.restore(state["descent"])
        for name, array in self.record.arrays().items():
            array[...] = state["arrays"][name].numpy()
        self.record.diverged = dict(state["diverged"])
        self.record.device = state["device"]
        take_tensors(self, ("weight_change",), state)

    def run(self, checkpoints: Checkpoints | None) -> TrainingRecord:
        record, descent = self.record, self.descent
        if checkpoints is not None and checkpoints.resume(self):
            logger.info("%s: goes on from step %d", self.label, self.step)
        snapshot_of = {int(step): index for index, step in enumerate(record.steps)}
        report = _Progress(self.step, self.steps, self.label)
        for step in range(self.step, self.steps + 1):
            if step in snapshot_of:
                self.train_accuracy = descent.look()
            going = descent.going()
            if not bool(going.all()):
                self._stop(~going, step)
                if not len(descent.alive):
                    break
            if step in snapshot_of:
                self._snapshot(snapshot_of[step])
            report(step, descent.losses)
            if step < self.steps:
                norms = descent.advance(norms=step + 1 in snapshot_of)
                if norms is not None:
                    self.weight_change = (norms / self.initial_norms[:, None]).mean(dim=0)
                self.step = step + 1
                if checkpoints is not None:
                    checkpoints.after_step(self)
        for number, layer in enumerate(descent.network.layers, 2):
            if status := layer.status():
                logger.info("%s: layer %d: %s", self.label, number, status)
        return record

    def _stop(self, diverged: Tensor, step: int) -> None:
        """Drop the replicas that diverged and note their step."""
        for replica in self.descent.alive[diverged.cpu()].tolist():
            seed = int(self.record.seeds[replica])
            self.record.diverged[seed] = step
            logger.warning("%s: seed %d diverged at step %d, it stops here", self.label, seed, step)
        going = (~diverged).nonzero().flatten()
        self.descent.keep(going)
        self.weight_change = self.weight_change[going]
        self.train_accuracy = self.train_accuracy[going]

    def _snapshot(self, index: int) -> None:
        """Record the features' movement and the curves of the replicas still going."""
        record, descent, network = self.record, self.descent, self.descent.network
        alive = descent.alive.numpy()
        for layer, state in enumerate(network.hidden):
            for kind, change in enumerate((state.change, state.feature_change)):
                record.change[index, kind, layer, alive] = change.mT.cpu().numpy()
        test_outputs = network.test_outputs()
        values = (
            descent.losses,
            self.train_accuracy,
            descent.loss.per_sample(test_outputs, self.test_targets).mean(dim=-1),
            accuracy(test_outputs, self.test_labels),
            self.weight_change,
        )
        for name, value in zip(CURVES, values, strict=True):
            record.curves[name][index, alive] = value.cpu().numpy()


def _empty_record(network: Following, seeds: Sequence[int], recipe: Recipe) -> TrainingRecord:
    """A record of NaN, but for the initial features."""
    steps = log_spaced_steps(recipe.steps, recipe.snapshots)
    initial = np.stack(
        [
            np.stack([state.initial.mT.cpu().numpy() for state in network.hidden]),
            np.stack([state.initial_feature.mT.cpu().numpy() for state in network.hidden]),
        ]
    )
    kept = np.float64 if network.dtype == torch.float64 else np.float32
    return TrainingRecord(
        steps=np.array(steps),
        seeds=np.array(seeds),
        unit_roundoff=precision_on(network.outputs.device, recipe.precision).unit_roundoff,
        initial=initial.astype(kept),
        change=np.full((len(steps), *initial.shape), np.nan, dtype=kept),
        curves={name: np.full((len(steps), len(seeds)), np.nan) for name in CURVES},
        diverged={},
        device=device_name(network.outputs.device),
    )


class _Progress:
    """Logs step, loss and remaining time every few seconds, and at the end."""

    def __init__(self, first: int, steps: int, label: str) -> None:
        self.first = first
        self.steps = steps
        self.label = label
        self.start = self.last = time.monotonic()

    def __call__(self, step: int, losses: Tensor) -> None:
        now = time.monotonic()
        if step < self.steps and now - self.last < SECONDS_BETWEEN_REPORTS:
            return
        self.last = now
        elapsed = now - self.start
        remaining = elapsed / max(step - self.first, 1) * (self.steps - step)
        logger.info(
            "%s: step %d/%d, loss %.4g, %.0f s gone, %.0f s left",
            self.label, step, self.steps, float(losses.mean()), elapsed, remaining,
        )  # fmt: skip
