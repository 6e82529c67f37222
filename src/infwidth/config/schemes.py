"""The key `schemes`: names, or a mapping that adds schemes of the user's own."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from infwidth.config.wording import nearest, show, unknown_name
from infwidth.schemes import ROLES, SCHEMES, Exponents, Scheme, built_in, canonical_name

NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
POWERS = ("init_variance", "learning_rate")
FIRST, FACTOR = "first_learning_rate", "first_factor"
OWN = "`schemes: {mine: {init_variance: [0, -1, -1], learning_rate: [0, -1, -1]}}`"


def read_schemes(value: Any, hidden_layers: int) -> tuple[dict[str, Scheme], list[str]]:
    """The schemes of an experiment, in the order given, and what is wrong with them.

    Args:
        value: the plain value of the key `schemes`.
        hidden_layers: L, which one of the built-in schemes depends on.

    Returns:
        name -> scheme, with the known names in their table's spelling, and the problems.
    """
    found: dict[str, Scheme] = {}
    folders: dict[str, str] = {}
    problems: list[str] = []
    known = built_in(hidden_layers)
    if not isinstance(value, list | dict) or not value:
        return found, [
            f"found {show(value)}; it must be a list of names, for example "
            f"`schemes: [{', '.join(SCHEMES)}]`, or a mapping, for example {OWN}"
        ]
    rows = value.items() if isinstance(value, dict) else [(name, None) for name in value]
    for given, row in rows:
        if not isinstance(given, str):
            problems.append(f"found the entry {show(given)}; a list of schemes holds their names")
            continue
        name = canonical_name(given)
        if name in found:
            problems.append(f"{show(given)} is {name}, which stands there already; keep one")
            continue
        other = folders.setdefault(_folder(name), name)
        if other != name:
            problems.append(
                f"{show(other)} and {show(name)} would share a folder on a disk that does not tell "
                "them apart; rename one"
            )
            continue
        scheme, wrong = _read_scheme(name, row, known)
        problems += wrong
        if scheme:
            found[name] = scheme
    return found, problems


def _folder(name: str) -> str:
    """Equal for names that a disk may take for one: whatever the case and the Unicode form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _read_scheme(
    name: str, row: Any, known: Mapping[str, Scheme]
) -> tuple[Scheme | None, list[str]]:
    if row is None:
        if name in known:
            return known[name], []
        return None, [f"{unknown_name('scheme', name, known)}. To add your own: {OWN}"]
    if name not in known and not NAME.fullmatch(name):
        return None, [f"the name {show(name)} must be 1 to 60 letters, digits, - and _"]
    if not isinstance(row, dict):
        return None, [f"{name} is {show(row)}; it must be a mapping, for example {OWN}"]
    keys = (*POWERS, FIRST, FACTOR)
    problems = [
        f"{name} has the unknown key {show(key)}; did you mean {nearest(key, keys)}?"
        for key in row
        if key not in keys
    ]
    # What may be left out may be null.
    row = {key: row[key] for key in row if key in POWERS or row[key] is not None}
    for power in (*POWERS, FIRST) if FIRST in row else POWERS:
        problems += _exponent_problems(name, power, row.get(power))
    problems += _factor_problems(name, row)
    if problems:
        return None, problems
    variances, rates = (_exponents(row[power]) for power in POWERS)
    first = _exponents(row[FIRST]) if FIRST in row else None
    scheme = Scheme(variances, rates, first, float(row.get(FACTOR, 1)))
    if name in known and scheme != known[name]:
        return None, [
            f"{name} is built in and has other exponents; choose another name for yours, "
            f"or write `{name}: null` for the built-in one"
        ]
    return known.get(name, scheme), []


def _factor_problems(name: str, row: Mapping[str, Any]) -> list[str]:
    if FACTOR not in row:
        return []
    if FIRST not in row:
        return [f"{name} has {FACTOR} without {FIRST}; add the powers of its first step"]
    factor = row[FACTOR]
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not factor > 0:
        remedy = f"it needs a number above 0, for example `{FACTOR}: 16`"
        return [f"{FACTOR} of {name} is {show(factor)}; {remedy}"]
    return []


def _exponents(powers: list[int | float]) -> Exponents:
    first, hidden, last = powers
    return float(first), float(hidden), float(last)


def _exponent_problems(name: str, power: str, exponents: Any) -> list[str]:
    remedy = f"it needs three exponents ({', '.join(ROLES)}), for example `{power}: [0, -1, -1]`"
    if exponents is None:
        return [f"{name} lacks {power}; {remedy}"]
    if not isinstance(exponents, list):
        return [f"{power} of {name} is {show(exponents)}; {remedy}"]
    wrong = [
        exponent
        for exponent in exponents
        if isinstance(exponent, bool) or not isinstance(exponent, int | float)
    ]
    if wrong:
        return [f"{power} of {name} holds {show(wrong[0])}, which is no number; {remedy}"]
    if len(exponents) != len(ROLES):
        return [f"{power} of {name} has {len(exponents)} exponents; {remedy}"]
    return []
