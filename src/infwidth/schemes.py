"""The four parametrizations as one table of powers of the width.

Weights are used as they are, without multipliers: layer weights start as N(0, σ² n^v) and are
trained by SGD at the rate η n^c. A scheme is the six numbers v and c for the input, the hidden and
the output layer; everything else about SP, NTP, IP and µP follows from them.

>>> SCHEMES["µP"].learning_rate
(1, 0, -1)
>>> round(SCHEMES["µP"].init_std("output", width=64), 6)
0.015625
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Role = Literal["input", "hidden", "output"]
ROLES: tuple[Role, Role, Role] = ("input", "hidden", "output")
Exponents = tuple[float, float, float]


@dataclass(frozen=True)
class Scheme:
    """Powers of the width n for the (input, hidden, output) layers.

    Attributes:
        init_variance: v, with W ~ N(0, σ² n^v) entrywise.
        learning_rate: c, with SGD rate η n^c.
    """

    init_variance: Exponents
    learning_rate: Exponents

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
        self, role: Role, width: int, *, learning_rate: float = 1.0, reference_width: float = 1.0
    ) -> float:
        """SGD rate η (n/n0)^c of a layer."""
        power = self.learning_rate[ROLES.index(role)]
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


def canonical_name(name: str) -> str:
    """The table's spelling of a scheme's name; names that are not in the table stay as they are.

    >>> canonical_name("mup"), canonical_name("ntp"), canonical_name("mine")
    ('µP', 'NTP', 'mine')
    """
    key = name.casefold().replace("µ", "mu").replace("μ", "mu")
    spellings = {known.casefold().replace("μ", "mu"): known for known in SCHEMES}
    return spellings.get(key, name)
