"""The training as a user would write it: a module, autograd, an optimizer."""

import itertools
from collections.abc import Sequence

import mup
import torch
from setting import HIDDEN_LAYERS, LEARNING_RATE, random_data, recipe
from torch import Tensor, nn

from infwidth.datasets.prepare import PreparedDataset
from infwidth.network.initialisation import learning_rates, roles
from infwidth.network.losses import one_hot
from infwidth.schemes import SCHEMES, Scheme


class ByHand:
    """A module, an optimizer and autograd."""

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, data: PreparedDataset
    ) -> None:
        """Train this model."""
        self.model = model
        self.optimizer = optimizer
        self.inputs = torch.as_tensor(data.train_inputs, dtype=torch.float32)
        self.targets = one_hot(torch.as_tensor(data.train_labels), data.classes).float()

    def step(self) -> float:
        """One step; returns the training loss before it."""
        self.optimizer.zero_grad()
        errors = self.model(self.inputs) - self.targets
        loss = 0.5 * errors.square().sum(dim=-1).mean()
        loss.backward()
        self.optimizer.step()
        value: float = loss.item()
        return value

    def directions(self) -> tuple[()]:
        """None: all weights are written down."""
        return ()


def plain(
    width: int,
    scheme: Scheme,
    seed: int,
    *,
    data: PreparedDataset | None = None,
    weights: Sequence[Tensor] | None = None,
) -> ByHand:
    """`nn.Sequential`, with the learning rate of each layer in a parameter group of its own.

    Args:
        width: n.
        scheme: powers of the width.
        seed: of the initial weights.
        data: what to train on, `random_data` if not given.
        weights: initial weights of each layer, in place of random ones.
    """
    data = data or random_data()
    torch.manual_seed(seed)
    sizes = [data.train_inputs.shape[1], *[width] * HIDDEN_LAYERS, data.classes]
    linear = [
        nn.Linear(fan_in, fan_out, bias=False) for fan_in, fan_out in itertools.pairwise(sizes)
    ]
    for layer, role in zip(linear, roles(HIDDEN_LAYERS), strict=True):
        nn.init.normal_(layer.weight, std=scheme.init_std(role, width))
    if weights is not None:
        with torch.no_grad():
            for layer, given in zip(linear, weights, strict=True):
                layer.weight.copy_(given)
    hidden = (part for layer in linear[:-1] for part in (layer, nn.Tanh()))
    model = nn.Sequential(*hidden, linear[-1])
    rates = learning_rates(scheme, width, recipe("dense"))
    groups = [
        {"params": [layer.weight], "lr": rate} for layer, rate in zip(linear, rates, strict=True)
    ]
    return ByHand(model, torch.optim.SGD(groups), data)


def with_mup(
    width: int,
    scheme: Scheme,
    seed: int,
    *,
    data: PreparedDataset | None = None,
    weights: Sequence[Tensor] | None = None,
) -> ByHand:
    """The package `mup` as its README says; a base of width 1 makes it the paper's µP.

    Args:
        width: n.
        scheme: has to be µP, all that the package knows.
        seed: of the initial weights.
        data: what to train on, `random_data` if not given.
        weights: initial weights of each layer as the outputs see them, in place of random ones.

    Raises:
        ValueError: another scheme was asked for.
    """
    if scheme != SCHEMES["µP"]:
        raise ValueError("mup trains under µP alone")
    data = data or random_data()
    torch.manual_seed(seed)
    model = _mup_model(width, data)
    # Two narrow models tell the package which dimensions grow.
    mup.set_base_shapes(model, _mup_model(1, data), delta=_mup_model(2, data))
    for parameter in model.parameters():
        mup.init.normal_(parameter, std=1.0)
    if weights is not None:
        with torch.no_grad():
            for parameter, given in zip(model.parameters(), weights, strict=True):
                parameter.copy_(given)
            # The readout divides by the width, so the outputs see that much less of its weights.
            parameter.mul_(width)
    return ByHand(model, mup.MuSGD(model.parameters(), lr=LEARNING_RATE), data)


def _mup_model(width: int, data: PreparedDataset) -> nn.Module:
    parts: list[nn.Module] = []
    fan_in = data.train_inputs.shape[1]
    for _ in range(HIDDEN_LAYERS):
        parts += [nn.Linear(fan_in, width, bias=False), nn.Tanh()]
        fan_in = width
    return nn.Sequential(*parts, mup.MuReadout(width, data.classes, bias=False))
