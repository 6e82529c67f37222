"""Where numbers come from: digests of code, config, data and measurements, versions, costs."""

import contextlib
import csv
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from infwidth.datasets.identity import Identity
from infwidth.files.checksums import sha256_of
from infwidth.files.whole import load_arrays

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
# Files of a paper folder that trainings are behind, beside the tables of the theory.
MEASURED = ("metrics.csv", "runs.csv", "diverged.csv", "spectra.csv")
# The same of many worlds.
MEASURED_WORLDS = ("worlds.csv", "readings.csv")

# Where data lie on a machine, and how a training is kept safe: neither changes a number.
CIRCUMSTANCES = frozenset({"dataset_path", "data_root", "cifar10_urls", "checkpoint_seconds"})
# What Table 1 is judged by; a figure of the measurements shows no verdict.
THRESHOLDS = frozenset({"stable_exponent", "small_change", "collapse_ratio"})
# Letters of a line of provenance.json, where there is a choice.
LINE = 100


def provenance(
    config: Mapping[str, Any],
    code: str,
    dataset: Path,
    curves: Sequence[Path],
    benchmarks: Mapping[str, Sequence[Path]],
    folder: Path | None = None,
    theory: Iterable[str] = (),
) -> dict[str, Any]:
    """The content of provenance.json.

    Args:
        config: the whole checked configuration.
        code: the library's digest.
        dataset: the prepared data.
        curves: the curves file of every training, which names its device.
        benchmarks: rule -> Snakemake's benchmark files of its jobs; those that are missing (a rule
            that had nothing to do) are left out.
        folder: the paper folder, of whose measurements checksums are taken; without it there are
            none, and a review cannot vouch for the measurements.
        theory: as for `measured_files`.

    Raises:
        FileNotFoundError: one of `MEASURED` is missing from the folder.
    """
    return _content(
        config,
        code,
        devices={_device(path) for path in curves},
        data=Identity.load(dataset).to_json(),
        rules=_costs(benchmarks),
        files={} if folder is None else checksums(folder, measured_files(theory)),
    )


def provenance_of_worlds(
    config: Mapping[str, Any],
    code: str,
    datasets: Sequence[Path],
    records: Sequence[Path],
    benchmarks: Mapping[str, Sequence[Path]],
    folder: Path,
) -> dict[str, Any]:
    """The content of provenance.json where many worlds were trained.

    Args:
        config: of the multiverse.
        code: the library's digest.
        datasets: the prepared data of all worlds.
        records: what each world left, which names its devices.
        benchmarks: as for `provenance`; of each rule, jobs, seconds and largest memory.
        folder: the paper folder.

    Raises:
        FileNotFoundError: one of `MEASURED_WORLDS` is missing from the folder.
    """
    rules = []
    for rule, paths in benchmarks.items():
        costs = _costs({rule: paths})
        seconds = sum(cost["seconds"] for cost in costs)
        memory = max((cost["max_rss_mb"] or 0.0 for cost in costs), default=0.0)
        rules.append(
            {"rule": rule, "jobs": len(costs), "seconds": round(seconds), "max_rss_mb": memory}
        )
    return _content(
        config,
        code,
        devices={device for path in records if (device := _device(path))},
        data=[Identity.load(path).to_json() for path in datasets],
        rules=rules,
        files=checksums(folder, MEASURED_WORLDS),
    )


def _content(
    config: Mapping[str, Any],
    code: str,
    *,
    devices: Collection[str],
    data: Any,
    rules: list[dict[str, Any]],
    files: Mapping[str, str],
) -> dict[str, Any]:
    return {
        "experiment": config["experiment"],
        "config": dict(config),
        "config_sha256": config_digest(config),
        "code": code,
        "python": platform.python_version(),
        "packages": package_versions(),
        "device": sorted(devices),
        "data": data,
        "rules": rules,
        "files": dict(files),
    }


def as_json(content: Any, indent: str = "") -> str:
    """JSON for readers: whatever fits into a line stands in one."""
    line = json.dumps(content, ensure_ascii=False)
    if len(indent) + len(line) <= LINE or not isinstance(content, dict | list):
        return line
    inner = indent + "  "
    if isinstance(content, dict):
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: {as_json(value, inner)}"
            for key, value in content.items()
        ]
    else:
        parts = [as_json(value, inner) for value in content]
    opening, closing = "{}" if isinstance(content, dict) else "[]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{closing}"


def config_digest(config: Mapping[str, Any], leave_out: Collection[str] = ()) -> str:
    """Digest of a configuration, whatever the order of its keys.

    Args:
        config: the whole checked configuration, or some of its keys.
        leave_out: keys that do not count.
    """
    kept = {key: value for key, value in config.items() if key not in leave_out}
    canonical = json.dumps(kept, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def figures_digest(config: Mapping[str, Any], *, theory: bool = False) -> str:
    """Digest of what the figures depend on: a figure must not change for anything else.

    Args:
        config: the whole checked configuration.
        theory: for the figures of the checks of the theory; else for those of the measurements,
            which stay as they are whatever is judged or checked.
    """
    if theory:
        return config_digest(config, CIRCUMSTANCES)
    return config_digest(config, CIRCUMSTANCES | THRESHOLDS | {"theory"})


def checksums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Name in the paper folder -> SHA-256, of every measurement that is named.

    Raises:
        FileNotFoundError: one is missing.
    """
    return {name: sha256_of(folder / name) for name in names}


def measured_files(theory: Iterable[str]) -> list[str]:
    """The measurements in a paper folder, by their names in it.

    Args:
        theory: the tables of the theory that are measured.
    """
    return [*MEASURED, *(f"theory/{table}.csv" for table in theory)]


def package_versions() -> dict[str, str]:
    """Name -> version, of those of `PACKAGES` that this environment has."""
    return dict(_versions())


def _versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            yield name, importlib.metadata.version(name)


def _device(path: Path) -> str:
    return str(load_arrays(path)["device"])


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
