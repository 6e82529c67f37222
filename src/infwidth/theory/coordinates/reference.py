"""What stands for the n = ∞ network of a scheme: closed forms, or wide networks of other seeds.

Under SP and NTP features stay those of initialisation, where the law of a pre-activation is
N(0, K^L), and outputs follow the linear equation of the tangent kernel from a Gaussian process.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from infwidth.network.activations import ACTIVATIONS
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.theory.coordinates.ensemble import Ensemble, Inputs, ensembles, linear_outputs
from infwidth.theory.coordinates.laws import Array, Law, gaussian, image, sampled
from infwidth.theory.coordinates.names import (
    LINEAR,
    REFERENCE_FACTOR,
    REFERENCE_SEEDS,
    REFERENCE_TOLERANCE,
)
from infwidth.theory.gaussian import nngp, recipe_variances
from infwidth.theory.linearised.measure import initial_tangent_kernel
from infwidth.theory.outputs.measure import Limit, process

# A width whose 1/n is nothing beside 1.
ENDLESS = 2**60
# Of the Gaussian process of initial outputs.
DRAWS = 1000


@dataclass(frozen=True)
class Reference:
    """What stands for n = ∞, at the steps that it reached.

    Attributes:
        width: of its networks; NaN where it is in closed form.
        laws: step -> kind of feature -> its laws.
        limits: networks at their start -> step -> their limit.
    """

    width: float
    laws: Mapping[int, Mapping[str, Law]]
    limits: Callable[[Ensemble], dict[int, Limit]]


def reference_of(
    name: str,
    scheme: Scheme,
    inputs: Inputs,
    recipe: Recipe,
    steps: Sequence[int],
    widest: int,
    seed: int,
) -> Reference:
    """The reference of a scheme.

    Args:
        name: of the scheme.
        scheme: its powers.
        inputs: of the networks.
        recipe: theirs.
        steps: ascending.
        widest: `REFERENCE_FACTOR` times as wide are its networks.
        seed: the first of theirs.
    """
    if name in LINEAR:
        return _linear(scheme, inputs, recipe, steps)
    wide = replace(recipe, layer="lazy", lazy_tolerance=REFERENCE_TOLERANCE)
    width, seeds = REFERENCE_FACTOR * widest, range(seed, seed + REFERENCE_SEEDS)
    seen = {
        each.step: each
        for each in ensembles(inputs, scheme, width, seeds, wide, steps)
        if len(each.seeds) > 1
    }
    limits = {
        step: Limit(width, each.outputs.mean(axis=0)[None], each.outputs)
        for step, each in seen.items()
    }
    laws = {
        step: {kind: sampled(values) for kind, values in each.features.items()}
        for step, each in seen.items()
    }
    return Reference(width, laws, lambda _: limits)


def _linear(scheme: Scheme, inputs: Inputs, recipe: Recipe, steps: Sequence[int]) -> Reference:
    phi = ACTIVATIONS[recipe.activation].value
    images = inputs.data.train_inputs
    *variances, last = recipe_variances(scheme, ENDLESS, recipe)
    kernels = nngp(images @ images.T, variances, phi)[-1]
    theta = initial_tangent_kernel(inputs.data, scheme, ENDLESS, recipe)

    def along(start: Array, seeds: Sequence[int]) -> list[Array]:
        return linear_outputs(inputs, theta, start, seeds, recipe, steps)

    start = process(last * kernels.feature, inputs.data.classes, DRAWS)
    draws = dict(zip(steps, along(start, range(DRAWS)), strict=True))

    def limits(seen: Ensemble) -> dict[int, Limit]:
        own = zip(steps, along(seen.outputs, seen.seeds.tolist()), strict=True)
        return {step: Limit(math.inf, outputs, draws[step]) for step, outputs in own}

    law = gaussian(np.sqrt(np.diag(kernels.preactivation)))
    laws = {"h": law, "x": image(law, lambda h: phi(torch.from_numpy(h)).numpy())}
    return Reference(math.nan, dict.fromkeys(steps, laws), limits)
