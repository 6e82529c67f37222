"""Two versions of one file, the committed and the regenerated: where they differ.

Numbers of tables are compared as numbers, since their last digits are the machine's.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import Any

from infwidth.drawing.stamps import Stamp
from infwidth.files.tables import TEXT
from infwidth.review.text_table import TextTable

# Numbers that differ by less than this part of their scale differ by rounding. Of what is computed
# from the same tables, a machine of another make moves the 13th digit at most.
TOLERANCE = 1e-9
# A larger part for what last digits show in: quotients of scatters, which may be far smaller than
# what scatters, and laws whose parameters the widths hardly tell apart.
LOOSE_TOLERANCE = 1e-6
LOOSE = (
    *("r_squared", "misfit", "curvature", "curvature_low", "curvature_high"),
    *("unbounded_exponent", "unbounded_low", "unbounded_high"),
)
# As many differences are named; the others are counted.
MOST_NAMED = 5
# The numbers of one fit, which share its scale: a slope near zero has no relative accuracy of its
# own. So do a value and the ends of its interval, `x`, `x_low` and `x_high`.
FITTED = (
    *("exponent", "ci_low", "ci_high", "raw_exponent", "raw_low", "raw_high"),
    *("full_exponent", "full_low", "full_high"),
    *("unbounded_exponent", "unbounded_low", "unbounded_high"),
    *("local_exponent", "local_low", "local_high", "curvature", "curvature_low", "curvature_high"),
    *("correction_power", "r_squared", "misfit", "residual"),
)
# Letters of a line that are shown on either side of where it differs.
SHOWN = 30
# Pictures within HTML: their bytes depend on the fonts' and libraries' versions.
_PICTURE = re.compile(r"data:image/[a-z+]+;base64,[^\"']*")


@dataclass(frozen=True)
class Comparison:
    """What tells two files apart.

    Attributes:
        differences: a sentence for each, or for the first few and one for how many there are.
        rounding: the largest difference of two numbers that agree, in units of their scale.
    """

    differences: tuple[str, ...] = ()
    rounding: float = 0.0


def compare(committed: Path, regenerated: Path) -> Comparison:
    """Whatever tells two files of their kind apart.

    Tables are compared cell by cell, pictures by what they show, notebooks and HTML without their
    pictures' bytes, Markdown and TeX by lines, all else by bytes.

    Raises:
        OSError, ValueError: one of them cannot be read.
    """
    if committed.read_bytes() == regenerated.read_bytes():
        return Comparison()
    if committed.suffix == ".csv":
        return compare_tables(
            TextTable.read(committed), TextTable.read(regenerated), ("committed", "regenerated")
        )
    return Comparison(_few(_differences(committed, regenerated)))


def compare_tables(
    one: TextTable, other: TextTable, words: tuple[str, str], tolerance: float = TOLERANCE
) -> Comparison:
    """Where two tables differ.

    Args:
        one: a table.
        other: another.
        words: what each is called.
        tolerance: numbers that differ by no more than this part of their scale agree.
    """
    if one.columns != other.columns:
        names = (
            f"{word} {', '.join(table.columns)}"
            for word, table in zip(words, (one, other), strict=True)
        )
        return Comparison((f"columns: {'; '.join(names)}",))
    keys = other.key_columns()
    if len(one.rows) != len(other.rows):
        return Comparison(_few(_other_rows(one, other, words, keys)))
    scales = {column: _sharing(column, one.columns) for column in one.columns}
    differences, rounding = [], 0.0
    for index, (row, right) in enumerate(zip(one.rows, other.rows, strict=True)):
        values = dict(zip(one.columns, map(_value, row), strict=True))
        for column, cell, made in zip(one.columns, row, right, strict=True):
            if cell == made:
                continue
            sizes = (abs(values[name]) for name in scales[column])
            scale = max(filter(math.isfinite, sizes), default=math.nan)
            apart = math.inf if column in TEXT else _apart(values[column], _value(made), scale)
            if apart <= (LOOSE_TOLERANCE if column in LOOSE else tolerance):
                rounding = max(rounding, apart)
                continue
            told = f"{words[0]} {cell!r}, {words[1]} {made!r}"
            differences.append(f"{other.name(index, keys)}, {column}: {told}")
    return Comparison(_few(differences), rounding)


def _sharing(column: str, columns: Sequence[str]) -> list[str]:
    """The columns whose numbers share a scale with this one's, itself among them."""
    if column in FITTED:
        return [name for name in columns if name in FITTED]
    stem = column.removesuffix("_low").removesuffix("_high")
    return [name for name in columns if name in (stem, f"{stem}_low", f"{stem}_high")]


def _value(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _apart(one: float, other: float, scale: float) -> float:
    """Difference in units of the scale; infinite where one is no number."""
    if one == other:
        return 0.0
    apart = abs(one - other) / scale if scale > 0 else math.nan
    return apart if math.isfinite(apart) else math.inf


def _differences(committed: Path, regenerated: Path) -> Iterable[str]:
    """A sentence for each difference of two files that are no tables."""
    if committed.parent.name == "figures":
        return _figures(committed, regenerated)
    if committed.suffix == ".ipynb":
        return _notebooks(_text(committed), _text(regenerated))
    if committed.suffix == ".html":
        pages = (_PICTURE.sub("", _text(path)) for path in (committed, regenerated))
        return _lines(*pages)
    if committed.suffix in {".md", ".tex"}:
        return _lines(_text(committed), _text(regenerated))
    return [f"other bytes ({committed.stat().st_size}; regenerated: {regenerated.stat().st_size})"]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _few(differences: Iterable[str]) -> tuple[str, ...]:
    """The first ones, and how many there are."""
    found = list(differences)
    more = [f"{len(found)} differences in all"] if len(found) > MOST_NAMED else []
    return (*found[:MOST_NAMED], *more)


def _other_rows(
    one: TextTable, other: TextTable, words: tuple[str, str], keys: Sequence[str]
) -> Iterator[str]:
    yield f"rows: {words[0]} {len(one.rows)}, {words[1]} {len(other.rows)}"
    columns = keys or one.columns
    for word, table, known in (
        (words[0], one, set(other.keys(columns))),
        (words[1], other, set(one.keys(columns))),
    ):
        for index, key in enumerate(table.keys(columns)):
            if key not in known:
                yield f"{word} only: {table.name(index, keys)}"


def _figures(committed: Path, regenerated: Path) -> list[str]:
    """By the stamps in their metadata."""
    found, made = Stamp.read(committed), Stamp.read(regenerated)
    assert made is not None, "style.save stamps every figure"
    if found is None:
        return ["does not say what it shows: drawn by an older version, or by something else"]
    differences = []
    if not found.shows_as(made):
        differences.append("shows other data than the regenerated one")
    if found.config != made.config:
        differences.append("comes from another configuration than provenance.json has")
    return differences


def _lines(committed: str, regenerated: str) -> Iterator[str]:
    lines, made = committed.splitlines(), regenerated.splitlines()
    for tag, *ends in SequenceMatcher(None, lines, made, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        start, stop, made_start, made_stop = ends
        pairs = zip_longest(lines[start:stop], made[made_start:made_stop])
        for number, (line, right) in enumerate(pairs, start + 1):
            parts = f"committed {_around(line, right)}, regenerated {_around(right, line)}"
            yield f"line {number}: {parts}"


def _around(line: str | None, other: str | None) -> str:
    """The part of a line where it differs from another."""
    if line is None:
        return "nothing"
    pairs = zip(line, other or "", strict=False)
    same = next((place for place, (one, two) in enumerate(pairs) if one != two), None)
    same = min(len(line), len(other or "")) if same is None else same
    start, stop = max(0, same - SHOWN), same + SHOWN
    before, after = "…" if start else "", "…" if stop < len(line) else ""
    return repr(f"{before}{line[start:stop]}{after}")


def _notebooks(committed: str, regenerated: str) -> Iterator[str]:
    """Cell by cell: its source, and the text of its outputs."""
    cells, made = (json.loads(text)["cells"] for text in (committed, regenerated))
    if len(cells) != len(made):
        yield f"{len(cells)} cells; regenerated: {len(made)}"
        return
    for number, (cell, right) in enumerate(zip(cells, made, strict=True), 1):
        for what, shown in (("source", _source), ("output", _outputs)):
            for difference in _lines(shown(cell), shown(right)):
                yield f"cell {number}, {what}, {difference}"


def _source(cell: Mapping[str, Any]) -> str:
    return "".join(cell["source"])


def _outputs(cell: Mapping[str, Any]) -> str:
    """The outputs of a cell as text; a picture is one line."""
    lines = []
    for output in cell.get("outputs", []):
        lines.append(str(output["output_type"]))
        lines.append("".join(output.get("text", [])))
        for kind, content in sorted(output.get("data", {}).items()):
            lines.append(kind if kind.startswith("image/") else "".join(content))
    return "\n".join(lines)
