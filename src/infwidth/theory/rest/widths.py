"""Corollary 4.6 at growing width: all N samples of the experiment on their way to rest.

At a finite width a step cannot be small where the error is not, as long as the last features are
independent: that is linear algebra (`infwidth.theory.rest.measure`). What the corollary adds is
that it holds at n = ∞, and for this λ_min(K^L)/n has to stay away from zero as n grows, all the
way to rest, while the features move. That is measured here, in every scheme, and with it how long
rest takes.

All schemes and widths train at one rate, half of the edge of stability of their linear equation:
the steepest direction is gone in one step. The objective is the squared error in full batch. All
this is ours.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.measures.features import r_factor
from infwidth.measures.spectra import Spectra, spectra
from infwidth.network.initialisation import initial_network, initial_norms, learning_rates
from infwidth.network.mlp import Network
from infwidth.network.precision import precision_on
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES, Scheme
from infwidth.theory.linearised.edge import edge_of_stability
from infwidth.theory.rest.names import FRACTIONS, WIDTHS_COLUMNS
from infwidth.training.descent import Descent
from infwidth.training.train import log_spaced_steps

CPU = torch.device("cpu")
OF_THE_EDGE = 0.5
# Times as many seeds for µP: its trainings are the shortest, and the statement is about them.
MORE_SEEDS = 2
# Times the experiment's steps for these checks: beyond that, what is left of the error is told.
MOST_STEPS = 3
RECORDED = 16


def widths_table(
    data: PreparedDataset,
    schemes: Mapping[str, Scheme],
    widths: Sequence[int],
    seeds: int,
    recipe: Recipe,
) -> pd.DataFrame:
    """Train every scheme at every width until the last of `FRACTIONS` is left of the error.

    Args:
        data: N samples.
        schemes: those to look at beside µP, which always is; their µP is not used.
        widths: n.
        seeds: how many initial weights; `MORE_SEEDS` times as many for µP.
        recipe: with dense layers; its loss, rate and batch size are not used, and its steps are
            those after which a training that has not come to rest is given up, over `MOST_STEPS`.

    Returns:
        One row for each recorded step of each run, in the order of the steps: log-spaced, those at
        which the error first falls to one of `FRACTIONS`, and the last. `error_signal`,
        `weight_change`, `largest_change`, `feature_min_eig` and `feature_resolution` are as in
        rest.csv; `feature_change` is the mean over samples of ‖x^L_t - x^L_0‖ / ‖x^L_0‖.
    """
    how = replace(
        recipe,
        loss="mse",
        batch_size=None,
        learning_rate=OF_THE_EDGE * edge_of_stability(data, recipe),
        steps=MOST_STEPS * recipe.steps,
    )
    rows = [
        {"scheme": name, "samples": len(data.train_labels), "width": width, **row}
        for name, scheme in {**schemes, "µP": SCHEMES["µP"]}.items()
        for width in widths
        for row in _rows(data, scheme, width, seeds * (MORE_SEEDS if name == "µP" else 1), how)
    ]
    return pd.DataFrame(rows, columns=[*WIDTHS_COLUMNS])


def _rows(
    data: PreparedDataset, scheme: Scheme, width: int, seeds: int, recipe: Recipe
) -> Iterator[dict[str, Any]]:
    """Train every seed until it rests or diverges; the recorded steps of each."""
    network = initial_network(data, scheme, width, range(seeds), recipe, CPU)
    norms = initial_norms(data, scheme, width, recipe)
    rates = learning_rates(scheme, width, recipe)
    descent = Descent(network, data, rates, range(seeds), recipe.loss, recipe.batch_size)
    recorded = set(log_spaced_steps(recipe.steps, RECORDED))
    first = largest_error(descent)
    reached = torch.zeros(seeds, dtype=torch.int64)
    largest = torch.zeros(seeds, dtype=torch.float64)
    unit_roundoff = precision_on(CPU, recipe.precision).unit_roundoff
    for step in range(recipe.steps + 1):
        alive, losses, going = descent.alive, descent.losses, descent.going()
        error = largest_error(descent)
        left = error / first[alive]
        # Of the fractions, how many the error is under.
        passed = (left[:, None] <= torch.tensor(FRACTIONS, dtype=torch.float64)).sum(dim=1)
        told = (passed > reached[alive]) | (step in recorded)
        reached[alive] = reached[alive].maximum(passed)
        # A step puts other features in their place.
        found = {int(index): _last_layer(network, index, unit_roundoff) for index in told.nonzero()}
        moved = descent.advance(norms=True)
        assert moved is not None
        change = (moved / norms[:, None]).mean(dim=0)
        largest[alive] = largest[alive].maximum(change)
        for index, features in found.items():
            yield {
                "learning_rate": recipe.learning_rate,
                "seed": int(alive[index]),
                "step": step,
                "weight_change": float(change[index]),
                "largest_change": float(largest[alive[index]]),
                "error_signal": float(error[index]),
                "train_loss": float(losses[index]),
                "feature_change": float(features.feature_change),
                "feature_min_eig": float(features.gram[0]),
                "feature_resolution": float(features.resolution),
            }
        going &= (reached[alive] < len(FRACTIONS)) & descent.losses.isfinite()
        if not bool(going.any()):
            return
        if not bool(going.all()):
            descent.keep(going.nonzero().flatten())


def largest_error(descent: Descent) -> Tensor:
    """The largest ‖χ_i‖ of the samples, shape (R,)."""
    signals = descent.loss.gradient(descent.network.outputs, descent.targets)
    largest: Tensor = signals.norm(dim=-1).amax(dim=-1)
    return largest


def _last_layer(network: Network, replica: Tensor, unit_roundoff: float) -> Spectra:
    """What the last layer's x are at this step and how far they have moved."""
    state = network.hidden[-1]
    initial = state.initial_feature[replica][0].T.numpy()
    factor = r_factor(initial, state.feature_change[replica][0].T.numpy())
    return spectra(factor, len(initial), unit_roundoff)
