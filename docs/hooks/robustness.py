"""Table 1 in many worlds, as README and pages show it."""

from pathlib import Path

TABLE = "paper/multiverse/table1.md"


def multiverse(root: Path) -> str:
    """The committed table without its title; nothing where there is none yet.

    Args:
        root: the repository.
    """
    path = root / TABLE
    if not path.is_file():
        return ""
    title, _, rest = path.read_text(encoding="utf-8").partition("\n")
    assert title.startswith("# "), f"{path}: no title"
    return rest.strip()
