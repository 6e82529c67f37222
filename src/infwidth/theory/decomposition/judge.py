"""The parts that a pre-activation moves by: which stay, which vanish, and which carry it.

Under µP each should be of order one beside h_0; under SP and NTP all should vanish, as the movement
does.
"""

from collections.abc import Mapping

import pandas as pd

from infwidth.theory.finding import Finding, conjunction, negation, verdict
from infwidth.theory.powers import WidthLaw

PARTS = ("gaussian", "onsager", "learned")
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
