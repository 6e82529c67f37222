"""Differences over seeds, and rows that are compared: what judging and drawing share."""

import math

import numpy as np
import pandas as pd

from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.power_law import mean


def over_seeds(values: "pd.Series[float]") -> Estimate:
    """Mean and interval of a value for each seed; those of missing ones are left out."""
    known = np.asarray(values.dropna(), dtype=np.float64)
    return mean(known) if len(known) else NOT_MEASURED


def per_seed(rows: pd.DataFrame, column: str = "test_accuracy") -> "pd.Series[float]":
    """A column of rows, of which each seed has one."""
    return rows.set_index("seed")[column]


def said(value: Estimate) -> str:
    """Of accuracies, three decimals."""
    middle, *ends = (f"{each:+.3f}".replace("-", "−") for each in value)
    return f"{middle} [{ends[0]}, {ends[1]}]" if math.isfinite(value.low) else middle


def above(value: Estimate, *, least: float, most: float) -> bool | None:
    """Whether a value lies above `least`; not, if below `most`."""
    if value.low > least:
        return True
    return False if value.high < most else None


def leading(class_signal: pd.DataFrame) -> pd.DataFrame:
    """The rows of as many directions as classes, less one."""
    found: pd.DataFrame = class_signal[class_signal["directions"] == class_signal["classes"] - 1]
    return found


def whole(class_signal: pd.DataFrame) -> pd.DataFrame:
    """The rows of all directions, of one scheme and loss."""
    most = class_signal["directions"].groupby([class_signal["seed"], class_signal["step"]])
    found: pd.DataFrame = class_signal[class_signal["directions"] == most.transform("max")]
    return found


def trained(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last step."""
    last: pd.DataFrame = rows[rows["step"] == rows["step"].max()]
    return last


def started(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the first step."""
    first: pd.DataFrame = rows[rows["step"] == 0]
    return first
