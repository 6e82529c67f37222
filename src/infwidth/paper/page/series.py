"""What the plots of the page draw, as JSON values: curves, fitted powers, ticks, looks."""

import math
import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline

from infwidth import numbers
from infwidth.drawing import panels, style
from infwidth.drawing.style import Look
from infwidth.measures.estimate import Estimate
from infwidth.measures.metrics import METRICS, Metric
from infwidth.measures.misfit import CROSSOVER
from infwidth.measures.reading import Measurements, curve

# CSS pixels per point of print, of lines and markers: a screen is read from further away.
PIXELS = 1.7
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def unit(metric: Metric, kind: str, step: str) -> str:
    """What is measured, in HTML: of h or x, at the last step T or at any step t.

    >>> unit(METRICS["spacetime_min_eig"], "h", "t")
    'λ<sub>min</sub>(K<sub>0,t</sub>) / n'
    """
    text = metric.symbol.html.replace("h<sup>", f"{kind}<sup>")
    return re.sub(r"T(?=</su[bp]>)", step, text)


def data(measured: Measurements) -> dict[str, Any]:
    """All that the page's script needs to draw."""
    ticks = {count: style.width_ticks(measured.widths, count) for count in (4, 8)}
    return {
        "schemes": [
            {"name": scheme, **drawn(look)}
            for scheme, look in style.looks(measured.schemes).items()
        ],
        "metrics": [
            {
                "name": metric.name,
                "title": metric.title,
                "units": {kind: {step: unit(metric, kind, step) for step in "Tt"} for kind in "hx"},
            }
            for metric in METRICS.values()
        ],
        "widths": list(measured.widths),
        "seeds": measured.seeds,
        "last": measured.last_step,
        "widthTicks": {
            "few": [ticks[4][0], list(map(_plain, ticks[4][1]))],
            "many": [ticks[8][0], list(map(_plain, ticks[8][1]))],
        },
        "stepTicks": style.step_ticks(measured.last_step),
        "series": list(series(measured)),
        "fits": list(fits(measured)),
        "lost": lost(measured),
    }


def series(measured: Measurements) -> Iterator[dict[str, Any]]:
    """One curve in time for each metric, layer, kind, scheme and width; nothing where all is empty.

    Each has, by step, the geometric mean over seeds and the range, as they are drawn and as they
    are written, the greatest resolution of the seeds (of least eigenvalues) as it is written, and
    the steps at which the mean is an upper bound.
    """
    keys = ["layer", "kind", "scheme", "width"]
    for metric in METRICS.values():
        for key, points in _points(measured, metric).groupby(keys, sort=False):
            layer, kind, scheme, width = cast(tuple[int, str, str, int], key)
            found = {
                "metric": metric.name,
                "layer": int(layer),
                "kind": kind,
                "scheme": scheme,
                "n": int(width),
                "t": points["step"].tolist(),
                "text": [
                    written(point, alone=measured.seeds == 1) for point in points.to_dict("records")
                ],
            }
            found |= {end: list(map(drawn_at, points[end])) for end in ("mean", "low", "high")}
            if points["floor"].notna().any():
                found["floor"] = [numbers.number(value, 2) for value in points["floor"]]
            if points["upper"].any():
                found["limits"] = points.loc[points["upper"], "step"].tolist()
            yield found


def written(point: Mapping[Hashable, Any], *, alone: bool) -> str:
    """A point of a curve in words: mean and range, the mean of a seed `alone`, or an upper bound.

    >>> point = {"mean": 0.0381, "low": 0.0375, "high": 0.0387, "upper": False}
    >>> written(point, alone=False), written(point | {"upper": True}, alone=False)
    ('0.0381 [0.0375, 0.0387]', '< 0.038')
    """
    if point["upper"]:
        return numbers.with_interval(math.nan, math.nan, point["mean"])
    if alone:
        return numbers.number(point["mean"])
    return numbers.with_interval(point["mean"], point["low"], point["high"])


def _points(measured: Measurements, metric: Metric) -> pd.DataFrame:
    """`measures.reading.curve` at every layer, kind, scheme, width and step; `floor` beside it."""
    table = measured.metrics
    if metric.since_start:
        table = table[table["step"] > 0]
    place = ["layer", "kind", "scheme", "width", "step"]
    # One number for each place, so that all the curves are taken at once.
    table = table.assign(place=table.groupby(place, sort=False).ngroup())
    places = table.drop_duplicates("place").set_index("place")[place]
    resolution = metric.resolution(table)
    places["floor"] = math.nan if resolution is None else resolution.groupby(table["place"]).max()
    # Joined: a column assigned to a table without rows would bring its rows along.
    return curve(table, metric.name, "place").join(places)


def fits(measured: Measurements) -> Iterator[dict[str, Any]]:
    """The fitted powers: ends of the line that is drawn, and the exponent in words."""
    for fit in measured.scaling.dropna(subset=["exponent", "value"]).to_dict("records"):
        ends, heights = panels.power_ends(fit, measured.widths)
        bent = fit["law"] == CROSSOVER
        told = Estimate.of(fit, "local_exponent", "local") if bent else Estimate.of(fit, "exponent")
        power, interval = numbers.exponent(*told)
        yield {
            "metric": fit["metric"],
            "layer": int(fit["layer"]),
            "kind": fit["kind"],
            "scheme": fit["scheme"],
            "n": [int(n) for n in ends],
            "values": [drawn_at(float(height)) for height in heights],
            "power": power,
            "interval": f"{interval} locally" if bent else interval,
        }


def lost(measured: Measurements) -> list[dict[str, Any]]:
    """How many replicas of a scheme and width diverged, and at which steps."""
    groups = measured.diverged.groupby(["scheme", "width"], sort=False)["step"]
    return [
        {"scheme": scheme, "n": int(width), "steps": sorted(map(int, steps))}
        for (scheme, width), steps in cast(
            Iterator[tuple[tuple[str, int], "pd.Series[int]"]], groups
        )
    ]


def drawn_at(value: float) -> float:
    """A value in as many digits as a line on a screen can show, so that the page stays small.

    >>> drawn_at(0.0123456789)
    0.01235
    """
    return float(f"{value:.3e}")


def drawn(look: Look) -> dict[str, Any]:
    """A scheme's look in the words of SVG, lengths in pixels; `shape` fits the square -1 .. 1."""
    line = look.line * PIXELS
    # Matplotlib counts dashes in line widths.
    dashes = [] if look.dashes == "-" else [round(part * line, 2) for part in look.dashes[1]]
    return {
        "color": look.color,
        "line": round(line, 2),
        "dashes": dashes,
        "shape": outline(look.marker),
        "size": round(look.size * PIXELS, 2),
    }


def outline(marker: str) -> str:
    """Matplotlib's marker as an SVG path within the square -1 .. 1, y downward.

    >>> outline("s")
    'M-1 1L1 1L1 -1L-1 -1Z'
    """
    style_of = MarkerStyle(marker)
    path = style_of.get_path().transformed(style_of.get_transform())
    # Markers have a diameter of 1.
    letters = {Outline.MOVETO: "M", Outline.LINETO: "L", Outline.CURVE3: "Q", Outline.CURVE4: "C"}
    parts = []
    for corners, code in path.iter_segments(simplify=False):
        if code == Outline.CLOSEPOLY:
            parts.append("Z")
        else:
            places = np.asarray(corners).reshape(-1, 2) * (2, -2)
            parts.append(letters[code] + " ".join(map(_coordinate, places.flat)))
    return "".join(parts)


def _coordinate(value: float) -> str:
    """Four decimals, and no minus sign before a zero."""
    return f"{round(float(value), 4) + 0.0:g}"


def _plain(label: str) -> str:
    """A tick label of the figures without TeX: $2^{14}$ is 2¹⁴."""
    found = re.fullmatch(r"\$2\^\{(\d+)\}\$", label)
    return f"2{found[1].translate(_RAISED)}" if found else label
