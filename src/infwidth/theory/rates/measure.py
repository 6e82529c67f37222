r"""How fast the error falls, beside the least eigenvalue of the tangent kernel.

With e_t = f_t - y, the squared error, full batch and Θ_t the tangent kernel of the network with its
scheme's rates, of shape (N classes) x (N classes), a step is

    e_{t+1} = (1 - Θ_t / N) e_t + O(step²).

So in the limit of small steps ‖e_t‖ falls at the rate e_tᵀ Θ_t e_t / (N ‖e_t‖²), whatever the
network; and a network that keeps its kernel obeys ‖e_t‖ ≤ (1 - λ_min(Θ_0) / N)^t ‖e_0‖, with
equality late in training, when the slowest direction alone is left. How far networks that move
their features are from this is what is measured. The late rate is the slope of log ‖e_t‖ over the
second half of a training, which is told apart from a slope that still changes by fitting both
halves of that window.

Times are η t and rates and eigenvalues are over η, so that they do not depend on it. It is a
quarter of the edge of stability of the linear equation: µP's kernel grows in training, and at half
of the edge what remains late is an oscillation of the steepest direction. All this is ours; the
paper has no rates.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.network.mlp import Network
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.theory.linearised.edge import edge_of_stability
from infwidth.theory.linearised.measure import finite_tangent_kernel
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.rates.names import IN_TIME, RATES
from infwidth.theory.setting import first_samples
from infwidth.training.descent import Descent
from infwidth.training.train import log_spaced_steps

Array = NDArray[np.float64]

OF_THE_EDGE = 0.25
# A training ends where this is left of its error.
LEFT = 1e-5
RECORDED = 32
KERNELS = 4


def rates_tables(
    data: PreparedDataset,
    schemes: Mapping[str, Scheme],
    widths: Sequence[int],
    seeds: int,
    recipe: Recipe,
) -> Tables:
    """Train every scheme at every width, with the tangent kernel at a few steps.

    Args:
        data: N samples.
        schemes: by name.
        widths: n.
        seeds: how many initial weights.
        recipe: with dense layers; its loss, rate and batch size are not used, and its steps are the
            most that a training takes.

    Returns:
        rates and losses_in_time, of the columns `RATES` and `IN_TIME`. Eigenvalues are those of
        Θ/(N η), `kernel_rate` is e_tᵀ Θ_t e_t / (N η ‖e_t‖²), both NaN where the kernel was not
        computed. `late_rate` is fitted from `window_start` to the last step, the two rates beside
        it to the halves of this window; `least_mean_rate` is the least of -log(‖e_t‖/‖e_0‖)/(η t)
        over all steps, and `bound_rate` what it is at least, and `late_rate` in the end, if Θ stays
        as it is at step 0; `late_bound_rate` is the same of Θ at the end.
    """
    rate = OF_THE_EDGE * edge_of_stability(data, recipe)
    how = replace(recipe, loss="mse", batch_size=None, learning_rate=rate)
    rates: list[dict[str, Any]] = []
    in_time: list[dict[str, Any]] = []
    for name, scheme in schemes.items():
        for width in widths:
            training = _Training(data, scheme, width, seeds, how)
            for seed in range(seeds):
                run = {
                    "scheme": name,
                    "samples": len(data.train_labels),
                    "learning_rate": rate,
                    "width": width,
                    "seed": seed,
                }
                in_time += [run | row for row in training.rows(seed)]
                rates.append(run | training.fitted(seed))
    return {
        "rates": pd.DataFrame(rates, columns=[*RATES]),
        "losses_in_time": pd.DataFrame(in_time, columns=[*IN_TIME]),
    }


class _Training:
    """R seeds trained to their ends, and what was seen on the way."""

    def __init__(
        self, data: PreparedDataset, scheme: Scheme, width: int, seeds: int, recipe: Recipe
    ) -> None:
        self.rate = recipe.learning_rate
        network = initial_network(data, scheme, width, range(seeds), recipe, torch.device("cpu"))
        rates = learning_rates(scheme, width, recipe)
        descent = Descent(network, data, rates, range(seeds), recipe.loss, None)
        self.recorded = set(log_spaced_steps(recipe.steps, RECORDED))
        with_kernel = set(log_spaced_steps(recipe.steps, KERNELS))
        # step -> least and largest eigenvalue, and the error's rate, each of every seed.
        self.kernels: dict[int, Array] = {}
        self.ends = np.full(seeds, recipe.steps)
        going = np.full(seeds, fill_value=True)
        errors, losses = [], []
        for step in range(recipe.steps + 1):
            error = descent.loss.gradient(network.outputs, descent.targets).flatten(1)
            errors.append(error.norm(dim=1).numpy())
            losses.append(descent.losses.numpy())
            ended = going & ((errors[-1] <= LEFT * errors[0]) | ~descent.going().numpy())
            self.ends[ended] = step
            going &= ~ended
            last = step == recipe.steps
            if step in with_kernel or ended.any() or last:
                self.kernels[step] = _kernel(network, rates, error) / self.rate
            if last or not going.any():
                break
            descent.advance()
        self.errors, self.losses = np.array(errors), np.array(losses)

    def rows(self, seed: int) -> Iterator[dict[str, Any]]:
        """The steps that are told of a seed."""
        for step in range(self.ends[seed] + 1):
            if step in self.recorded or step in self.kernels:
                kernel = self.kernels.get(step)
                names = ("kernel_min_eig", "kernel_max_eig", "kernel_rate")
                seen = [math.nan] * len(names) if kernel is None else kernel[:, seed].tolist()
                yield {
                    "step": step,
                    "time": self.rate * step,
                    "train_loss": float(self.losses[step, seed]),
                    "error_left": float(self.errors[step, seed] / self.errors[0, seed]),
                    **dict(zip(names, seen, strict=True)),
                }

    def fitted(self, seed: int) -> dict[str, Any]:
        """The rates of a seed."""
        last = int(self.ends[seed])
        left = self.errors[: last + 1, seed] / self.errors[0, seed]
        start, middle = math.ceil(last / 2), math.ceil(0.75 * last)
        times = self.rate * np.arange(last + 1, dtype=np.float64)
        first, final = (self.kernels[step][:, seed] for step in (0, last))
        return {
            "steps": last,
            "error_left": float(left[-1]),
            "window_start": start,
            "window_error": float(left[start]),
            "late_rate": falling(times[start:], left[start:]),
            "first_half_rate": falling(times[start : middle + 1], left[start : middle + 1]),
            "second_half_rate": falling(times[middle:], left[middle:]),
            "least_mean_rate": float((-np.log(left[1:]) / times[1:]).min()) if last else math.nan,
            "bound_rate": bound_rate(float(first[0]), self.rate),
            "late_bound_rate": bound_rate(float(final[0]), self.rate),
            "first_min_eig": float(first[0]),
            "last_min_eig": float(final[0]),
            "last_max_eig": float(final[1]),
        }


def falling(times: NDArray[Any], errors: NDArray[Any]) -> float:
    """The rate at which errors fall exponentially, fitted to their logarithms."""
    if len(times) < 3 or not np.isfinite(errors).all():
        return math.nan
    return -float(np.polyfit(times, np.log(errors), 1)[0])


def bound_rate(least: float, rate: float) -> float:
    """The rate of (1 - η λ)^t per unit of η t.

    >>> round(bound_rate(0.5, 1e-6), 6), bound_rate(0.5, 1.0) == math.log(2)
    (0.5, True)
    """
    return -math.log1p(-rate * least) / rate if rate * least < 1 else math.inf


def _kernel(network: Network, rates: Sequence[float], error: Tensor) -> Array:
    """Of Θ/N: its least and largest eigenvalue, and its Rayleigh quotient at e; (3, R)."""
    kernel = finite_tangent_kernel(network, rates).flatten(3, 4).flatten(1, 2)
    kernel = kernel / network.outputs.shape[1]
    # A diverged network has none.
    kernel = torch.where(kernel.isfinite(), kernel, 0.0)
    values = torch.linalg.eigvalsh(kernel)
    along = (error[:, None] @ kernel @ error[:, :, None]).flatten() / error.square().sum(dim=1)
    return torch.stack([values[:, 0], values[:, -1], along]).numpy()


def measured(files: Files, settings: Settings) -> Tables:
    """The tables of the statement."""
    return rates_tables(
        first_samples(files.dataset(), settings["samples"]),
        {name: Scheme(**exponents) for name, exponents in settings["schemes"].items()},
        settings["widths"],
        settings["seeds"],
        Recipe(**settings["recipe"]),
    )
