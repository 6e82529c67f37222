r"""Numbers as readers see them: few digits, their uncertainty, and none below its resolution.

A number is written for one of two scripts: Unicode text (Markdown, HTML) or TeX's math mode.

>>> with_interval(0.03812, 0.03754, 0.03871)
'0.0381 [0.0375, 0.0387]'
>>> with_interval(8.41e-8, 8.1e-8, 8.77e-8)
'8.41 [8.10, 8.77] × 10⁻⁸'
>>> with_interval(float("nan"), float("nan"), 1.23e-14)
'< 1.2 × 10⁻¹⁴'
>>> with_interval(8.41e-8, 8.1e-8, 8.77e-8, tex=True)
'8.41\\,[8.10, 8.77]\\times 10^{-8}'
"""

import math

NOTHING = "–"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 3, *, tex: bool = False) -> str:
    """`digits` significant digits, with a power of ten outside 0.001 .. 99,999.

    >>> number(634.21), number(8.412e-8), number(0.0761), number(-0.5), number(0.0)
    ('634', '8.41 × 10⁻⁸', '0.0761', '−0.500', '0')
    """
    if not math.isfinite(value):
        return NOTHING
    power = _power(value, digits)
    return _fixed(value, power, digits, tex=tex) + _times(power, tex=tex)


def with_interval(value: float, low: float, high: float, *, tex: bool = False) -> str:
    """A value and its interval at one power of ten; "< end" where only the upper end is known."""
    space = r"\," if tex else " "
    if not math.isfinite(value):
        return f"<{space}{number(high, 2, tex=tex)}" if math.isfinite(high) else NOTHING
    if not (math.isfinite(low) and math.isfinite(high)):
        return number(value, tex=tex)
    power = _power(value, 3)
    # The ends get as many decimals as the value, so that the three can be compared at a glance.
    decimals = _decimals(value, power, 3)
    ends = ", ".join(_sign(f"{end / 10**power:.{decimals}f}", tex=tex) for end in (low, high))
    return f"{_fixed(value, power, 3, tex=tex)}{space}[{ends}]{_times(power, tex=tex)}"


def exponent(value: float, low: float, high: float, *, tex: bool = False) -> tuple[str, str]:
    """An exponent and its interval, two decimals each.

    >>> exponent(-0.4912, -0.52, -0.46)
    ('−0.49', '[−0.52, −0.46]')
    """
    if not math.isfinite(value):
        return NOTHING, ""
    texts = [_sign(f"{end:.2f}", tex=tex) for end in (value, low, high)]
    interval = f"[{texts[1]}, {texts[2]}]" if math.isfinite(low) and math.isfinite(high) else ""
    return texts[0], interval


def power(value: float, low: float, high: float) -> str:
    """An exponent and its interval as one text.

    >>> power(-0.4912, -0.52, -0.46), power(-0.5, math.nan, math.nan)
    ('−0.49 [−0.52, −0.46]', '−0.50')
    """
    return " ".join(exponent(value, low, high)).rstrip()


def plus_minus(value: float, low: float, high: float) -> str:
    """A fitted power of n with the larger half of its interval.

    >>> plus_minus(-0.4912, -0.52, -0.46)
    '−0.49 ± 0.03'
    """
    half = max(value - low, high - value)
    decimals = 2 if not math.isfinite(half) or half >= 0.005 else 3
    spread = f" ± {half:.{decimals}f}" if math.isfinite(half) else ""
    return _sign(f"{value:.{decimals}f}", tex=False) + spread


def _power(value: float, digits: int) -> int:
    """The power of ten that is written out, after rounding; 0 for numbers of everyday size."""
    if value == 0:
        return 0
    power = int(f"{value:.{digits - 1}e}".split("e")[1])
    return 0 if -4 < power < 5 else power


def _decimals(value: float, power: int, digits: int) -> int:
    if value == 0:
        return 0
    first = int(f"{value:.{digits - 1}e}".split("e")[1]) - power
    return max(0, digits - 1 - first)


def _fixed(value: float, power: int, digits: int, *, tex: bool) -> str:
    return _sign(f"{value / 10.0**power:.{_decimals(value, power, digits)}f}", tex=tex)


def _times(power: int, *, tex: bool) -> str:
    if power == 0:
        return ""
    return rf"\times 10^{{{power}}}" if tex else f" × 10{str(power).translate(_RAISED)}"


def _sign(text: str, *, tex: bool) -> str:
    """A real minus sign in text, and none before a zero."""
    if float(text) == 0:
        text = text.removeprefix("-")
    return text if tex else text.replace("-", "−")


def percent(share: float) -> str:
    """A share in whole percents, of which 0 and 100 mean none and all.

    >>> percent(0.504), percent(1.0), percent(0.9996), percent(0.001), percent(math.nan)
    ('50 %', '100 %', '> 99 %', '< 1 %', '–')
    """
    if not math.isfinite(share):
        return NOTHING
    whole = round(100 * share)
    if whole == 100 and share < 1:
        return "> 99 %"
    return "< 1 %" if whole == 0 and share > 0 else f"{whole} %"
