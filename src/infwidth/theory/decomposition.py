"""The parts that a pre-activation moves by.

With W_t = W_0 + (W_t - W_0) and x_t = x_0 + δx_t, and W_0 δx_t in its Gaussian and its Onsager part
(see `infwidth.theory.innovations`), the pre-activations of hidden layer l ≥ 2 are

    h_t = W_0 x_0 + Ẑ^{W_0 δx_t} + Ż^{W_0 δx_t} + (W_t - W_0) x_t,

so that δh_t = h_t - h_0 has three parts: `gaussian` and `onsager`, by which the layer passes on its
input's movement, and `learned`, by which its own weights move. The first layer has a single part,
(W_t - W_0) ξ. The paper's proof works with these parts; how large they are, and how the movement is
shared among them, is measured here. Under µP each should be of order one beside h_0; under SP and
NTP all should vanish, as the movement does.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from infwidth.theory.finding import Finding, conjunction, negation, verdict
from infwidth.theory.innovations import Array, Observation
from infwidth.theory.powers import WidthLaw

PARTS = ("gaussian", "onsager", "learned")
COLUMNS = ("scheme", "width", "seed", "step", "layer", "part", "size", "share")
NAMES = {
    "gaussian": "Gaussian part Ẑ of W_0 δx",
    "onsager": "Onsager part Ż of W_0 δx",
    "learned": "learned part (W_t - W_0) x_t",
}
# A part whose share is above this carries movement: an equal share would be a third.
CARRIES = 0.1
# What the schemes' exponents let one expect. Under IP, W_0's entries of order 1/n act on movements
# of order one by n^-1/2 only: the initial weights drop out.
EXPECTED: Mapping[str, str] = {
    "SP": "all vanish",
    "NTP": "all vanish",
    "IP": "learned alone",
    "µP": "all of order one",
}


def decomposition_table(scheme: str, observations: Iterable[Observation]) -> pd.DataFrame:
    """Sizes of the parts of δh_t and their shares in it.

    Args:
        scheme: its name.
        observations: trainings of any widths and seeds.

    Returns:
        Columns `COLUMNS`: one row per training, step > 0 looked at, hidden layer and part.
        `size` is ‖part‖_F / ‖h_0‖_F over units and inputs; `share` is <part, δh_t> / ‖δh_t‖²,
        which may be negative; the shares of a layer's parts add up to 1.
    """
    rows = [(scheme, seen.width, seen.seed, *row) for seen in observations for row in _parts(seen)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _parts(seen: Observation) -> Iterator[tuple[int, int, str, float, float]]:
    """Step, layer, part, size and share."""
    for step, changes in seen.changes.items():
        if step == 0:
            continue
        for layer, (initial, change) in enumerate(zip(seen.initial, changes, strict=True), 1):
            for name, part in _parts_of(seen, step, layer, change).items():
                size = float(np.linalg.norm(part) / np.linalg.norm(initial))
                yield step, layer, name, size, share(part, change)


def _parts_of(seen: Observation, step: int, layer: int, change: Array) -> dict[str, Array]:
    if layer == 1:
        return {"learned": change}
    snapshot = seen.snapshots[step, layer]
    return {
        "gaussian": snapshot.forward.gaussian,
        "onsager": snapshot.onsager,
        "learned": snapshot.learned,
    }


def share(part: Array, change: Array) -> float:
    """<part, δh> / ‖δh‖², of arrays of one shape; NaN where nothing moved."""
    square = float(np.vdot(change, change))
    return float(np.vdot(part, change)) / square if square > 0 else np.nan


def findings(table: pd.DataFrame) -> list[Finding]:
    """What the parts at the last step come to; schemes of one's own have no expectations."""
    last = table[table["step"] == table["step"].max()]
    found = []
    for scheme in dict.fromkeys(table["scheme"]):
        if scheme in EXPECTED:
            own = last[last["scheme"] == scheme]
            found += [_size_finding(scheme, part, own) for part in PARTS]
            found += [_share_finding(scheme, own)]
    return found


def _size_finding(scheme: str, part: str, table: pd.DataFrame) -> Finding:
    """How the size of one part depends on the width, in every layer."""
    expected = EXPECTED[scheme]
    rows = table[table["part"] == part]
    if expected == "learned alone" and part != "learned":
        claim, value = "vanishes beside the learned part", "ratio"
        keys = ["width", "seed", "layer"]
        learned = table[table["part"] == "learned"].set_index(keys)["size"].rename("learned")
        rows = rows.join(learned, on=keys)
        rows = rows.assign(ratio=rows["size"] / rows["learned"])
        measure = "‖part‖ / ‖(W_t - W_0) x_t‖"
    else:
        value, measure = "size", "‖part‖ / ‖h_0‖"
        claim = {
            "all of order one": "stays of order one beside h_0",
            "all vanish": "vanishes beside h_0",
            "learned alone": "does not vanish beside h_0",
        }[expected]
    laws = {
        layer: WidthLaw.of(rows[rows["layer"] == layer], value)
        for layer in sorted({int(layer) for layer in rows["layer"]})
    }
    numbers = "; ".join(f"{law} in layer {layer}" for layer, law in laws.items())
    return Finding(
        source="here",
        statement=(
            f"{scheme}: at the last step the {NAMES[part]} {claim} as the width grows, "
            "in every hidden layer"
        ),
        verdict=verdict(conjunction(_as_claimed(law, claim) for law in laws.values())),
        evidence=f"{measure} {numbers}",
    )


def _as_claimed(law: WidthLaw, claim: str) -> bool | None:
    if claim.startswith("stays"):
        return law.stays
    return law.vanishes if claim.startswith("vanishes") else negation(law.vanishes)


def _share_finding(scheme: str, table: pd.DataFrame) -> Finding:
    """Which parts carry the last hidden layer's movement, at the largest width."""
    widest = table[table["width"] == table["width"].max()]
    deepest = widest[widest["layer"] == widest["layer"].max()]
    shares = {part: deepest.loc[deepest["part"] == part, "share"].dropna() for part in PARTS}
    carriers = ("learned",) if EXPECTED[scheme] == "learned alone" else PARTS
    numbers = ", ".join(
        f"{part} {values.mean():.2f} ({values.min():.2f} to {values.max():.2f})"
        for part, values in shares.items()
    )
    what = "its learned part alone carries" if len(carriers) == 1 else "all three parts carry"
    return Finding(
        source="here",
        statement=(
            f"{scheme}: at the last step and the largest width, {what} the movement of the "
            f"last hidden layer, with a share above {CARRIES}"
        ),
        verdict=verdict(
            conjunction(_carries(shares[part], expected=part in carriers) for part in PARTS)
        ),
        evidence=f"shares <part, δh> / ‖δh‖², mean and range over seeds: {numbers}",
    )


def _carries(shares: "pd.Series[float]", *, expected: bool) -> bool | None:
    """Whether a part carries movement in every seed, or, if not `expected`, in none."""
    if shares.empty:
        return None
    above = (shares > CARRIES) == expected
    if above.all():
        return True
    return None if above.any() else False
