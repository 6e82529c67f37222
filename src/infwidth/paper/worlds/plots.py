"""The plot of the page as a Vega specification: a dot for each world, laid out by the script."""

from typing import Any

from infwidth.paper.page.plots import FONT, GREY, GRID, TEXT


def plot() -> dict[str, Any]:
    """The specification.

    Data sets, with places in pixels: `rows` (y, y2, text), `columns` (x, x2, text), `counts`
    (x, y, text), `dots` (x, y, world, color, filled). Signals: `left` (where columns begin), `at`
    (the world that is looked at, or null), `pitch` (between dots).
    """
    return {
        "$schema": "https://vega.github.io/schema/vega/v6.json",
        "autosize": "none",
        "signals": [{"name": name, "value": None} for name in ("left", "at", "pitch")],
        "data": [{"name": name, "values": []} for name in ("rows", "columns", "counts", "dots")],
        "marks": [
            _rule("rows", {"x": {"value": 0}, "x2": {"signal": "width"}, "y": {"field": "y2"}}),
            _rule("columns", {"x": {"field": "x"}, "y": {"value": 0}, "y2": {"signal": "height"}}),
            _text("rows", {"x": {"signal": "left - 8"}, "y": {"signal": "(datum.y + datum.y2) / 2"},
                           "align": {"value": "right"}, "fontSize": {"value": 13}}),
            _text("columns", {"x": {"signal": "(datum.x + datum.x2) / 2"}, "y": {"value": 10},
                              "align": {"value": "center"}, "fontSize": {"value": 12}}),
            _text("counts", {"x": {"field": "x"}, "y": {"field": "y"}, "align": {"value": "left"},
                             "fontSize": {"value": 10}, "fill": {"value": GREY}}),
            _dots(),
        ],
    }  # fmt: skip


def _rule(data: str, place: dict[str, Any]) -> dict[str, Any]:
    return _mark("rule", data, {"stroke": {"value": GRID}, **place})


def _text(data: str, place: dict[str, Any]) -> dict[str, Any]:
    look = {"baseline": {"value": "middle"}, "font": {"value": FONT}, "fill": {"value": TEXT}}
    return _mark("text", data, {**look, "text": {"field": "text"}, **place})


def _dots() -> dict[str, Any]:
    """Full where what is shown agrees, hollow elsewhere; ringed where it is looked at."""
    looked_at = "datum.world === at"
    return _mark(
        "symbol",
        "dots",
        {
            "x": {"field": "x"},
            "y": {"field": "y"},
            "size": {"signal": f"pow({looked_at} ? 1.5 * pitch : pitch - 1.5, 2)"},
            "fill": {"signal": "datum.filled ? datum.color : 'white'"},
            "stroke": {"signal": f"{looked_at} ? 'black' : datum.color"},
            "strokeWidth": {"signal": f"{looked_at} ? 2.5 : 1"},
            "zindex": {"signal": f"{looked_at} ? 1 : 0"},
            "cursor": {"value": "pointer"},
        },
    )


def _mark(kind: str, data: str, look: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "from": {"data": data}, "encode": {"update": look}}
