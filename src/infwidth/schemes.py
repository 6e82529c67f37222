"""The parametrizations as one table of powers of the width.

Weights are used as they are, without multipliers: layer weights start as N(0, σ² n^v) and are
trained by SGD at the rate η n^c. A scheme is the six numbers v and c for the input, the hidden and
the output layer; everything else about SP, NTP, IP and µP follows from them. A scheme whose first
step has rates of its own has three powers more, and a factor.

>>> SCHEMES["µP"].learning_rate
(1, 0, -1)
>>> round(SCHEMES["µP"].init_std("output", width=64), 6)
0.015625
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

Role = Literal["input", "hidden", "output"]
ROLES: tuple[Role, Role, Role] = ("input", "hidden", "output")
Exponents = tuple[float, float, float]
IP_LLR = "IP-LLR"


@dataclass(frozen=True)
class Scheme:
    """Powers of the width n for the (input, hidden, output) layers.

    Attributes:
        init_variance: v, with W ~ N(0, σ² n^v) entrywise.
        learning_rate: c, with SGD rate η n^c.
        first_learning_rate: c of the first step alone; None: as in every other.
        first_factor: what multiplies η in the first step, if that has a c of its own.
    """

    init_variance: Exponents
    learning_rate: Exponents
    first_learning_rate: Exponents | None = None
    first_factor: float = 1.0

    def init_std(
        self, role: Role, width: int, *, sigma: float = 1.0, reference_width: float = 1.0
    ) -> float:
        """Standard deviation of one initial weight.

        At the reference width n0 every scheme has variance σ² (input) and σ²/n0 (hidden, output);
        from there it follows (n/n0)^v, so that all schemes coincide at n = n0.
        """
        base = 1.0 if role == "input" else 1.0 / reference_width
        power = self.init_variance[ROLES.index(role)]
        variance: float = base * (width / reference_width) ** power
        return sigma * math.sqrt(variance)

    def rate(
        self,
        role: Role,
        width: int,
        *,
        learning_rate: float = 1.0,
        reference_width: float = 1.0,
        first: bool = False,
    ) -> float:
        """SGD rate η (n/n0)^c of a layer, in the first step or in a later one."""
        powers = self.learning_rate
        if first and self.first_learning_rate:
            powers, learning_rate = self.first_learning_rate, learning_rate * self.first_factor
        power = powers[ROLES.index(role)]
        factor: float = (width / reference_width) ** power
        return learning_rate * factor


# µP: Table of Chen et al. 2025. SP, NTP: Yang & Hu 2021 (Tensor Programs IV, Table 1), brought to
# this form by v = -2(a + b), c = -(c_abc + 2a). IP: Hajjar, Chizat & Giraud 2021.
SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "SP": Scheme(init_variance=(0, -1, -1), learning_rate=(-1, -1, -1)),
        "NTP": Scheme(init_variance=(0, -1, -1), learning_rate=(0, -1, -1)),
        "IP": Scheme(init_variance=(0, -2, -2), learning_rate=(1, 0, -1)),
        "µP": Scheme(init_variance=(0, -1, -2), learning_rate=(1, 0, -1)),
    }
)

# Powers of n alone leave outputs that barely move in the first step: each layer's part has the size
# of a step of the escape, some hundredths at η = 0.5, and they multiply. With this factor outputs
# are of order one some twenty steps later, at any width. Ours; Hajjar et al. calibrate it, too.
IP_LLR_FACTOR = 16.0


def built_in(hidden_layers: int) -> dict[str, Scheme]:
    """The schemes that are known by name, at a depth L: those of the table, and IP-LLR.

    IP starts at a saddle. IP-LLR (Hajjar, Chizat & Giraud 2021: large learning rates in the first
    step) is IP with a first step that undoes the powers of n by which the gradients vanish there.
    These count the layers, so that c = ((L + 1)/2, (L - 2)/2, (L - 3)/2): from their a = (0, 1, 1)
    and c_0 = -((L + 1)/2, (L + 2)/2, (L + 1)/2), by c = -(c_0 + 2a). It is meant for φ(0) = 0.

    >>> built_in(3)["IP-LLR"].first_learning_rate
    (2.0, 0.5, 0.0)
    """
    ip, half = SCHEMES["IP"], hidden_layers / 2
    first = (half + 0.5, half - 1, half - 1.5)
    large = replace(ip, first_learning_rate=first, first_factor=IP_LLR_FACTOR)
    return {**SCHEMES, IP_LLR: large}


def canonical_name(name: str) -> str:
    """The table's spelling of a scheme's name; names that are not in the table stay as they are.

    >>> canonical_name("mup"), canonical_name("ntp"), canonical_name("mine")
    ('µP', 'NTP', 'mine')
    """
    key = name.casefold().replace("µ", "mu").replace("μ", "mu")
    spellings = {known.casefold().replace("μ", "mu"): known for known in (*SCHEMES, IP_LLR)}
    return spellings.get(key, name)
