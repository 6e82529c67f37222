r"""Corollary 4.6: where training comes to rest, the error signal of every sample is zero.

Chen et al. (2025) conclude it from Theorem 4.5. A step of gradient descent changes the output
weights by a combination of the last features x_t(ξ_i) with the error signals χ_i = ∂loss/∂f(ξ_i) as
coefficients; independent features combine to nothing only if every χ_i is zero. The same in
numbers: with a step that weighs sample i by w_i (1/N in full batch), at the rates η_l of the
layers, let

    r_t² = Σ_l (η / η_l) ‖W^l_{t+1} - W^l_t‖_F² / (η² Σ_i w_i² ‖χ_i‖²),

the movement per error. It is the Rayleigh quotient of the tangent kernel at the error signals, free
of the scale of the error, of η and of the batch. The output layer alone contributes the Gram matrix
of the last features, so that under every scheme whose output weights train at the rate η/n

    r_t² ≥ λ_min(K^L_t) / n.

This is linear algebra, at every width; what the corollary says beyond it is in
`infwidth.theory.rest.widths`. A training that rests on an error has r_t → 0. One that does is
looked at beside those that the corollary speaks of: µP with an input that occurs twice with
conflicting labels, which Assumption 4.1 excludes. IP with five hidden layers, which is not µP,
approaches another as its width grows: its n = ∞ network starts at a stationary point.

The loss is the squared error, whatever the experiment's, because cross-entropy has no minimum at
finite weights; everything is computed in float64. The n = ∞ network is stood in for by one of
finite width. All rates and sample counts are ours, not the paper's.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset, parallel_pairs
from infwidth.measures.features import r_factor
from infwidth.measures.spectra import spectra
from infwidth.network.initialisation import initial_network, initial_norms, learning_rates
from infwidth.network.mlp import HiddenState
from infwidth.network.precision import PRECISIONS
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES, Scheme
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.rest.names import COLUMNS, DUPLICATE, REGULAR, REST, STATIONARY
from infwidth.theory.rest.widths import widths_table
from infwidth.theory.setting import first_samples, with_activation
from infwidth.training.descent import Descent
from infwidth.training.train import log_spaced_steps

# Of the first samples, few: a network that fits them comes to rest soon.
SAMPLES = 4
RATE_MULTIPLES = (0.5, 1.0, 2.0)
MOST_STEPS = 20_000
RECORDED = 48
# φ(0) = 0 is what makes IP's start stationary, and five layers make it so at modest widths.
STATIONARY_ACTIVATION = "tanh"
STATIONARY_LAYERS = 5
STATIONARY_WIDTHS = (1, 2, 4)
STATIONARY_STEPS = 50


@dataclass(frozen=True)
class _Ensemble:
    """Trainings that differ by rate and seed alone, and run side by side."""

    case: str
    scheme_name: str
    scheme: Scheme
    data: PreparedDataset
    width: int
    recipe: Recipe
    multiples: tuple[float, ...] = (1.0,)


def rest_table(
    data: PreparedDataset,
    width: int,
    seeds: Sequence[int],
    recipe: Recipe,
    activations: Sequence[str],
) -> pd.DataFrame:
    """Train to rest: µP in several ways, and the two exceptions.

    Args:
        data: few samples, so that training can come to rest.
        width: n; the stationary start is looked at up to four times as wide.
        seeds: of the initial weights and batches.
        recipe: the experiment's; its loss, precision, steps and batch size are not used.
        activations: those to train µP with; the exceptions have the recipe's and tanh.

    Returns:
        One row for each recorded step of each run, log-spaced and the last. `weight_change` is the
        mean over the layers of ‖W_{t+1} - W_t‖_F / ‖W_0‖_F, and `movement_per_error` is r_t: with
        mini-batches the largest and the least of so many steps that every sample was in one.
        `largest_change` is the largest `weight_change` of the steps so far. `error_signal` is the
        largest ‖χ_i‖ of the samples, `feature_min_eig` is λ_min of the Gram matrix of x^L_t over n,
        and `feature_resolution` the least value of it that rounding leaves meaningful;
        `parallel_pairs` counts the inputs equal up to sign.
    """
    plan = _plan(data, width, _settings(recipe, len(data.train_labels)), activations)
    tables = [pd.DataFrame(_rows(ensemble, seeds), columns=[*COLUMNS]) for ensemble in plan]
    by_run = [table.sort_values(["learning_rate", "seed", "step"]) for table in tables]
    return pd.concat(by_run, ignore_index=True)


def with_conflict(data: PreparedDataset) -> PreparedDataset:
    """The data and, once more, its first input, under the label of the next class."""
    label = (data.train_labels[:1] + 1) % data.classes
    return replace(
        data,
        train_inputs=np.concatenate([data.train_inputs, data.train_inputs[:1]]),
        train_labels=np.concatenate([data.train_labels, label]),
    )


def _settings(recipe: Recipe, samples: int) -> Recipe:
    return replace(
        recipe,
        loss="mse",
        precision="float64",
        layer="dense",
        device="cpu",
        steps=MOST_STEPS,
        batch_size=samples,
    )


def _plan(
    data: PreparedDataset, width: int, recipe: Recipe, activations: Sequence[str]
) -> Iterator[_Ensemble]:
    mup = SCHEMES["µP"]
    half = max(len(data.train_labels) // 2, 1)
    for activation in activations:
        how = with_activation(recipe, activation)
        yield _Ensemble(REGULAR, "µP", mup, data, width, how, RATE_MULTIPLES)
        yield _Ensemble(REGULAR, "µP", mup, data, width, replace(how, batch_size=half))
    conflict = with_conflict(data)
    how = with_activation(recipe, recipe.activation)
    how = replace(how, batch_size=len(conflict.train_labels))
    yield _Ensemble(DUPLICATE, "µP", mup, conflict, width, how)
    for factor in STATIONARY_WIDTHS:
        how = replace(
            recipe,
            activation=STATIONARY_ACTIVATION,
            hidden_layers=STATIONARY_LAYERS,
            steps=STATIONARY_STEPS,
        )
        yield _Ensemble(STATIONARY, "IP", SCHEMES["IP"], data, factor * width, how)


def _rows(ensemble: _Ensemble, seeds: Sequence[int]) -> Iterator[dict[str, object]]:
    """Train every rate and seed until it rests or diverges; the recorded steps of each."""
    data, recipe = ensemble.data, ensemble.recipe
    replicas = [(multiple, seed) for multiple in ensemble.multiples for seed in seeds]
    multiples = torch.tensor([multiple for multiple, _ in replicas], dtype=torch.float64)
    of_replicas = [seed for _, seed in replicas]
    network = initial_network(
        data, ensemble.scheme, ensemble.width, of_replicas, recipe, torch.device("cpu")
    )
    norms = initial_norms(data, ensemble.scheme, ensemble.width, recipe)
    rates, first = (
        learning_rates(ensemble.scheme, ensemble.width, recipe, first=each)
        for each in (False, True)
    )
    descent = Descent(network, data, rates, of_replicas, recipe.loss, recipe.batch_size, first)
    # A whole pass through the samples lies within any two passes less a step.
    passes = 2 * math.ceil(len(descent.targets) / _batch_size(ensemble)) - 1
    latest = deque[tuple[Tensor, Tensor]](maxlen=passes)
    recorded = set(log_spaced_steps(recipe.steps, RECORDED))
    facts = _facts(ensemble)
    largest = torch.zeros(len(replicas), dtype=torch.float64)
    for step in range(recipe.steps + 1):
        alive, losses, going = descent.alive, descent.losses, descent.going()
        error = descent.loss.gradient(network.outputs, descent.targets)
        # A multiple of a rate is that of a gradient.
        signal = descent.signal(descent.weights() * multiples[alive, None])
        last_layer = network.hidden[-1]
        feature = last_layer.feature  # a step puts another in its place
        rates = descent.rates
        moved = descent.advance(signal, norms=True)
        assert moved is not None
        change = (moved / norms[:, None]).mean(dim=0)
        latest.append((change, movement_per_error(moved, signal, rates, recipe.learning_rate)))
        change = torch.stack([each for each, _ in latest]).amax(dim=0)
        ratio = torch.stack([each for _, each in latest]).amin(dim=0)
        largest[alive] = largest[alive].maximum(change)
        resting = (change <= REST * largest[alive]) & (len(latest) == passes)
        numbers = {
            "weight_change": change,
            "largest_change": largest[alive],
            "error_signal": error.norm(dim=-1).amax(dim=-1),
            "movement_per_error": ratio,
            "train_loss": losses,
        }
        for index, replica in enumerate(alive.tolist()):
            if step in recorded or bool(resting[index]):
                multiple, seed = replicas[replica]
                least, resolution = _least_eigenvalue(last_layer, feature, index, step)
                yield {
                    **facts,
                    "learning_rate": recipe.learning_rate * multiple,
                    "seed": seed,
                    "step": step,
                    **{name: float(values[index]) for name, values in numbers.items()},
                    "feature_min_eig": least,
                    "feature_resolution": resolution,
                }
        # The step at which a replica has diverged is told of, if its loss is a number.
        going &= ~resting & descent.losses.isfinite()
        if not bool(going.all()):
            kept = going.nonzero().flatten()
            if not len(kept):
                return
            descent.keep(kept)
            latest.extend([(change[kept], ratio[kept]) for change, ratio in latest])


def movement_per_error(
    moved: Tensor, signal: Tensor, rates: Sequence[float], learning_rate: float
) -> Tensor:
    """The module's r_t.

    Args:
        moved: ‖W^l_{t+1} - W^l_t‖_F, shape (L + 1, R).
        signal: w_i χ_i, shape (R, N, classes).
        rates: η_l.
        learning_rate: η.

    Returns:
        Shape (R,).
    """
    each = moved.square() / torch.tensor(rates, dtype=moved.dtype)[:, None]
    ratio: Tensor = (each.sum(dim=0) / learning_rate).sqrt() / signal.flatten(1).norm(dim=1)
    return ratio


def _batch_size(ensemble: _Ensemble) -> int:
    return ensemble.recipe.batch_size or len(ensemble.data.train_labels)


def _facts(ensemble: _Ensemble) -> dict[str, object]:
    """What all rows of these trainings have in common."""
    return {
        "case": ensemble.case,
        "scheme": ensemble.scheme_name,
        "activation": ensemble.recipe.activation,
        "batch_size": _batch_size(ensemble),
        "samples": len(ensemble.data.train_labels),
        "parallel_pairs": len(parallel_pairs(ensemble.data.train_inputs)),
        "hidden_layers": ensemble.recipe.hidden_layers,
        "width": ensemble.width,
    }


def _least_eigenvalue(
    state: HiddenState, feature: Tensor, replica: int, step: int
) -> tuple[float, float]:
    """λ_min of the Gram matrix of these features over n, and its resolution."""
    initial = state.initial_feature[replica].T.numpy()
    factor = r_factor(initial, feature[replica].T.numpy() - initial)
    # Every step so far has rounded the movement once.
    roundoff = (step + 1) * PRECISIONS["float64"].unit_roundoff
    found = spectra(factor, len(initial), roundoff)
    return float(found.gram[0]), float(found.resolution)


def measured(files: Files, settings: Settings) -> Tables:
    """The tables of the statement."""
    data, recipe = files.dataset(), Recipe(**settings["recipe"])
    return {
        "rest": rest_table(
            first_samples(data, SAMPLES),
            settings["width"],
            range(settings["few_seeds"]),
            recipe,
            settings["activations"],
        ),
        "rest_widths": widths_table(
            first_samples(data, settings["all_samples"]),
            {name: Scheme(**exponents) for name, exponents in settings["schemes"].items()},
            settings["widths"],
            settings["seeds"],
            recipe,
        ),
    }
