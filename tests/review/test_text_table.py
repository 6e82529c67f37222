"""Rows of a table in words."""

from pathlib import Path

import pytest

from infwidth.review.text_table import TextTable


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
    table = TextTable.read(path)
    assert ",".join(table.key_columns()) == keys
    for place in range(len(rows)):
        assert table.name(place).startswith(f"row {place + 1} (")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no header"),
        (b"a,b\n1,2\n3\n", "row 2 has 1 cells, not 2"),
        (b"a\n\xff\n", "utf-8"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TextTable.of(content)
