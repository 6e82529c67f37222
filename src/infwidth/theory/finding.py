"""What the checks come to: a statement of the theory, a verdict, the numbers it rests on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["verified", "depends", "undetermined", "refuted"]
# Who says so: the paper in as many words; what it says implies it; or we do.
Origin = Literal["paper", "follows", "here"]


@dataclass(frozen=True)
class Finding:
    """One statement beside what was computed.

    Attributes:
        source: where the statement comes from, such as "Theorem 4.5", or "here" for one of ours.
        statement: the statement, a clause.
        verdict: computed; "undetermined" where the numbers do not decide, "depends" where they
            decide one way here and another way there.
        evidence: the numbers that decided, a sentence without its full stop.
        origin: who says so. What Table 1 says is counted there, so that what the checks say of it
            "follows".
        depends_on: on what it depends, in words; empty for other verdicts.
    """

    source: str
    statement: str
    verdict: Verdict
    evidence: str
    origin: Origin = "here"
    depends_on: str = ""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if (self.verdict == "depends") != bool(self.depends_on):
            raise ValueError(f"{self.verdict} with depends_on {self.depends_on!r}")
        if self.source == "here" != self.origin:
            raise ValueError(f"a statement of ours with origin {self.origin}")


def verdict(holds: bool | None) -> Verdict:
    """The word for a truth value; None is undetermined.

    >>> verdict(True), verdict(None)
    ('verified', 'undetermined')
    """
    if holds is None:
        return "undetermined"
    return "verified" if holds else "refuted"


def conjunction(parts: Iterable[bool | None]) -> bool | None:
    """All of them: not, if one is not; None if none is not and one is undetermined.

    >>> conjunction([True, None]), conjunction([None, False]), conjunction([])
    (None, False, None)
    """
    known = list(parts)
    if False in known:
        return False
    return None if None in known or not known else True


def joint(answers: Iterable[bool | None]) -> Verdict:
    """Of a statement that is asked in several cases: it depends, where it holds in some alone.

    >>> joint([True, None, False]), joint([True, None]), joint([True])
    ('depends', 'undetermined', 'verified')
    """
    known = list(answers)
    return "depends" if {True, False} <= set(known) else verdict(conjunction(known))


def negation(answer: bool | None) -> bool | None:
    """The opposite; of what is undetermined, nothing.

    >>> negation(True), negation(None)
    (False, None)
    """
    return None if answer is None else not answer
