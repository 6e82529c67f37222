"""What is claimed, cell by cell, and which verdicts agree with it.

The words are those of a published summary of the paper, whose own text was not at hand. The summary
has four schemes in three columns, which is called Table 1 here: the paper's own number is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

# Of a quantity whose exponent alone is judged.
FALLS = "decreases with width"
STABLE = "stable across widths"
GROWS = "increases with width"


@dataclass(frozen=True)
class Claim:
    """A cell of Table 1.

    Attributes:
        words: of the summary.
        agreeing: the verdicts of Table 1 that agree with them.
        width: what they say of growing widths, if they say something.
        by_exponent: the verdicts that agree with them where an exponent alone is judged.
    """

    words: str
    agreeing: frozenset[str]
    width: Literal["stable", "falls"] | None = None
    by_exponent: frozenset[str] = frozenset()

    @property
    def by_any_rule(self) -> frozenset[str]:
        """The verdicts that agree with them, by whichever rules of `trends`."""
        return self.agreeing | self.by_exponent


def _claim(
    words: str,
    *agreeing: str,
    width: Literal["stable", "falls"] | None = None,
    by_exponent: tuple[str, ...] = (),
) -> Claim:
    return Claim(words, frozenset(agreeing), width, frozenset(by_exponent))


_SMALL = _claim("small, close to initialisation", "small", by_exponent=(FALLS,))
_RICH = _claim("rich", "rich", width="stable")
_DECREASES = _claim("decreases with width", FALLS, width="falls")

# Chen et al. 2025, as summarised. Of IP it says "large", not how it depends on the width.
CLAIMS: Mapping[str, Mapping[str, Claim]] = MappingProxyType(
    {
        "SP": {
            "feature_variation": _SMALL,
            "feature_diversity": _RICH,
            "space_time": _DECREASES,
        },
        "NTP": {
            "feature_variation": _SMALL,
            "feature_diversity": _RICH,
            "space_time": _DECREASES,
        },
        "IP": {
            "feature_variation": _claim(
                "large", "large", "large and stable", by_exponent=(STABLE, GROWS)
            ),
            "feature_diversity": _claim("low (feature collapse)", "collapsed"),
            "space_time": _DECREASES,
        },
        "µP": {
            "feature_variation": _claim(
                "large and stable", "large and stable", width="stable", by_exponent=(STABLE,)
            ),
            "feature_diversity": _RICH,
            "space_time": _claim("stable across widths", STABLE, width="stable"),
        },
    }
)


def claim_on(scheme: str, column: str | None) -> Claim | None:
    """What is claimed of a scheme in a column of Table 1, if something is."""
    return None if column is None else CLAIMS.get(scheme, {}).get(column)
