"""Covariance preservation: which way a product goes, W_0 δx or W_0ᵀ dh."""

from typing import Literal

Direction = Literal["forward", "backward"]
DIRECTIONS: tuple[Direction, Direction] = ("forward", "backward")
