"""What the paper's Table 1 says, as summarised, and which verdicts agree with it, cell by cell.

The words are those of published summaries of the paper, whose own text was not at hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class Claim:
    """A cell of the paper's Table 1.

    Attributes:
        words: the paper's, as summarised.
        agreeing: the verdicts that agree with them.
        width: what they say of growing widths, if they say something.
    """

    words: str
    agreeing: frozenset[str]
    width: Literal["stable", "falls"] | None = None


def _claim(words: str, *agreeing: str, width: Literal["stable", "falls"] | None = None) -> Claim:
    return Claim(words, frozenset(agreeing), width)


_SMALL = _claim("small, close to initialisation", "small")
_RICH = _claim("rich", "rich", width="stable")
_DECREASES = _claim("decreases with width", "decreases with width", width="falls")

# Chen et al. 2025, Table 1, as summarised. Of IP it says "large", not how it depends on the width.
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
            "feature_variation": _claim("large", "large", "large and stable"),
            "feature_diversity": _claim("low, features collapse", "collapsed"),
            "space_time": _DECREASES,
        },
        "µP": {
            "feature_variation": _claim("large and stable", "large and stable", width="stable"),
            "feature_diversity": _RICH,
            "space_time": _claim("stable across widths", "stable across widths", width="stable"),
        },
    }
)


def claim_on(scheme: str, column: str | None) -> Claim | None:
    """What the paper says of a scheme in a column of its Table 1, if it says something."""
    return None if column is None else CLAIMS.get(scheme, {}).get(column)
