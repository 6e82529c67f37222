"""Digests of code and of other sources: a rule re-runs where one that it depends on changes."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def code_digest(*modules: str) -> str:
    """Digest of the library's modules named (without the package) and of all they import from it.

    It is taken over the syntax trees without docstrings, so that comments and layout do not count.

    Raises:
        FileNotFoundError: no such module.
    """
    found: dict[Path, None] = {}
    pending = [_file_of(module) for module in modules]
    while pending:
        file = pending.pop()
        if file not in found:
            found[file] = None
            pending += _imports(file)
    digest = hashlib.sha256()
    for file in sorted(found):
        digest.update(f"{file.relative_to(PACKAGE)}\n{_bare(file)}\n".encode())
    return digest.hexdigest()


def _file_of(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"infwidth.{module}: no such module in {PACKAGE}")


@cache
def _tree(file: Path) -> ast.Module:
    """The syntax tree without docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return tree


@cache
def _imports(file: Path) -> list[Path]:
    """Files of this package that a file imports."""
    names = []
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    files = []
    for name in names:
        if name.startswith(f"{PACKAGE.name}."):
            try:
                files.append(_file_of(name.removeprefix(f"{PACKAGE.name}.")))
            except FileNotFoundError:
                continue  # a function or class, not a module
    return files


@cache
def _bare(file: Path) -> str:
    """The syntax tree without docstrings, as text."""
    return ast.dump(_tree(file))


def whole_code_digest() -> str:
    """Digest of the whole library."""
    files = sorted(PACKAGE.rglob("*.py"))
    return code_digest(
        *(".".join(file.relative_to(PACKAGE).with_suffix("").parts) for file in files)
    )


def content_digest(folder: Path, *patterns: str) -> str:
    """Digest of files' names in a folder and of their bytes, wherever the folder lies.

    As a rule's parameter, unlike an input, it leaves the files alone when their folder moves.

    Args:
        folder: the folder.
        patterns: the files, each pattern (`report/*.typ`) at least one of them.

    Raises:
        FileNotFoundError: no such file.
    """
    digest = hashlib.sha256()
    for pattern in patterns:
        files = sorted(folder.glob(pattern))
        if not files:
            raise FileNotFoundError(f"{folder / pattern}: no such file")
        for file in files:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{file.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()
