import re
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_the_table_is_the_committed_one() -> None:
    shown = re.search(r"<!-- table1: .*? -->\n(.*?)<!-- /table1 -->", README, re.DOTALL)
    assert shown is not None
    committed = (REPOSITORY / "paper/cifar10/table1.md").read_text(encoding="utf-8")
    assert shown.group(1).strip() == committed.strip()


def test_it_counts_the_agreeing_cells_of_that_table() -> None:
    claims_all = "All twelve cells agree with the paper." in README
    table = (REPOSITORY / "paper/cifar10/table1.csv").read_text(encoding="utf-8")
    assert claims_all == (table.count(",true,") == 12 and ",false," not in table)


def test_every_linked_file_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    files = [link for link in links if not link.startswith("http")]
    assert files
    assert [link for link in files if not (REPOSITORY / link).exists()] == []


def test_every_make_target_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
