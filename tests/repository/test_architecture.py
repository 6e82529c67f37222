"""The plan holds: nothing imports upward, no room is too large, the picture is today's."""

import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs/hooks"))

import architecture
from architecture import PACKAGE, ROOMS, Import

MOST_LINES = 300
MOST_FILES = 8


def upward(package: Path = PACKAGE) -> list[str]:
    """Imports of a room by one below it, a sentence each."""
    order = [*ROOMS]
    return [
        f"{found.importer} imports {found.imported}: {found.rooms[0]} lies below {found.rooms[1]}"
        for found in architecture.imports(package)
        if order.index(found.rooms[0]) > order.index(found.rooms[1])
    ]


def test_every_folder_is_a_room_of_the_plan() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders | {"values"} == set(ROOMS)


def test_nothing_imports_upward() -> None:
    assert upward() == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    imported: dict[str, set[str]] = {}
    for found in architecture.imports():
        imported.setdefault(found.importer, set()).add(found.imported)
    # A circle is an error that names its modules.
    TopologicalSorter(imported).prepare()


@pytest.mark.parametrize(
    "line",
    [
        "from infwidth.review.cells import Cells",
        "from infwidth.review import cells",
        "import infwidth.review.cells",
        "def late():\n    import infwidth.review.cells as other",
    ],
)
def test_an_import_upward_is_named(line: str, tmp_path: Path) -> None:
    package = tmp_path / "infwidth"
    for name, text in {"files/whole.py": line, "review/cells.py": "Cells = list"}.items():
        (package / name).parent.mkdir(parents=True)
        (package / name).write_text(text, encoding="utf-8")
    assert upward(package) == ["files/whole.py imports review/cells.py: files lies below review"]
    assert Import("schemes.py", "files/whole.py").rooms == ("values", "files")


def test_rooms_are_of_a_size_to_live_in() -> None:
    lines = {
        path.relative_to(PACKAGE).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in PACKAGE.rglob("*.py")
    }
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    counts = {path.parent: 0 for path in files}
    for path in files:
        counts[path.parent] += 1
    assert counts[PACKAGE] <= MOST_FILES
    assert [folder for folder, count in counts.items() if count == 1] == []


def test_the_picture_is_of_today() -> None:
    made = architecture.PICTURE.read_text(encoding="utf-8")
    assert made == architecture.picture(), "python docs/hooks/architecture.py draws it anew"
