"""The table of powers, against its own literal, the abc form, and the package `mup`."""

import math
from typing import Any

import mup
import pytest
import torch
from builders import PlainNetwork

from infwidth.schemes import ROLES, SCHEMES, Exponents, Role, Scheme, built_in, canonical_name

# scheme -> role -> (power of the initial variance, power of the learning rate)
POWERS: dict[str, dict[Role, tuple[float, float]]] = {
    "SP": {"input": (0, -1), "hidden": (-1, -1), "output": (-1, -1)},
    "NTP": {"input": (0, 0), "hidden": (-1, -1), "output": (-1, -1)},
    "IP": {"input": (0, 1), "hidden": (-2, 0), "output": (-2, -1)},
    "µP": {"input": (0, 1), "hidden": (-1, 0), "output": (-2, -1)},
}
# W = n^-a w, w ~ N(0, n^-2b), SGD on w at the rate η n^-c: (a, b, c) by role. SP, NTP, µP: Yang &
# Hu 2021, Table 1, SP with the rate that keeps it stable; IP: Hajjar, Chizat & Giraud 2021.
ABC: dict[str, dict[Role, tuple[float, float, float]]] = {
    "SP": {"input": (0, 0, 1), "hidden": (0, 0.5, 1), "output": (0, 0.5, 1)},
    "NTP": {"input": (0, 0, 0), "hidden": (0.5, 0, 0), "output": (0.5, 0, 0)},
    "IP": {"input": (0, 0, -1), "hidden": (1, 0, -2), "output": (1, 0, -1)},
    "µP": {"input": (-0.5, 0.5, 0), "hidden": (0, 0.5, 0), "output": (0.5, 0.5, 0)},
}
BASE, WIDE = 32, 128
DIMENSION, CLASSES = 6, 3


def test_the_table_lists_the_papers_schemes_in_order() -> None:
    assert list(SCHEMES) == ["SP", "NTP", "IP", "µP"]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", SCHEMES)
def test_std_and_rate_are_the_tables_powers_of_the_width(name: str, role: Role) -> None:
    variance, rate = POWERS[name][role]
    for width in (2, 64, 1000):
        std = SCHEMES[name].init_std(role, width, sigma=1.5)
        assert std == pytest.approx(1.5 * width ** (variance / 2), rel=1e-14)
        eta = SCHEMES[name].rate(role, width, learning_rate=0.3)
        assert eta == pytest.approx(0.3 * width**rate, rel=1e-14)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", SCHEMES)
def test_the_abc_form_is_the_same_scheme(name: str, role: Role) -> None:
    """One weight, one step: W_0 = n^-a w_0, and a step of w moves W by n^-2a times as much."""
    a, b, c = ABC[name][role]
    width, eta, draw = 50, 0.3, 0.7
    multiplier = width**-a
    w = torch.tensor(draw * width**-b, dtype=torch.float64, requires_grad=True)
    weight = multiplier * w
    assert weight.item() == pytest.approx(draw * SCHEMES[name].init_std(role, width))
    (gradient,) = torch.autograd.grad(weight.sin(), w)
    moved = multiplier * (w - eta * width**-c * gradient) - weight
    expected = -SCHEMES[name].rate(role, width, learning_rate=eta) * math.cos(weight.item())
    assert moved.item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("hidden_layers", "first"), [(2, (1.5, 0, -0.5)), (3, (2, 0.5, 0)), (5, (3, 1.5, 1))]
)
def test_the_first_step_of_ip_llr_counts_the_layers(hidden_layers: int, first: Exponents) -> None:
    """Rates η n^-c_0 of w, W = n^-a w: Hajjar, Chizat & Giraud 2021."""
    ip, llr = (built_in(hidden_layers)[name] for name in ("IP", "IP-LLR"))
    assert (llr.init_variance, llr.learning_rate) == (ip.init_variance, ip.learning_rate)
    half = hidden_layers / 2
    of_w = (-half - 0.5, -half - 1, -half - 0.5)
    assert llr.first_learning_rate == first
    powers = (-c_0 - 2 * ABC["IP"][role][0] for role, c_0 in zip(ROLES, of_w, strict=True))
    assert tuple(powers) == first
    for role, power in zip(ROLES, first, strict=True):
        at: dict[str, Any] = {"learning_rate": 0.3, "reference_width": BASE}
        assert llr.rate(role, WIDE, **at) == ip.rate(role, WIDE, **at)
        expected = 16 * 0.3 * 4.0**power
        assert llr.rate(role, WIDE, first=True, **at) == pytest.approx(expected)
        assert ip.rate(role, WIDE, first=True, **at) == ip.rate(role, WIDE, **at)


def test_without_powers_of_its_own_the_first_step_is_as_every_other() -> None:
    scheme = Scheme((0, -1, -1), (0, -1, -1), first_factor=7)
    assert scheme.rate("input", 64, first=True) == scheme.rate("input", 64)


@pytest.mark.parametrize("width", [1, 64, 100])
def test_all_schemes_coincide_at_the_reference_width(width: int) -> None:
    own = Scheme(init_variance=(3, -1, 0.5), learning_rate=(2, 1, -7))
    for scheme in (*SCHEMES.values(), own):
        for role in ROLES:
            variance = 1 if role == "input" else 1 / width
            std = scheme.init_std(role, width, sigma=2, reference_width=width)
            assert std == pytest.approx(2 * math.sqrt(variance))
            assert scheme.rate(role, width, learning_rate=0.3, reference_width=width) == 0.3


@pytest.mark.parametrize("name", SCHEMES)
def test_powers_count_from_the_reference_width(name: str) -> None:
    for role, (variance, rate) in POWERS[name].items():
        base = 1 if role == "input" else 1 / BASE
        std = SCHEMES[name].init_std(role, WIDE, reference_width=BASE)
        assert std == pytest.approx(math.sqrt(base * 4**variance))
        eta = SCHEMES[name].rate(role, WIDE, learning_rate=0.3, reference_width=BASE)
        assert eta == pytest.approx(0.3 * 4**rate)


class MupMLP(torch.nn.Module):
    """An MLP as a user of `mup` writes it: two hidden layers, no biases."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.input = torch.nn.Linear(DIMENSION, width, bias=False)
        self.hidden = torch.nn.Linear(width, width, bias=False)
        self.output = mup.MuReadout(width, CLASSES, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.output(self.hidden(self.input(x).tanh()).tanh())
        return outputs


def widened(width: int) -> MupMLP:
    torch.manual_seed(width)
    model = MupMLP(width)
    # A model of twice the base width tells `mup` which dimensions grow.
    mup.set_base_shapes(model, MupMLP(BASE), delta=MupMLP(2 * BASE))
    return model.double()


def effective_weights(model: MupMLP) -> list[torch.Tensor]:
    """The weights as the outputs see them: the readout's with its multiplier."""
    with torch.no_grad():
        units = torch.eye(model.hidden.out_features, dtype=torch.float64)
        return [model.input.weight.clone(), model.hidden.weight.clone(), model.output(units).T]


def mup_rates(width: int, learning_rate: float) -> list[float]:
    """What one step of MuSGD moves each effective weight by, in units of minus its gradient."""
    model = widened(width)
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(5, DIMENSION, generator=generator, dtype=torch.float64)
    labels = torch.arange(5) % CLASSES
    before = effective_weights(model)
    optimizer = mup.MuSGD(model.parameters(), lr=learning_rate)
    torch.autograd.backward(torch.nn.functional.cross_entropy(model(inputs), labels))
    optimizer.step()
    plain = PlainNetwork([w.clone() for w in before], [1.0] * 3, "tanh", "cross_entropy")
    torch.testing.assert_close(plain.forward(inputs)[1].T, widened(width)(inputs))
    plain.step(inputs, labels)
    rates = []
    for old, new, unit_step in zip(before, effective_weights(model), plain.weights, strict=True):
        rate = float((new - old).norm() / (unit_step - old).norm())
        torch.testing.assert_close(new - old, rate * (unit_step - old), rtol=1e-6, atol=1e-12)
        rates.append(rate)
    return rates


@pytest.mark.parametrize("width", [BASE, WIDE])
def test_rates_are_those_of_mup(width: int) -> None:
    rates = mup_rates(width, learning_rate=0.1)
    growth = width / BASE
    assert rates == pytest.approx([0.1 * growth, 0.1, 0.1 / growth])
    ours = [
        SCHEMES["µP"].rate(role, width, learning_rate=0.1, reference_width=BASE) for role in ROLES
    ]
    assert rates == pytest.approx(ours)


def test_initial_weights_scale_as_those_of_mup() -> None:
    """PyTorch's default initialisation has its own constants, so only ratios are compared."""
    base, wide = effective_weights(widened(BASE)), effective_weights(widened(WIDE))
    growth = [float(w.std() / b.std()) for w, b in zip(wide, base, strict=True)]
    ours = [
        SCHEMES["µP"].init_std(role, WIDE, reference_width=BASE)
        / SCHEMES["µP"].init_std(role, BASE, reference_width=BASE)
        for role in ROLES
    ]
    assert ours == [1, 0.5, 0.25]
    assert growth == pytest.approx(ours, rel=0.1)


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        *[(name, "µP") for name in ("µP", "μP", "muP", "mup", "MuP", "MUP", "µp", "ΜP")],
        *[("sp", "SP"), ("Sp", "SP"), ("ntp", "NTP"), ("Ntp", "NTP"), ("ip", "IP")],
        *[("ip-llr", "IP-LLR"), ("IPLLR", "IPLLR")],
        *[(name, name) for name in SCHEMES],
        *[(name, name) for name in ("mine", "Mine", "SPX", "", "m", "mp")],
    ],
)
def test_spellings_of_a_schemes_name(typed: str, known: str) -> None:
    assert canonical_name(typed) == known
