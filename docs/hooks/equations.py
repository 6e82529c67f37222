"""Equations from TeX to MathML, which browsers show by themselves: no script, no font to load."""

import html
import re

from latex2mathml.converter import convert

# What pymdownx.arithmatex leaves of $...$ and $$...$$.
EQUATION = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\s*\\[(\[](?P<tex>.*?)\\[)\]]\s*</(?P=tag)>', re.DOTALL
)


def rendered(page: str) -> str:
    r"""A page of HTML with its equations in MathML.

    >>> rendered('<span class="arithmatex">\\(n\\)</span>')[:6]
    '<math '
    """
    return EQUATION.sub(_mathml, page)


def _mathml(equation: re.Match[str]) -> str:
    display = "block" if equation["tag"] == "div" else "inline"
    return convert(html.unescape(equation["tex"]).strip(), display=display)
