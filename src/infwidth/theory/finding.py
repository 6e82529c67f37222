"""What the checks come to: a statement of the theory, a verdict, the numbers it rests on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["holds", "fails", "undetermined"]


@dataclass(frozen=True)
class Finding:
    """One statement beside what was computed.

    Attributes:
        source: where the statement comes from, such as "Theorem 4.5", or "here" for one of ours.
        statement: the statement, a clause that the verdict completes: "... holds".
        verdict: computed; "undetermined" where the numbers do not decide.
        evidence: the numbers that decided, a sentence without its full stop.
    """

    source: str
    statement: str
    verdict: Verdict
    evidence: str


def verdict(holds: bool | None) -> Verdict:
    """The word for a truth value; None is undetermined.

    >>> verdict(True), verdict(None)
    ('holds', 'undetermined')
    """
    if holds is None:
        return "undetermined"
    return "holds" if holds else "fails"


def conjunction(parts: Iterable[bool | None]) -> bool | None:
    """All of them: not, if one is not; None if none is not and one is undetermined.

    >>> conjunction([True, None]), conjunction([None, False]), conjunction([])
    (None, False, None)
    """
    known = list(parts)
    if False in known:
        return False
    return None if None in known or not known else True


def negation(answer: bool | None) -> bool | None:
    """The opposite; of what is undetermined, nothing.

    >>> negation(True), negation(None)
    (False, None)
    """
    return None if answer is None else not answer
