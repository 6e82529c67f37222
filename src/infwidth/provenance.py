"""Where numbers come from: digests of code, config and data, versions, device, costs of rules."""

import ast
import contextlib
import csv
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

PACKAGE = Path(__file__).parent
# Those whose version can change a number or a picture.
PACKAGES = (
    "matplotlib",
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "seaborn",
    "snakemake",
    "torch",
    "torchvision",
)


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
    return ast.parse(file.read_text(encoding="utf-8"))


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
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def whole_code_digest() -> str:
    """Digest of the whole library."""
    files = sorted(PACKAGE.rglob("*.py"))
    return code_digest(
        *(".".join(file.relative_to(PACKAGE).with_suffix("").parts) for file in files)
    )


def provenance(
    config: Mapping[str, Any],
    code: str,
    dataset: Path,
    curves: Sequence[Path],
    benchmarks: Mapping[str, Sequence[Path]],
) -> dict[str, Any]:
    """The content of provenance.json.

    Args:
        config: the whole checked configuration.
        code: the library's digest.
        dataset: the prepared data.
        curves: the curves file of every training, which names its device.
        benchmarks: rule -> Snakemake's benchmark files of its jobs; those that are missing (a rule
            that had nothing to do) are left out.
    """
    canonical = json.dumps(config, sort_keys=True, ensure_ascii=False)
    return {
        "experiment": config["experiment"],
        "config": dict(config),
        "config_sha256": hashlib.sha256(canonical.encode()).hexdigest(),
        "code": code,
        "python": platform.python_version(),
        "packages": dict(_versions()),
        "device": sorted({_device(path) for path in curves}),
        "data_sha256": data_digest(dataset),
        "rules": _costs(benchmarks),
    }


def data_digest(dataset: Path) -> str:
    """Digest of the prepared arrays, whatever the file around them."""
    digest = hashlib.sha256()
    with np.load(dataset) as arrays:
        for name in sorted(arrays.files):
            array = np.ascontiguousarray(arrays[name])
            digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
            digest.update(array.tobytes())
    return digest.hexdigest()


def _versions() -> Iterator[tuple[str, str]]:
    """Name and version of each package that this environment has."""
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            yield name, importlib.metadata.version(name)


def _device(curves: Path) -> str:
    with np.load(curves) as arrays:
        return str(arrays["device"])


def _costs(benchmarks: Mapping[str, Sequence[Path]]) -> list[dict[str, Any]]:
    """Seconds and peak memory of every job."""
    costs = []
    for rule, paths in benchmarks.items():
        for path in filter(Path.exists, paths):
            with path.open(encoding="utf-8") as lines:
                row = next(csv.DictReader(lines, delimiter="\t"))
            costs.append(
                {
                    "rule": rule,
                    "job": path.stem if path.stem != rule else "",
                    "seconds": float(row["s"]),
                    "max_rss_mb": _number(row["max_rss"]),
                }
            )
    return costs


def _number(text: str) -> float | None:
    """A benchmark's number; Snakemake writes "NA" or "-" for a job too short to be sampled."""
    try:
        return float(text)
    except ValueError:
        return None
