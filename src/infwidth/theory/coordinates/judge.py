"""Whether the coordinates of a layer are independent draws of one law in the limit.

Coordinates of a layer are exchangeable at every width, so that two statements are one: the law of
one network's coordinates tends to a fixed law, and any few of its coordinates become independent
draws of it (Sznitman 1991). Both are asked. What is *not* to be expected is that fluctuations are
those of independent draws: correlations of order 1/n between n coordinates add to them at every
width. Thresholds are ours.
"""

import math
from collections.abc import Mapping
from typing import cast

import pandas as pd

from infwidth.measures.estimate import Estimate
from infwidth.numbers import number, power, with_interval
from infwidth.theory.coordinates.fall import extrapolated
from infwidth.theory.coordinates.names import MOMENTS
from infwidth.theory.finding import Finding, Origin, conjunction, verdict
from infwidth.theory.powers import SAMPLING, as_sampling, bent, fitted

# A correlation that stays as n grows is seen where its interval is no wider than this; under the
# other it is none.
CORRELATED, UNCORRELATED = 0.05, 0.01
# Coordinates whose scale is by more than this factor another at some width are compared by shape.
SAME_SCALE = 3.0
# Who says it of a scheme.
SOURCES: Mapping[str, tuple[str, Origin]] = {
    "µP": ("Coordinates Z of h_t^l", "follows"),
    "SP": ("Yang & Hu 2021", "here"),
    "NTP": ("Yang & Hu 2021", "here"),
}
FUNCTIONS = {1: "{0}(ξ)", 2: "{0}(ξ) {0}(ζ)"}


def findings(coordinates: pd.DataFrame, dependence: pd.DataFrame, _: pd.DataFrame) -> list[Finding]:
    """Of each scheme: whether laws meet, and whether coordinates become independent."""
    return [
        finding
        for scheme in dict.fromkeys(coordinates["scheme"])
        for finding in (
            _law(scheme, coordinates[coordinates["scheme"] == scheme]),
            _independent(scheme, dependence[dependence["scheme"] == scheme]),
        )
    ]


def ratios(table: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """The distance over what independent draws are expected at, and whether of shapes alone.

    Args:
        table: coordinates.csv, of one scheme.

    Returns:
        The table with a column `ratio`. Where coordinates tend to nothing, or are orders away from
        the reference's, all is in the scale, and shapes are compared.
    """
    off = table["scale"].apply(lambda scale: abs(math.log(scale)) if scale > 0 else math.inf)
    shape = bool(off.max() > math.log(SAME_SCALE))
    distance = table["shape_distance" if shape else "distance"]
    return table.assign(ratio=distance / table["expected_distance"]), shape


def _law(scheme: str, table: pd.DataFrame) -> Finding:
    rows, shape = ratios(table)
    powers, answers = {}, []
    for (step, kind), part in rows.groupby(["step", "kind"], sort=False):
        # Independent draws have the power 0 here, whatever the reference's own draws add.
        law = Estimate(*(end + SAMPLING for end in fitted(part, "ratio")))
        powers[f"{kind} at step {step}"] = law
        answers.append(None if bent(part, "ratio") else as_sampling(law))
    widest = rows[rows["width"] == rows["width"].max()].groupby(["step", "kind"])["ratio"].mean()
    known = {place: law for place, law in powers.items() if math.isfinite(law.value)}
    evidence = "too few widths to fit a power of n"
    if known:
        ends = [min, max]
        places = [end(known, key=lambda place: known[place].value) for end in ends]
        named = " to ".join(f"{power(*known[place])} ({place})" for place in dict.fromkeys(places))
        undecided = sum(answer is None for answer in answers)
        evidence = (
            f"powers of n from {named}; at n = {rows['width'].max()} the distance is "
            f"{number(widest.min(), 2)} to {number(widest.max(), 2)} times that of independent "
            f"draws; {undecided} of {len(answers)} laws do not decide"
        )
        if shape:
            evidence += "; each width scaled to the reference, since sizes differ by orders"
    source, origin = SOURCES.get(scheme, ("here", "here"))
    return Finding(
        source,
        f"{scheme}: the coordinates of h and x in the last hidden layer of one network tend to one "
        "law, at the start and after training, as n^-1/2",
        verdict(conjunction(answers)),
        evidence,
        origin,
    )


def _independent(scheme: str, table: pd.DataFrame) -> Finding:
    limits = {}
    for key, part in table.groupby(["step", "kind", "moment"], sort=False):
        step, kind, moment = cast(tuple[int, str, int], key)
        for column, pairs in (("correlation", "all pairs"), ("neighbours", "neighbours")):
            values = (part[name].to_numpy(float) for name in ("width", column, f"{column}_error"))
            place = f"{pairs}, {FUNCTIONS[moment].format(kind)}, step {step}"
            limits[place] = extrapolated(*values)
    known = {place: limit for place, limit in limits.items() if math.isfinite(limit.value)}
    evidence = "too few widths to extrapolate"
    if known:
        largest = max(known, key=lambda place: abs(known[place].value))
        kept = table[(table["moment"] == MOMENTS[-1]) & (table["step"] == table["step"].max())]
        kept = kept[(kept["width"] == kept["width"].max()) & (kept["kind"] == "h")]
        times = kept["correlation"].iloc[0] * kept["width"].iloc[0]
        widest = max(limit.high - limit.low for limit in known.values()) / 2
        evidence = (
            f"over networks the correlation of two coordinates extrapolates to "
            f"{with_interval(*known[largest])} ({largest}), the largest of {len(known)}; "
            f"one of {number(widest, 2)} that stays would have been seen; at n = "
            f"{table['width'].max()} it is {number(times, 2)} / n for "
            f"{FUNCTIONS[MOMENTS[-1]].format('h')} at the last step"
        )
    source, origin = SOURCES.get(scheme, ("here", "here"))
    return Finding(
        source,
        f"{scheme}: two coordinates of the last hidden layer of one network become independent as "
        "the width grows, at the start and after training",
        verdict(conjunction(_none(limit) for limit in limits.values())),
        evidence,
        origin,
    )


def _none(limit: Estimate) -> bool | None:
    """Whether an extrapolated correlation is none, or too small to matter."""
    size = max(-limit.low, limit.high)
    if size <= UNCORRELATED or limit.low <= 0 <= limit.high:
        return True if size <= CORRELATED else None
    return False if limit.low > UNCORRELATED or limit.high < -UNCORRELATED else None
