"""A value with its interval: one tuple, whatever was estimated."""

import math
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd


class Estimate(NamedTuple):
    """A value with its 95 % interval over seeds, in the order in which `numbers` writes them.

    The ends are NaN with a single seed; the value, where only an upper bound is known; all three,
    where nothing is.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(
        cls,
        row: "pd.Series[Any] | Mapping[Hashable, Any]",
        name: str,
        ends: str | None = None,
    ) -> Self:
        """Read columns `name`, `ends`_low and `ends`_high; an exponent's ends are called ci."""
        ends = ends or {"exponent": "ci"}.get(name, name)
        return cls(*(float(row[column]) for column in (name, f"{ends}_low", f"{ends}_high")))

    def columns(self, name: str, ends: str | None = None) -> dict[str, float]:
        """The columns that `of` reads."""
        ends = ends or {"exponent": "ci"}.get(name, name)
        return {name: self.value, f"{ends}_low": self.low, f"{ends}_high": self.high}

    @property
    def exponential(self) -> "Estimate":
        """Of the exponential; infinite where that overflows: far apart, two seeds tell nothing."""
        with np.errstate(over="ignore"):
            return Estimate(*np.exp(self).tolist())


NOT_MEASURED = Estimate(math.nan, math.nan, math.nan)
