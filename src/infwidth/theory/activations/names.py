"""Assumption 4.3: which activations the paper calls GOOD, and which not."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Answer = Literal["yes", "no", "undetermined"]

# What the paper says of activations by name: whether they are GOOD.
PAPER: Mapping[str, bool] = MappingProxyType(
    {"tanh": True, "sigmoid": True, "silu": True, "relu": False}
)
WORDS: Mapping[bool, str] = MappingProxyType({True: "GOOD", False: "not GOOD"})
