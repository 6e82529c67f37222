"""Links from the pages to files of the repository.

A page links to `../config.yaml` as it lies beside docs/, which is right wherever the Markdown is
read. In the site, each such file gets a page or a copy of its own, under `repository/`.
"""

import re
from pathlib import Path

FOLDER = "repository"
LINK = re.compile(r"(?P<start>\]\()\.\./(?P<path>[^)#\s]+)")
# Files to read; all others (figures, tables) are copied as they are.
LANGUAGES = {
    ".py": "python",
    ".smk": "python",
    ".yaml": "yaml",
    ".toml": "toml",
    ".cff": "yaml",
    "Snakefile": "python",
    "Makefile": "make",
}
# The search is of the documentation alone.
FRONT_MATTER = "---\ntitle: {title}\nsearch:\n  exclude: true\n---\n\n"
# Longer than any fence in a file.
FENCE = "~~~~~~"


def linked(markdown: str) -> set[str]:
    """Paths, from the repository's root, that a page links to."""
    return {link["path"] for link in LINK.finditer(markdown)}


def redirected(markdown: str) -> str:
    """The page with these links leading into the site."""
    return LINK.sub(lambda link: link["start"] + uri(link["path"]), markdown)


def uri(path: str) -> str:
    """Where a file stands among the site's sources.

    >>> uri("src/infwidth/schemes.py"), uri("paper/cifar10/table1.csv")
    ('repository/src/infwidth/schemes.py.md', 'repository/paper/cifar10/table1.csv')
    """
    return f"{FOLDER}/{path}.md" if _language(path) else f"{FOLDER}/{path}"


def is_ours(source: str) -> bool:
    """Whether a source of the site stands for a file of the repository."""
    return source.startswith(f"{FOLDER}/")


def page(root: Path, path: str) -> str | None:
    """A page that shows a file of text; None for a file that is copied, or missing."""
    file = root / path
    language = _language(path)
    if not file.is_file() or (language is None and file.suffix != ".md"):
        return None
    text = file.read_text(encoding="utf-8")
    front = FRONT_MATTER.format(title=path)
    if language is None:
        return front + text
    return f"{front}# `{path}`\n\n{FENCE}{language}\n{text}\n{FENCE}\n"


def _language(path: str) -> str | None:
    return LANGUAGES.get(Path(path).suffix or Path(path).name)
