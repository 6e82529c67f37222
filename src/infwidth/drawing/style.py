"""One visual language for every figure: sizes, fonts, one look per scheme, axes and saving.

Sizes are those of a two-column conference page, so that text in a figure is 8 pt in print. Colours
are seaborn's colour-blind palette; a scheme is also told by its marker and its dashes.
"""

import logging
import math
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.style
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, LogLocator, NullFormatter, NullLocator

from infwidth.drawing.palette import reduced
from infwidth.drawing.stamps import STAMPED, Stamp

# It tells of every glyph in every PDF.
logging.getLogger("fontTools").setLevel(logging.WARNING)

COLUMN_WIDTH = 3.25
TEXT_WIDTH = 6.75
GREY = "0.35"

SETTINGS: Mapping[str, object] = {
    "font.family": ["STIXGeneral", "DejaVu Serif"],
    "mathtext.fontset": "stix",
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.title_fontsize": 7.5,
    "figure.titlesize": 9,
    "axes.linewidth": 0.6,
    "axes.titlepad": 6,
    "axes.labelpad": 2,
    "grid.linewidth": 0.4,
    "grid.color": "0.9",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "xtick.bottom": True,
    "ytick.left": True,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.6,
    "lines.markeredgewidth": 0.7,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "legend.columnspacing": 1.0,
    "legend.handletextpad": 0.5,
    "legend.labelspacing": 0.3,
    "figure.dpi": 96,
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,
    "svg.hashsalt": "infwidth",
}


@dataclass(frozen=True)
class Look:
    """How one scheme is drawn, in every figure."""

    color: str
    marker: str
    dashes: Literal["-"] | tuple[float, tuple[float, ...]]
    line: float = 1.2
    size: float = 3.6

    @property
    def drawn(self) -> dict[str, Any]:
        """Matplotlib's words for a line that looks like this."""
        return {
            "color": self.color,
            "linestyle": self.dashes,
            "linewidth": self.line,
            "marker": self.marker,
            "markersize": self.size,
            "markeredgecolor": "white",
            "markeredgewidth": 0.3,
        }


_BLUE, _ORANGE, _GREEN, _VERMILION, _PURPLE, _TAN, _PINK, _GREY, _YELLOW, _SKY = sns.color_palette(
    "colorblind"
).as_hex()
# Where SP, NTP and µP coincide, the later ones are drawn narrower, so that all three are seen.
KNOWN: Mapping[str, Look] = {
    "SP": Look(_BLUE, "o", "-", line=2.0, size=5.2),
    "NTP": Look(_SKY, "s", (0, (3, 0.7)), line=1.3, size=3.9),
    "IP": Look(_GREEN, "D", (0, (5, 1.2, 1, 1.2)), line=1.3, size=3.8),
    "µP": Look(_VERMILION, "^", "-", line=0.9, size=3.9),
}
# For schemes of the user's own, in the order of their appearance. The downward triangle and the
# cross are kept for values below resolution and for diverged runs.
SPARE: tuple[Look, ...] = (
    Look(_ORANGE, "P", (0, (1, 1))),
    Look(_PURPLE, "p", (0, (3, 1, 1, 1))),
    Look(_TAN, "h", (0, (6, 2))),
    Look(_GREY, "*", (0, (8, 1.5))),
    Look(_PINK, ">", (0, (2, 1))),
    Look("#000000", "<", (0, (1, 2))),
)


def looks(schemes: Iterable[str]) -> dict[str, Look]:
    """The look of each scheme, in the given order; after the spare ones are used up they repeat."""
    spare = [scheme for scheme in schemes if scheme not in KNOWN]
    own = {scheme: SPARE[place % len(SPARE)] for place, scheme in enumerate(spare)}
    return {scheme: KNOWN.get(scheme) or own[scheme] for scheme in schemes}


def applied() -> AbstractContextManager[None]:
    """A context in which matplotlib draws in this style and after which it is as before.

    What a reader's own matplotlibrc says takes no part in it.
    """
    settings: Any = {**sns.axes_style("whitegrid"), **SETTINGS}
    return mpl.style.context(settings, after_reset=True)


def width_ticks(widths: Iterable[int], most: int = 5) -> tuple[list[int], list[str]]:
    """At most `most` of the measured widths, evenly spread and with the largest, and their labels.

    Powers of two from 2^14 on are written as such, and then all are: 64, 1024, 4096 stay numbers.
    """
    measured = sorted(set(widths))
    stride = max(1, math.ceil((len(measured) - 1) / max(1, most - 1)))
    chosen = measured[::-1][::stride][::-1]
    if all(width & (width - 1) == 0 for width in chosen) and max(chosen, default=0) >= 2**14:
        return chosen, [f"$2^{{{width.bit_length() - 1}}}$" for width in chosen]
    return chosen, [f"{width}" for width in chosen]


def width_label(width: int) -> str:
    """A width in words of a title or legend, as on the axis: $n=64$, $n=2^{14}$."""
    return f"$n={width_ticks([width])[1][0].strip('$')}$"


def width_axis(ax: Axes, widths: Iterable[int], *, label: bool = True, most: int = 5) -> None:
    """A logarithmic axis whose ticks are measured widths."""
    measured = sorted(set(widths))
    ticks, labels = width_ticks(measured, most)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FixedFormatter(labels))
    ax.xaxis.set_minor_locator(FixedLocator([width for width in measured if width not in ticks]))
    ax.xaxis.set_minor_formatter(NullFormatter())
    if measured:
        ax.set_xlim(measured[0] / 1.25, measured[-1] * 1.25)
    if label:
        ax.set_xlabel("width $n$")


def step_ticks(last: int) -> list[int]:
    """Steps on an axis: 0, powers of ten, and the last if it is well apart.

    >>> step_ticks(200), step_ticks(1000)
    ([0, 1, 10, 100], [0, 1, 10, 100, 1000])
    >>> step_ticks(300)
    [0, 1, 10, 100, 300]
    """
    ticks = [0, *(10**power for power in range(len(str(max(last, 1)))))]
    return [*ticks, last] if last > 2.5 * ticks[-1] else ticks


def step_axis(ax: Axes, steps: Iterable[int], *, label: bool = True) -> None:
    """Training steps on a logarithmic axis with a linear stretch from 0 to 1."""
    last = max(steps, default=1)
    ax.set_xscale("symlog", linthresh=1, linscale=0.4)
    ticks = step_ticks(last)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FixedFormatter([str(tick) for tick in ticks]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(-0.15, max(last, 1) * 1.2)
    if label:
        ax.set_xlabel("training step $t$")


def value_axis(ax: Axes) -> None:
    """A logarithmic axis with few labelled decades, or plain numbers within less than two."""
    extents = [shared.dataLim for shared in ax.get_shared_y_axes().get_siblings(ax)]
    low = min(extent.minpos[1] for extent in extents)
    high = max(extent.y1 for extent in extents)
    if not 0 < low <= high < math.inf:  # nothing drawn
        ax.set_yticks([])
        return
    margin = max((high / low) ** 0.05, 1.1)
    low, high = low / margin, high * margin
    ax.set_ylim(low, high)
    ax.set_yscale("log")
    if high / low < 80:
        subs: tuple[float, ...] = (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)
        if high / low > 2.5:
            subs = (1, 2, 5) if high / low > 4 else (1, 1.5, 2, 3, 4, 5, 7)
        ticks = [
            sub * 10.0**power
            for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
            for sub in subs
            if low <= sub * 10.0**power <= high
        ]
        ax.yaxis.set_major_locator(FixedLocator(ticks))
        ax.yaxis.set_major_formatter(FixedFormatter([_tick_label(tick) for tick in ticks]))
    else:
        ax.yaxis.set_major_locator(LogLocator(numticks=7))
    ax.yaxis.set_minor_locator(NullLocator())


def _tick_label(value: float) -> str:
    if 1e-3 <= value < 1e5:
        return f"{float(f'{value:.3g}'):g}"
    power = math.floor(math.log10(value) + 1e-9)
    factor = f"{value / 10**power:.2g}"
    return f"$10^{{{power}}}$" if factor == "1" else rf"${factor}\times10^{{{power}}}$"


def save(figure: Figure, path: Path, *, config_sha256: str | None = None) -> None:
    """Write `path`.pdf and `path`.png (200 dpi, few colours), byte for byte the same on every run.

    Both files say what they show: see `infwidth.drawing.stamps`.

    Args:
        figure: what to write.
        path: where, without the suffix.
        config_sha256: digest of the configuration whose measurements the figure shows, as
            `infwidth.jobs.provenance.figures_digest` gives it.
    """
    stamp = Stamp.of(figure, config_sha256).text()
    dateless = {"CreationDate": None, "ModDate": None}
    with applied():
        figure.savefig(path.with_suffix(".pdf"), metadata={**dateless, STAMPED[".pdf"]: stamp})
        figure.set_layout_engine("none")  # the places of the panels are found once
        described = {"Software": None, STAMPED[".png"]: stamp}
        picture = BytesIO()
        figure.savefig(picture, format="png", dpi=200, metadata=described)
    path.with_suffix(".png").write_bytes(reduced(picture.getvalue()))
