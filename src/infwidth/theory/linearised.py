r"""NTP's limit, a network that moves along its linearisation at initialisation; µP's leaves it.

Under NTP the n = ∞ network's outputs obey a linear equation (Jacot et al. 2018; Lee et al. 2019):

    f_{t+1} = f_t - Θ χ_t,   χ_t the gradient of the objective at the outputs f_t,
    Θ = Σ_l r_l X^{l-1} ∘ D^l,   X^0_ij = <ξ_i, ξ_j>,   D^{L+1} = 1,
    D^l = D^{l+1} ∘ v_{l+1} E[φ'(u) φ'(w)],   (u, w) ~ N(0, K^l),

with the kernels K^l and X^l of `infwidth.theory.kernels`, v_l = n Var W^l, r_1 = η_1 the rate of
the input layer and r_l = n η_l that of a later one. A finite network is off by O(n^-1/2), because
so is its kernel, and its features move as little.

µP's rates and variances give, term by term, the same Θ: its rates grow by the factor n by which
v_{L+1} shrinks. But the features that Θ is made of move at n = ∞, and so the network leaves its
linearisation. To see that apart from the sampling error of the kernel, every network is also held
against the linear equation of its own kernel at initialisation,

    Θ_n = Σ_l η_l <x^{l-1}(ξ_i), x^{l-1}(ξ_j)> <∂f_a(ξ_i)/∂h^l, ∂f_b(ξ_j)/∂h^l>,

of shape (N classes) x (N classes), which tends to Θ times the identity of the outputs.

That features stay under NTP and move under µP is in Table 1 of Chen et al. (2025); the contrast of
the kernels and the thresholds are ours.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from infwidth.activations import ACTIVATIONS
from infwidth.batches import sample_weights
from infwidth.datasets.prepare import PreparedDataset
from infwidth.initialisation import initial_network, learning_rates
from infwidth.losses import LOSSES, one_hot
from infwidth.network import Network
from infwidth.paper.numbers import number
from infwidth.recipe import Recipe
from infwidth.scaling import PowerLaw
from infwidth.schemes import SCHEMES, Scheme
from infwidth.theory.finding import Finding, negation, verdict
from infwidth.theory.kernels import gaussian_expectation, nngp, weight_variances
from infwidth.theory.powers import HALF_WAY, falls, fitted, in_words
from infwidth.training import DIVERGED_LOSS_RATIO, log_spaced_steps

Array = NDArray[np.float64]

COMPARED: Mapping[str, Scheme] = MappingProxyType({name: SCHEMES[name] for name in ("NTP", "µP")})
COLUMNS = (
    "scheme", "width", "seed", "step", "deviation", "own_deviation", "kernel_error",
    "train_loss", "linear_loss", "feature_change",
)  # fmt: skip
LINEAR = -0.5
# What counts as n^-1/2: at widths of some hundreds the next terms move an exponent by less.
TOLERANCE = 0.1
FEW = "too few widths, of trainings that reached the last step, to fit a power of n"


def tangent_kernel(
    inputs_gram: Array, variances: Sequence[float], rates: Sequence[float], activation: str
) -> Array:
    """Θ, by which the outputs of an infinitely wide network move at initialisation.

    Args:
        inputs_gram: <ξ_i, ξ_j>, shape (N, N).
        variances: v_1, ..., v_{L+1}, as from `infwidth.theory.kernels.weight_variances`.
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
    variances = weight_variances(
        scheme,
        width,
        hidden_layers=recipe.hidden_layers,
        init_std=recipe.init_std,
        reference_width=recipe.reference_width,
    )
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
        One row for each scheme, width, seed and snapshot step, as long as both losses stay finite
        and under DIVERGED_LOSS_RATIO times their first. `deviation` is
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


def findings(table: pd.DataFrame) -> list[Finding]:
    """What linearised.csv says of NTP and of µP."""
    change = "the relative change of the last hidden layer's h goes by the power"
    own = "the deviation from the equation with its own initial kernel goes by the power"
    errors = {name: kernel_error(table, name) for name in COMPARED}
    deviation = largest_deviation(table, "NTP")
    deviations = {name: largest_deviation(table, name, own=True) for name in COMPARED}
    changes = {name: last_change(table, name) for name in COMPARED}
    return [
        *(
            _finding(
                "here",
                f"{name}'s tangent kernel at initialisation approaches the closed form, which is "
                "NTP's and µP's alike, as n^-1/2 or faster",
                _linear,
                "the relative error goes by the power",
                values,
            )
            for name, values in errors.items()
        ),
        _finding(
            "Jacot et al. 2018",
            "NTP's network follows the linear equation of the n = ∞ tangent kernel: its deviation "
            "falls as n^-1/2 or faster",
            _linear,
            "the deviation goes by the power",
            deviation,
        ),
        _finding(
            "Table 1",
            "NTP's features do not move at n = ∞",
            falls,
            change,
            changes["NTP"],
        ),
        _finding(
            "here",
            "NTP's network does not leave its own linearisation at n = ∞",
            falls,
            own,
            deviations["NTP"],
        ),
        _finding(
            "here",
            "µP's network leaves its own linearisation at n = ∞ too",
            _stays,
            own,
            deviations["µP"],
        ),
        _finding(
            "Table 1",
            "µP's features move at n = ∞",
            _stays,
            change,
            changes["µP"],
        ),
    ]


def kernel_error(table: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """The relative error of Θ_n at initialisation.

    Args:
        table: linearised.csv.
        scheme: its name there.

    Returns:
        Columns width, seed, value.
    """
    rows = table[table["scheme"] == scheme].drop_duplicates(["width", "seed"])
    return rows.rename(columns={"kernel_error": "value"})[["width", "seed", "value"]]


def largest_deviation(table: pd.DataFrame, scheme: str, *, own: bool = False) -> pd.DataFrame:
    """The largest deviation over the steps, of the trainings that reached the last one.

    The largest, because both the network and its linearisation may end at zero loss, where they
    meet again whatever way they took.

    Args:
        table: linearised.csv.
        scheme: its name there.
        own: from the linear equation of the network's own initial kernel.

    Returns:
        Columns width, seed, value.
    """
    column = "own_deviation" if own else "deviation"
    runs = table[table["scheme"] == scheme].groupby(["width", "seed"], sort=False)
    values: pd.DataFrame = runs.agg(value=(column, "max"), last=("step", "max")).reset_index()
    finished = (values["last"] == table["step"].max()) & (values["value"] > 0)
    kept: pd.DataFrame = values.loc[finished, ["width", "seed", "value"]]
    return kept


def last_change(table: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """The last hidden layer's relative change at the last step; as `largest_deviation`."""
    rows = table[(table["scheme"] == scheme) & (table["step"] == table["step"].max())]
    changes = rows.rename(columns={"feature_change": "value"})[["width", "seed", "value"]]
    moved: pd.DataFrame = changes[changes["value"] > 0]
    return moved


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
    loss = LOSSES[recipe.loss]
    targets = one_hot(torch.as_tensor(data.train_labels), data.classes)
    batches = sample_weights(seeds, len(targets), recipe.batch_size)
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
    limit = torch.full((len(seeds),), math.inf, dtype=torch.float64)
    for step in range(recipe.steps + 1):
        losses = torch.stack(
            [
                loss.per_sample(outputs, targets).mean(dim=-1)
                for outputs in (network.outputs, *linear)
            ]
        )
        if step == 0:
            limit = DIVERGED_LOSS_RATIO * losses[0].clamp(min=1.0)
        going &= (losses <= limit).all(dim=0)
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
            weights = next(batches)[:, :, None]
            signals = loss.gradient(linear, targets) * weights
            linear = linear - (thetas @ signals.flatten(2)[..., None]).view_as(linear)
            network.step(loss.gradient(network.outputs, targets) * weights, rates)


def _feature_changes(network: Network) -> Tensor:
    """Mean over samples of ‖δh‖ / ‖h^0‖, shape (L, R)."""
    return torch.stack(
        [
            (state.change.norm(dim=-1) / state.initial.norm(dim=-1)).mean(dim=-1)
            for state in network.hidden
        ]
    )


def _linear(law: PowerLaw) -> bool | None:
    """Whether values fall as n^-1/2 or faster; None where the interval does not decide."""
    if not (math.isfinite(law.low) and math.isfinite(law.high)):
        return None
    if law.high <= LINEAR + TOLERANCE or (law.low <= LINEAR and law.high <= HALF_WAY):
        return True
    return False if law.low > LINEAR + TOLERANCE else None


def _stays(law: PowerLaw) -> bool | None:
    return negation(falls(law))


def _finding(
    source: str,
    statement: str,
    judge: Callable[[PowerLaw], bool | None],
    words: str,
    values: pd.DataFrame,
) -> Finding:
    """A finding whose numbers are a fitted power and the values at the ends of the widths."""
    law = fitted(values, "value")
    if not math.isfinite(law.exponent):
        return Finding(source, statement, verdict(None), FEW)
    means = np.exp(np.log(values["value"]).groupby(values["width"]).mean())
    return Finding(
        source,
        statement,
        verdict(judge(law)),
        f"{words} {in_words(law)} of n, from {number(means.iloc[0], 2)} at n = {means.index[0]} to "
        f"{number(means.iloc[-1], 2)} at n = {means.index[-1]}",
    )
