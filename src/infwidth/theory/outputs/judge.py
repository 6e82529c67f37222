"""How far outputs of finite networks are from those of the n = ∞ network, and when that is little.

The paper names nothing on finite width as a limitation of its theory; all here is ours.
"""

import math
from typing import cast

import numpy as np
import pandas as pd

from infwidth.measures.estimate import Estimate
from infwidth.numbers import number, power, with_interval
from infwidth.theory.coordinates.fall import extrapolated, offset_power, width_for
from infwidth.theory.finding import Finding, conjunction, verdict
from infwidth.theory.powers import SAMPLING, as_sampling, bent, falls, fitted

# Parts of a label's length that a network is wide enough for.
SIZES = {"10 %": 0.1, "1 %": 0.01}
# A spread that agrees with the limit's has an interval that holds 1 and is no longer than this on
# either side; one that disagrees lies further off than the other.
AGREES, DISAGREES = 0.3, 0.1
# Powers of differences are fitted over so many of the largest widths: narrower networks, of hardly
# more units than inputs, bend them.
WIDEST = 4
FEW = "too few widths to fit a power of n"


def findings(outputs: pd.DataFrame, offsets: pd.DataFrame) -> list[Finding]:
    """Of each scheme, on test images."""
    found = []
    for scheme in dict.fromkeys(outputs["scheme"]):
        every = offsets[offsets["scheme"] == scheme]
        own, common = (
            table[(table["scheme"] == scheme) & (table["inputs"] == "test")]
            for table in (outputs, offsets)
        )
        linear = bool(np.isinf(common["limit_width"]).all())
        found += [
            _spread(scheme, common) if linear else _start(scheme, own),
            _fluctuation(scheme, own),
            _offset(scheme, every),
            _wide_enough(scheme, own, common),
        ]
    return found


def widest(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the `WIDEST` largest widths."""
    return table[table["width"].isin(sorted(set(table["width"]))[-WIDEST:])]


def offset_law(offsets: pd.DataFrame) -> Estimate:
    """The power of the offset, of offsets.csv for one scheme, step and kind of input."""
    names = ("width", "offset_square", "offset_error")
    widths, squares, errors = (offsets[name].to_numpy(float) for name in names)
    return offset_power(widths, squares, errors, float(offsets["limit_width"].max()))


def enough(outputs: pd.DataFrame, offsets: pd.DataFrame, size: float) -> Estimate | None:
    """The width at which the root mean square difference falls to a part of a label's length.

    Args:
        outputs: outputs.csv of one scheme, step and kind of input.
        offsets: offsets.csv of the same.
        size: the part.

    Returns:
        None where no single power describes the difference, or where what networks have in common
        does not fall: wide networks then do not stand for n = ∞.
    """
    outputs = widest(outputs)
    arrived = (
        bool(np.isinf(offsets["limit_width"]).all()) or falls(offset_law(offsets)) is not False
    )
    if bent(outputs, "difference") or not arrived:
        return None
    positive = outputs[outputs["difference"] > 0]
    logs = np.log(positive["difference"]).groupby(positive["width"]).mean()
    squares = offsets.set_index("width")["difference_square"].reindex(logs.index)
    above = float((np.log(squares) / 2 - logs).mean())
    return width_for(outputs, "difference", size, above)


def width_text(width: Estimate) -> str:
    """A width with its interval, two digits each."""
    if not math.isfinite(width.value):
        return "no width"
    middle, low, high = (
        number(float(f"{end:.1e}"), 2) if math.isfinite(end) else "∞" for end in width
    )
    return f"{middle} [{low}, {high}]"


def _steps(table: pd.DataFrame) -> list[int]:
    """After the start."""
    return sorted({int(step) for step in table["step"]} - {0})


def _fluctuation(scheme: str, outputs: pd.DataFrame) -> Finding:
    laws, answers = {}, []
    for step in _steps(outputs):
        rows = widest(outputs[(outputs["step"] == step) & (outputs["fluctuation"] > 0)])
        laws[step] = fitted(rows, "fluctuation")
        answers.append(None if bent(rows, "fluctuation") else as_sampling(laws[step]))
    return Finding(
        "here",
        f"{scheme}: what is random in the distance of outputs from their n = ∞ values falls as "
        "n^-1/2 or faster",
        verdict(conjunction(answers)),
        _powers(laws, answers),
    )


def _powers(laws: dict[int, Estimate], answers: list[bool | None]) -> str:
    texts = [
        (power(*law) if math.isfinite(law.value) else "too few widths")
        + (", which does not decide" if answer is None else "")
        + f" at step {step}"
        for (step, law), answer in zip(laws.items(), answers, strict=True)
    ]
    return f"powers of n: {'; '.join(texts)}" if texts else FEW


def _offset(scheme: str, offsets: pd.DataFrame) -> Finding:
    """Where it is under its noise, it cannot be told how it falls, and nothing contradicts."""
    laws = {
        cast(tuple[int, str], place): (offset_law(rows), rows.sort_values("width").iloc[0])
        for place, rows in offsets[offsets["step"] > 0].groupby(["step", "inputs"])
    }
    known = {place: law for place, law in laws.items() if math.isfinite(law[0].value)}
    texts = [
        f"{power(*law)} on {inputs} images at step {step} (from "
        f"{number(math.sqrt(max(first['offset_square'], 0)), 2)} at n = {first['width']})"
        for (step, inputs), (law, first) in known.items()
    ]
    noise = f"{len(laws) - len(known)} of {len(laws)} are told from noise at fewer than two widths"
    answers = {place: _faster(law) for place, (law, _) in known.items()}
    by_step = {
        step: {answers[other] for other in answers if other[0] == step} for step, _ in answers
    }
    differs = {True} in by_step.values() and {False} in by_step.values()
    return Finding(
        "here",
        f"{scheme}: what all networks have in common in that distance falls faster than n^-1/2; "
        "n^-1 is expected",
        "depends" if differs else verdict(conjunction(answers.values())),
        f"powers of n: {'; '.join(texts)}; {noise}" if texts else noise,
        depends_on="the training step" if differs else "",
    )


def _faster(law: Estimate) -> bool | None:
    if law.high < SAMPLING:
        return True
    return False if law.low > SAMPLING else None


def _spread(scheme: str, offsets: pd.DataFrame) -> Finding:
    """The variance over networks against that of the linear equation from a Gaussian process."""
    limits = {}
    for step, rows in offsets.groupby("step"):
        limit = rows["limit_spread_square"].to_numpy(float)
        values = (rows[name].to_numpy(float) / limit for name in ("spread_square", "spread_error"))
        limits[step] = extrapolated(rows["width"].to_numpy(float), *values)
    texts = [
        f"{with_interval(*limit)} at step {step}"
        for step, limit in limits.items()
        if math.isfinite(limit.value)
    ]
    return Finding(
        "here",
        f"{scheme}: outputs stay random at n = ∞, with the variance of the linear equation from "
        "Gaussian initial outputs",
        verdict(conjunction(_one(limit) for limit in limits.values())),
        f"the variance over networks, over that of the limit, extrapolates to {', '.join(texts)}"
        if texts
        else FEW,
    )


def _one(limit: Estimate) -> bool | None:
    if limit.low <= 1 <= limit.high:
        return True if max(1 - limit.low, limit.high - 1) <= AGREES else None
    return False if abs(limit.value - 1) > DISAGREES else None


def _start(scheme: str, outputs: pd.DataFrame) -> Finding:
    law = fitted(outputs[(outputs["step"] == 0) & (outputs["fluctuation"] > 0)], "fluctuation")
    return Finding(
        "here",
        f"{scheme}: initial outputs vanish as the width grows, so that outputs at n = ∞ are the "
        "same for all networks",
        verdict(falls(law)),
        f"their root mean square goes by the power {power(*law)} of n"
        if math.isfinite(law.value)
        else FEW,
    )


def _wide_enough(scheme: str, outputs: pd.DataFrame, offsets: pd.DataFrame) -> Finding:
    texts: list[str] = []
    answers: list[bool | None] = []
    for step in _steps(outputs):
        own, common = (table[table["step"] == step] for table in (outputs, offsets))
        widths = {name: enough(own, common, size) for name, size in SIZES.items()}
        if None in widths.values():
            answers.append(None)
            means = common.sort_values("width")["difference_square"] ** 0.5
            texts.append(
                f"at step {step} no power of n tells it, from {number(means.iloc[0], 2)} at "
                f"n = {common['width'].min()} to {number(means.iloc[-1], 2)} at n = "
                f"{common['width'].max()}"
            )
            continue
        known = {name: width for name, width in widths.items() if width is not None}
        answers.append(conjunction(_finite(width) for width in known.values()))
        told = ", ".join(f"{name} at n = {width_text(width)}" for name, width in known.items())
        texts.append(f"at step {step} it is {told}")
    return Finding(
        "here",
        f"{scheme}: a finite width is enough: on test images the root mean square distance of "
        "outputs from their n = ∞ values falls under 10 % and 1 % of a label",
        verdict(conjunction(answers)),
        "; ".join(texts) or FEW,
    )


def _finite(width: Estimate) -> bool | None:
    return True if math.isfinite(width.value) and math.isfinite(width.high) else None
