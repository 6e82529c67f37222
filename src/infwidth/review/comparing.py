"""Two versions of one file, the committed and the regenerated: where they differ.

Every function gives a sentence for each difference, and none where they agree.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import Any

from infwidth.fingerprints import MOST_NAMED, Cells
from infwidth.paper.drawn import Stamp

# Letters of a line that are shown on either side of where it differs.
SHOWN = 30
# Pictures within HTML: their bytes depend on the fonts' and libraries' versions.
_PICTURE = re.compile(r"data:image/[a-z+]+;base64,[^\"']*")


def compare(committed: Path, regenerated: Path) -> list[str]:
    """Whatever tells two files of their kind apart.

    Tables are compared cell by cell, pictures by what they show, notebooks and HTML without their
    pictures' bytes, Markdown and TeX by lines, all else by bytes.

    Raises:
        OSError, ValueError: one of them cannot be read.
    """
    if committed.read_bytes() == regenerated.read_bytes():
        return []
    if committed.suffix == ".csv":
        return _few(_tables(Cells.read(committed), Cells.read(regenerated)))
    if committed.parent.name == "figures":
        return _figures(committed, regenerated)
    if committed.suffix == ".ipynb":
        return _few(_notebooks(_text(committed), _text(regenerated)))
    if committed.suffix == ".html":
        pages = (_PICTURE.sub("", _text(path)) for path in (committed, regenerated))
        return _few(_lines(*pages))
    if committed.suffix in {".md", ".tex"}:
        return _few(_lines(_text(committed), _text(regenerated)))
    return [f"other bytes ({committed.stat().st_size}; regenerated: {regenerated.stat().st_size})"]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _few(differences: Iterator[str]) -> list[str]:
    """The first ones, and how many there are."""
    found = list(differences)
    more = [f"{len(found)} differences in all"] if len(found) > MOST_NAMED else []
    return found[:MOST_NAMED] + more


def _tables(committed: Cells, regenerated: Cells) -> Iterator[str]:
    if committed.columns != regenerated.columns:
        names = (", ".join(cells.columns) for cells in (committed, regenerated))
        yield "columns {}; regenerated: {}".format(*names)
        return
    keys = regenerated.key_columns()
    if len(committed.rows) != len(regenerated.rows):
        yield from _other_rows(committed, regenerated, keys)
        return
    for place, (row, right) in enumerate(zip(committed.rows, regenerated.rows, strict=True)):
        for column, cell, made in zip(committed.columns, row, right, strict=True):
            if cell != made:
                where = regenerated.name(place, keys)
                yield f"{where}, {column}: committed {cell!r}, regenerated {made!r}"


def _other_rows(committed: Cells, regenerated: Cells, keys: Sequence[str]) -> Iterator[str]:
    yield f"{len(committed.rows)} rows; regenerated: {len(regenerated.rows)}"
    for cells, others, word in (
        (committed, regenerated, "committed only"),
        (regenerated, committed, "regenerated only"),
    ):
        known = set(others.rows)
        for place, row in enumerate(cells.rows):
            if row not in known:
                yield f"{word}: {cells.name(place, keys)}"


def _figures(committed: Path, regenerated: Path) -> list[str]:
    """By the stamps in their metadata."""
    found, made = Stamp.read(committed), Stamp.read(regenerated)
    assert made is not None, "style.save stamps every figure"
    if found is None:
        return ["does not say what it shows: drawn by an older version, or by something else"]
    differences = []
    if found.drawn != made.drawn:
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
