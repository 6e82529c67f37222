"""The two plots of the page as Vega specifications: against the width, and in time.

The page's script fills the data sets and sets the signals; a specification says how they look.
"""

from collections.abc import Mapping
from typing import Any, Literal

Axis = Literal["width", "step"]
_SCALES: Mapping[Axis, Mapping[str, Any]] = {
    "width": {"type": "log", "base": 2},
    # Linear from 0 to 1, logarithmic beyond, as in the figures.
    "step": {"type": "symlog", "constant": 1},
}
_SIGNALS: Mapping[str, Any] = {
    "x": [1, 2],
    "y": [1, 2],
    "xTicks": [],
    "xLabels": {},
    "yTicks": [],
    "yLabels": {},
    "title": "",
    "at": None,
}
FONT = "system-ui, sans-serif"
TEXT, GREY, GRID = "#333", "#555", "#e8e8e8"


def plot(axis: Axis) -> dict[str, Any]:
    """The Vega specification of one plot.

    Data sets: `points` (x, mean, low, high, limit, scheme and its look), `powers` (x, y, x2, y2),
    `lost` (x, color, row). Signals: `x`, `y` (domains), `xTicks`, `xLabels`, `yTicks`, `yLabels`,
    `title`, `at` (the place that is looked at, or null), `width`, `height`.
    """
    return {
        "$schema": "https://vega.github.io/schema/vega/v6.json",
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 4, "right": 10, "top": 8, "bottom": 4},
        "signals": [{"name": name, "value": value} for name, value in _SIGNALS.items()],
        "data": [{"name": name, "values": []} for name in ("points", "powers", "lost")],
        "scales": [
            {"name": "x", "domain": {"signal": "x"}, "range": "width", **_SCALES[axis]},
            {"name": "y", "domain": {"signal": "y"}, "range": "height", "type": "log"},
        ],
        "axes": [_axis("x", "bottom"), _axis("y", "left")],
        "marks": [_looked_at(), _bands(), _lines(), _powers(), _points(), _limits(), _lost()],
    }


def _axis(scale: str, orient: str) -> dict[str, Any]:
    return {
        "scale": scale,
        "orient": orient,
        "title": {"signal": "title"} if scale == "x" else None,
        "values": {"signal": f"{scale}Ticks"},
        "grid": True,
        "gridColor": GRID,
        "domainColor": GREY,
        "tickColor": GREY,
        "tickSize": 4,
        "labelColor": TEXT,
        "titleColor": TEXT,
        "labelFont": FONT,
        "titleFont": FONT,
        "labelFontSize": 12,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "labelOverlap": True,
        "encode": {"labels": {"update": {"text": {"signal": f"{scale}Labels[datum.value]"}}}},
    }


def _looked_at() -> dict[str, Any]:
    """A line down the panel at the place whose values are shown."""
    return {
        "type": "rule",
        "encode": {
            "update": {
                "x": {"signal": "at === null ? 0 : scale('x', at)"},
                "y": {"value": 0},
                "y2": {"signal": "height"},
                "stroke": {"value": "#999"},
                "opacity": {"signal": "at === null ? 0 : 1"},
            }
        },
    }


def _by_scheme(name: str, mark: dict[str, Any]) -> dict[str, Any]:
    """One mark for the points of each scheme."""
    facet = {"facet": {"name": name, "data": "points", "groupby": "scheme"}}
    return {"type": "group", "from": facet, "marks": [mark | {"from": {"data": name}}]}


# A gap stays where a value is only an upper limit.
_DEFINED = {"signal": "!datum.limit"}


def _bands() -> dict[str, Any]:
    area = {
        "type": "area",
        "encode": {
            "update": {
                "x": {"scale": "x", "field": "x"},
                "y": {"scale": "y", "field": "low"},
                "y2": {"scale": "y", "field": "high"},
                "fill": {"field": "color"},
                "fillOpacity": {"value": 0.18},
                "defined": _DEFINED,
            }
        },
    }
    return _by_scheme("bands", area)


def _lines() -> dict[str, Any]:
    line = {
        "type": "line",
        "encode": {
            "update": {
                "x": {"scale": "x", "field": "x"},
                "y": {"scale": "y", "field": "mean"},
                "stroke": {"field": "color"},
                "strokeWidth": {"field": "line"},
                "strokeDash": {"field": "dashes"},
                "defined": _DEFINED,
            }
        },
    }
    return _by_scheme("lines", line)


def _powers() -> dict[str, Any]:
    return {
        "type": "rule",
        "from": {"data": "powers"},
        "encode": {
            "update": {
                "x": {"scale": "x", "field": "x"},
                "y": {"scale": "y", "field": "y"},
                "x2": {"scale": "x", "field": "x2"},
                "y2": {"scale": "y", "field": "y2"},
                "stroke": {"value": "black"},
                "strokeWidth": {"value": 1.3},
                "strokeDash": {"value": [1.3, 2.6]},
            }
        },
    }


def _points() -> dict[str, Any]:
    return _symbols(
        "!datum.limit",
        {
            "shape": {"field": "shape"},
            "size": {"signal": "pow(datum.size * (datum.x === at ? 1.5 : 1), 2)"},
            "fill": {"field": "color"},
            "stroke": {"value": "white"},
            "strokeWidth": {"value": 0.6},
        },
    )


def _limits() -> dict[str, Any]:
    return _symbols(
        "datum.limit",
        {
            "shape": {"value": "triangle-down"},
            "size": {"signal": "datum.x === at ? 130 : 70"},
            "fill": {"value": "transparent"},
            "stroke": {"field": "color"},
            "strokeWidth": {"value": 1.4},
        },
    )


def _symbols(shown: str, look: dict[str, Any]) -> dict[str, Any]:
    place = {"x": {"scale": "x", "field": "x"}, "y": {"scale": "y", "field": "mean"}}
    return {
        "type": "symbol",
        "from": {"data": "points"},
        "encode": {
            "update": {**place, **look, "opacity": {"signal": f"{shown} ? 1 : 0"}},
        },
    }


def _lost() -> dict[str, Any]:
    """Crosses at the top edge for diverged replicas, one scheme below the other."""
    return {
        "type": "symbol",
        "from": {"data": "lost"},
        "encode": {
            "update": {
                "x": {"scale": "x", "field": "x"},
                "y": {"signal": "4 + 12 * datum.row"},
                "shape": {"value": "M-1 -1L1 1M-1 1L1 -1"},
                "size": {"value": 64},
                "stroke": {"field": "color"},
                "strokeWidth": {"value": 2},
            }
        },
    }
