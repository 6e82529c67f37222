"""What the checks come to: a statement of the theory, a verdict, the numbers it rests on."""

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
