r"""NTP's limit, a network that moves along its linearisation at initialisation; µP's leaves it.

Under NTP the n = ∞ network's outputs obey a linear equation (Jacot et al. 2018; Lee et al. 2019):

    f_{t+1} = f_t - Θ χ_t,   χ_t the gradient of the objective at the outputs f_t,
    Θ = Σ_l r_l X^{l-1} ∘ D^l,   X^0_ij = <ξ_i, ξ_j>,   D^{L+1} = 1,
    D^l = D^{l+1} ∘ v_{l+1} E[φ'(u) φ'(w)],   (u, w) ~ N(0, K^l),

with the kernels K^l and X^l of `infwidth.theory.gaussian`, v_l = n Var W^l, r_1 = η_1 the
rate of the input layer and r_l = n η_l that of a later one. A finite network is off by O(n^-1/2),
because so is its kernel, and its features move as little.

µP's rates and variances give, term by term, the same Θ: its rates grow by the factor n by which
v_{L+1} shrinks. But the features that Θ is made of move at n = ∞, and so the network leaves its
linearisation. To see that apart from the sampling error of the kernel, every network is also held
against the linear equation of its own kernel at initialisation,

    Θ_n = Σ_l η_l <x^{l-1}(ξ_i), x^{l-1}(ξ_j)> <∂f_a(ξ_i)/∂h^l, ∂f_b(ξ_j)/∂h^l>,

of shape (N classes) x (N classes), which tends to Θ times the identity of the outputs.

The contrast of the kernels is ours.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.activations import ACTIVATIONS
from infwidth.network.initialisation import initial_network, learning_rates
from infwidth.network.mlp import Network
from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.theory.gaussian import gaussian_expectation, nngp, recipe_variances
from infwidth.theory.linearised.names import COMPARED
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.setting import first_samples
from infwidth.training.descent import Descent
from infwidth.training.train import log_spaced_steps

Array = NDArray[np.float64]

COLUMNS = (
    "scheme", "width", "seed", "step", "deviation", "own_deviation", "kernel_error",
    "train_loss", "linear_loss", "feature_change",
)  # fmt: skip


def tangent_kernel(
    inputs_gram: Array, variances: Sequence[float], rates: Sequence[float], activation: str
) -> Array:
    """Θ, by which the outputs of an infinitely wide network move at initialisation.

    Args:
        inputs_gram: <ξ_i, ξ_j>, shape (N, N).
        variances: v_1, ..., v_{L+1}, as from `infwidth.theory.gaussian.recipe_variances`.
        rates: r_1, ..., r_{L+1}, as from `effective_rates`.
        activation: φ's name.

    Returns:
        Shape (N, N), the same for every output: a step of gradient descent at the error signals χ
        (N, classes) changes the outputs by -Θ χ.
    """
    kernel: Array = np.sum(tangent_terms(inputs_gram, variances, rates, activation), axis=0)
    return kernel


def tangent_terms(
    inputs_gram: Array, variances: Sequence[float], rates: Sequence[float], activation: str
) -> list[Array]:
    """The L + 1 terms of Θ, one for each layer of weights from the input on; arguments as of Θ."""
    phi = ACTIVATIONS[activation]
    kernels = nngp(inputs_gram, variances[:-1], phi.value)
    backward = np.ones_like(inputs_gram)
    terms = []
    for kernel, variance, rate in zip(
        reversed(kernels), reversed(variances[1:]), reversed(rates[1:]), strict=True
    ):
        terms.append(rate * kernel.feature * backward)
        slopes, _ = gaussian_expectation(
            kernel.preactivation, lambda h: phi.derivative(h, phi.value(h))
        )
        backward = backward * variance * slopes
    terms.append(rates[0] * inputs_gram * backward)
    return terms[::-1]


def effective_rates(scheme: Scheme, width: int, recipe: Recipe) -> tuple[float, ...]:
    """r_1, ..., r_{L+1}: the input layer's learning rate, and n times that of each later layer."""
    first, *later = learning_rates(scheme, width, recipe)
    return (first, *(width * rate for rate in later))


def initial_tangent_kernel(
    data: PreparedDataset, scheme: Scheme, width: int, recipe: Recipe
) -> Array:
    """Θ of a scheme on the training inputs, at one width's variances and rates, shape (N, N)."""
    variances = recipe_variances(scheme, width, recipe)
    gram = data.train_inputs @ data.train_inputs.T
    return tangent_kernel(
        gram, variances, effective_rates(scheme, width, recipe), recipe.activation
    )


def finite_tangent_kernel(network: Network, rates: Sequence[float]) -> Tensor:
    """Θ_n of a network as it is, of each replica.

    Args:
        network: R replicas.
        rates: the learning rates of its L + 1 layers, from the input on.

    Returns:
        Shape (R, N, classes, N, classes), float64.
    """
    replicas, samples, classes = network.outputs.shape
    # ∂f_a(ξ_i) / ∂h^l of every output a at once, as so many samples more.
    signal = torch.eye(classes, dtype=network.dtype).repeat(replicas, samples, 1)
    signals = [signal]
    for state, layer in zip(reversed(network.hidden), reversed(network.layers), strict=True):
        slope = network.activation.derivative(state.preactivation_rounded, state.feature_rounded)
        signals.append(layer.backward(signals[-1]) * slope.repeat_interleave(classes, dim=1))
    kernel = torch.zeros(replicas, samples, classes, samples, classes, dtype=torch.float64)
    grams = [network.input_layer.geometry.gram.expand(replicas, -1, -1)]
    grams += [state.feature @ state.feature.mT for state in network.hidden]
    for gram, signal, rate in zip(grams, reversed(signals), rates, strict=True):
        wide = signal.double()
        backward = (wide @ wide.mT).reshape(kernel.shape)
        kernel += rate * gram[:, :, None, :, None] * backward
    return kernel


def linearised_table(
    data: PreparedDataset,
    widths: Sequence[int],
    seeds: Sequence[int],
    recipe: Recipe,
    schemes: Mapping[str, Scheme] = COMPARED,
) -> pd.DataFrame:
    """Train networks and, from their initial outputs, the linear equation, on the same batches.

    Args:
        data: N training inputs; the test inputs are not used.
        widths: n.
        seeds: of initial weights and batches.
        recipe: with dense layers.
        schemes: by name.

    Returns:
        One row for each scheme, width, seed and snapshot step, until the network or a linear
        equation diverges. `deviation` is
        ‖f_t - f_t^lin‖_F / ‖f_t^lin - f_0‖_F with the kernel Θ, `own_deviation` the same with Θ_n,
        both NaN at step 0; `kernel_error` is ‖Θ_n - Θ ⊗ 1‖_F / ‖Θ ⊗ 1‖_F, the same at every step;
        `train_loss` and `linear_loss` are means over samples at f_t and, with Θ, at f_t^lin;
        `feature_change_l` is the mean over samples of ‖h^l_t - h^l_0‖ / ‖h^l_0‖, and
        `feature_change` that of the last hidden layer.
    """
    rows = [
        row
        for name, scheme in schemes.items()
        for width in widths
        for row in _training(
            name,
            width,
            seeds,
            data,
            initial_network(data, scheme, width, seeds, recipe, torch.device("cpu")),
            learning_rates(scheme, width, recipe),
            initial_tangent_kernel(data, scheme, width, recipe),
            recipe,
        )
    ]
    layers = [f"feature_change_{layer}" for layer in range(1, recipe.hidden_layers + 1)]
    return pd.DataFrame(rows, columns=[*COLUMNS, *layers])


def _training(
    name: str,
    width: int,
    seeds: Sequence[int],
    data: PreparedDataset,
    network: Network,
    rates: tuple[float, ...],
    kernel: Array,
    recipe: Recipe,
) -> Iterator[dict[str, object]]:
    """Train every seed's network beside its linear equation; the rows of the snapshot steps."""
    descent = Descent(network, data, rates, seeds, recipe.loss, recipe.batch_size)
    start = network.outputs
    # As matrices that act on the outputs of all samples and classes, flattened.
    identity = torch.eye(data.classes, dtype=torch.float64)
    limit_kernel = torch.kron(torch.as_tensor(kernel), identity)
    own_kernel = finite_tangent_kernel(network, rates).flatten(3, 4).flatten(1, 2)
    # The kernel of the limit, then each network's own.
    thetas = torch.stack([limit_kernel.expand_as(own_kernel), own_kernel])
    kernel_error = torch.linalg.matrix_norm(own_kernel - limit_kernel) / limit_kernel.norm()
    linear = start.expand(2, *start.shape)
    snapshots = set(log_spaced_steps(recipe.steps, recipe.snapshots))
    # Overflowing replicas go on, as NaN, without harm to the others; they just have no rows.
    going = torch.ones(len(seeds), dtype=torch.bool)
    for step in range(recipe.steps + 1):
        losses = torch.stack([descent.losses, *(descent.losses_of(each) for each in linear)])
        going &= descent.going(losses).all(dim=0)
        if step in snapshots:
            apart = torch.linalg.matrix_norm(network.outputs - linear)
            # 0 / 0 at step 0
            deviations = apart / torch.linalg.matrix_norm(linear - start)
            changes = _feature_changes(network)
            for replica in torch.nonzero(going)[:, 0].tolist():
                yield {
                    "scheme": name,
                    "width": width,
                    "seed": int(seeds[replica]),
                    "step": step,
                    "deviation": float(deviations[0, replica]),
                    "own_deviation": float(deviations[1, replica]),
                    "kernel_error": float(kernel_error[replica]),
                    "train_loss": float(losses[0, replica]),
                    "linear_loss": float(losses[1, replica]),
                    "feature_change": float(changes[-1, replica]),
                    **{
                        f"feature_change_{layer}": float(change[replica])
                        for layer, change in enumerate(changes, 1)
                    },
                }
        if step < recipe.steps:
            weights = descent.weights()
            signals = descent.signal(weights, linear)
            linear = linear - (thetas @ signals.flatten(2)[..., None]).view_as(linear)
            descent.advance(descent.signal(weights))


def _feature_changes(network: Network) -> Tensor:
    """Mean over samples of ‖δh‖ / ‖h^0‖, shape (L, R)."""
    return torch.stack(
        [
            (state.change.norm(dim=-1) / state.initial.norm(dim=-1)).mean(dim=-1)
            for state in network.hidden
        ]
    )


def measured(files: Files, settings: Settings) -> Tables:
    """The table of the statement."""
    table = linearised_table(
        first_samples(files.dataset(), settings["samples"]),
        settings["widths"],
        range(settings["seeds"]),
        Recipe(**settings["recipe"]),
    )
    return {"linearised": table}
