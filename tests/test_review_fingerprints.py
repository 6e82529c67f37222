"""An altered cell is found and named without a second copy of its table."""

from collections.abc import Callable
from pathlib import Path

import pytest
from synthetic import Plan, write

from infwidth.fingerprints import ROW_LETTERS, Cells, Fingerprint

MEASURED = ("metrics", "runs", "diverged", "spectra")
PLAN = Plan(
    widths=(64, 128), seeds=2, layers=2, steps=(0, 4), samples=6, diverged=(("IP", 64, 1, 4),)
)
TEXT = "scheme,width,step,loss\nSP,64,0,0.5\nSP,64,1,0.25\nµP,64,0,\nµP,64,1,1e-05\n"


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("invented"), PLAN)


@pytest.fixture
def altered(tmp_path: Path) -> Callable[[str], list[str]]:
    """What is told of a text that takes the place of TEXT."""
    path = tmp_path / "runs.csv"
    path.write_text(TEXT, encoding="utf-8")
    before = Fingerprint.of(path)
    assert before.alterations(path) == []

    def alter(text: str) -> list[str]:
        path.write_text(text, encoding="utf-8")
        return before.alterations(path)

    return alter


@pytest.mark.parametrize("name", MEASURED)
def test_any_single_cell_is_named_with_its_row_and_column(
    name: str, invented: Path, tmp_path: Path
) -> None:
    path = invented / f"{name}.csv"
    fingerprint = Fingerprint.from_json(Fingerprint.of(path).to_json())
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = Cells.read(path)
    assert len(cells.rows) == len(lines) - 1
    copy = tmp_path / path.name
    # Places from all over the table.
    for number in range(0, len(cells.rows) * len(cells.columns), 6 * len(cells.rows) // 7 or 1):
        row, place = divmod(number, len(cells.columns))
        changed = list(cells.rows[row])
        changed[place] += "1"
        text = [*lines[: row + 1], ",".join(changed), *lines[row + 2 :]]
        copy.write_text("\n".join(text) + "\n", encoding="utf-8")
        (said,) = fingerprint.alterations(copy)
        assert said.startswith(f"row {row + 1} (")
        assert said.endswith(f"recorded: {cells.columns[place]} {changed[place]!r}")


def test_what_is_kept_of_a_row_is_three_letters(invented: Path) -> None:
    path = invented / "metrics.csv"
    fingerprint = Fingerprint.of(path)
    assert len(fingerprint.rows) == ROW_LETTERS * len(Cells.read(path).rows)
    assert len(str(fingerprint.to_json())) < path.stat().st_size / 10


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("0.25", "0.250", "row 2 (scheme SP, step 1): not what was recorded: loss '0.250'"),
        ("SP,64,1,", "SP,64,2,", "row 2 (scheme SP): not what was recorded: step '2'"),
        ("µP,64,0,\n", "µP,64,0,0.0\n", "row 3 (scheme µP, step 0): not what was rec"),
        ("SP,64,0,0.5\n", "", "3 rows, 4 recorded; the first that is gone or altered stood from"),
        (
            "µP,64,0,\n",
            "",
            "the first that is gone or altered stood after row 2 (scheme SP, step 1)",
        ),
        ("µP,64,1,1e-05\n", "", "stood after row 3 (scheme µP, step 0)"),
        ("1e-05\n", "1e-05\nµP,64,2,3\n", "5 rows, 4 recorded; the first that is not as recorded"),
        ("loss", "cost", "has columns scheme, width, step, cost; recorded: scheme, width, step"),
        ("SP,64,0,0.5\n", "SP,64,0\n", "is no table any more: row 1 has 3 cells, not 4"),
        ("\nSP,64,0", '\n"SP",64,0', "other bytes than recorded, though no cell is seen to differ"),
    ],
)
def test_alterations_in_words(
    old: str, new: str, said: str, altered: Callable[[str], list[str]]
) -> None:
    assert TEXT.count(old) == 1
    (found,) = altered(TEXT.replace(old, new))
    assert said in found


def test_swapped_cells_and_many_rows(altered: Callable[[str], list[str]]) -> None:
    swapped = altered(TEXT.replace("0.5", "x").replace("0.25", "0.5").replace("x", "0.25"))
    assert [said.split(")")[0] for said in swapped] == [
        "row 1 (scheme SP, step 0",
        "row 2 (scheme SP, step 1",
    ]
    both = altered(TEXT.replace("64,0,0.5", "65,0,0.5").replace("0.25", "0.3"))
    assert all("one or more of width" in said for said in both)
    assert len(both) == 2


def test_an_emptied_table(altered: Callable[[str], list[str]]) -> None:
    assert altered("") == ["is no table any more: has no header"]
    assert altered(TEXT.splitlines()[0] + "\n")[0].startswith("0 rows, 4 recorded")


@pytest.mark.parametrize(
    ("header", "rows", "keys"),
    [
        ("scheme,column,measured,layer", ["a,x,big,1", "a,y,big,1", "a,x,big,2"], "column,layer"),
        ("scheme,layer,value", ["a,1,7", "a,2,7", "b,1,7"], "scheme,layer"),
        ("value", ["7", "7"], ""),
        ("value", [], "value"),
    ],
)
def test_rows_are_told_apart_by_few_columns(
    header: str, rows: list[str], keys: str, tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    cells = Cells.read(path)
    assert ",".join(cells.key_columns()) == keys
    for place in range(len(rows)):
        assert cells.name(place).startswith(f"row {place + 1} (")


@pytest.mark.parametrize("content", [None, "", [], {}, {"sha256": 1, "columns": {}, "rows": ""}])
def test_what_is_no_fingerprint_is_refused(content: object) -> None:
    with pytest.raises(ValueError, match="no fingerprint"):
        Fingerprint.from_json(content)
