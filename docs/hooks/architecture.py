"""The house's plan: rooms in order, and the imports between them, read from the code.

    python docs/hooks/architecture.py

draws it to docs/assets/architecture.svg. A test holds the order, and the picture to the code.
"""

import ast
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/infwidth"
PICTURE = ROOT / "docs/assets/architecture.svg"
# From the top of the stair down: a room imports from those below it and never from one above.
ROOMS: Mapping[str, str] = {
    "review": "makes all of `paper/` anew from its measurements, and says what agrees",
    "paper": "tables, figures, notebook, report and page: what a reader sees",
    "multiverse": "the same table in many worlds: drawn, trained, read in many ways, summed up",
    "theory": "the statements behind Table 1: each is measured, judged and drawn in its folder",
    "drawing": "one look for all figures, and the stamps that say what they show",
    "measures": "features, spectra, exponents in the width, verdicts",
    "jobs": "what a job asks of its machine, and what it leaves behind of itself",
    "training": "gradient descent on all seeds at once, its snapshots and checkpoints",
    "network": "the perceptron that follows its own movement, with dense or lazy layers",
    "config": "from what people write to a checked `Experiment`",
    "datasets": "images with labels: where they come from, how they become inputs",
    "files": "whole files, arrays and tables, with errors in words",
    "values": "what is asked for and how numbers are written: `schemes`, `recipe`, `experiment`, "
    "`numbers`, `memory`",
}
# Of the picture, in pixels: a room's box, and how far the next is down and to the right.
BOX, STEP = (82, 30), (88, 44)
LINE = "#7a8794"


class Import(NamedTuple):
    """One module's import of another, both by their paths in the package."""

    importer: str
    imported: str

    @property
    def rooms(self) -> tuple[str, str]:
        """Those of both."""
        return room_of(self.importer), room_of(self.imported)


def room_of(module: str) -> str:
    """A module's room.

    >>> room_of("training/train.py"), room_of("schemes.py")
    ('training', 'values')
    """
    folder, _, inside = module.partition("/")
    return folder if inside else "values"


def imports(package: Path = PACKAGE) -> Iterator[Import]:
    """Every import of a module of the package by another, also those within functions."""
    for file in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{file}: imports here name the whole path"
                # A package's name may be a module of it; else it is defined in the package itself.
                inside = [f"{node.module}.{alias.name}" for alias in node.names]
                names = [name if _file_of(name, package) else str(node.module) for name in inside]
            for path in dict.fromkeys(_file_of(name, package) for name in names):
                if path:
                    yield Import(file.relative_to(package).as_posix(), path)


def _file_of(name: str, package: Path) -> str | None:
    """A module's path in the package; None for what is no module of it."""
    top, *parts = name.split(".")
    path = package.joinpath(*parts)
    files = (path.with_suffix(".py"), path / "__init__.py") if top == package.name else ()
    return next((file.relative_to(package).as_posix() for file in files if file.is_file()), None)


def picture() -> str:
    """The stair as SVG: from a room to the right and down to each that it imports."""
    arrows = {found.rooms for found in imports() if found.rooms[0] != found.rooms[1]}
    (width, height), (right, down) = BOX, STEP
    corners = {room: (8 + right * place, 8 + down * place) for place, room in enumerate(ROOMS)}
    lines, boxes = [], []
    for importer, imported in sorted(arrows):
        (x, y), (to_x, to_y) = corners[importer], corners[imported]
        # Each of a room's arrows ends in a place of its own.
        end = to_x + 10 + (width - 20) * [*ROOMS].index(importer) / max(len(ROOMS) - 1, 1)
        path = f"M{x + width} {y + height / 2:g}H{end:.1f}V{to_y - 2}"
        told = f"<title>{importer} imports {imported}</title>"
        lines.append(f'<path d="{path}" marker-end="url(#tip)">{told}</path>')
    for room, (x, y) in corners.items():
        middle = f'x="{x + width / 2:g}" y="{y + height / 2 + 5:g}"'
        boxes.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/>')
        boxes.append(f"<text {middle}>{escape(room)}</text>")
    x, y = corners[[*ROOMS][-1]]
    size = f"{x + width + 8} {y + height + 8}"
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img">
<title>Rooms from the top of the stair down; an arrow is an import</title>
<defs><marker id="tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" \
orient="auto"><path d="M0 0L6 3L0 6z" fill="{LINE}"/></marker></defs>
<rect width="100%" height="100%" fill="white"/>
<g fill="none" stroke="{LINE}" stroke-width="1">
{chr(10).join(lines)}
</g>
<g font-family="sans-serif" font-size="14" text-anchor="middle" fill="#1f2d3a">
{chr(10).join(boxes).replace("<rect", '<rect fill="#e8eef4" stroke="#40566b"')}
</g>
</svg>
"""


def rooms() -> str:
    """What each room is for, as Markdown."""
    rows = [f"| `{name}` | {purpose} |" for name, purpose in ROOMS.items()]
    return "\n".join(["| room | what it is for |", "|---|---|", *rows])


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
