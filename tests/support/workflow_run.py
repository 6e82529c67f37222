"""The real workflow in a copy of the repository, on an experiment that takes seconds."""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import yaml

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "config.yaml", "config", "envs", "profiles", "src", "workflow")
SCHEMES = ("SP", "NTP", "IP", "µP")
WIDTHS = (16, 24, 32, 48)
# No markup of Typst, HTML, Markdown or Snakemake may come of it.
IMAGES_NAME = "24 images of {noise} & *more* `of` <i>$x_1$</i> #[it] \\ @b"
TINY: dict[str, Any] = {
    "experiment": "tiny",
    "dataset": "npz",
    "dataset_path": "images.npz",
    "pool": 20,
    "samples": 4,
    "test_samples": 8,
    "schemes": list(SCHEMES),
    "widths": list(WIDTHS),
    "seeds": 2,
    "steps": 5,
    "snapshots": 3,
    "device": "cpu",
    "theory": False,
}
# The checks of the theory in a few seconds each.
THEORY: dict[str, dict[str, object]] = {
    "theory": {
        "widths": [32, 48, 64],
        "samples": 4,
        "steps": 5,
        "seeds": 2,
        "activations": ["tanh", "silu"],
    },
}
# A node of Snakemake's graph of jobs; what need not run is dashed.
NODE = re.compile(r'\[label = "(?P<label>[^"]+)", [^\]]*style="rounded(?P<done>,dashed)?"\]')


@dataclass(frozen=True)
class Run:
    """One call of Snakemake: its exit code, and both its streams."""

    code: int
    output: str


@dataclass(frozen=True)
class Plan:
    """What a call would run: rules, and the (scheme, width) of every training.

    Provenance is left out: it tells of everything, and takes a second.
    """

    rules: set[str]
    trainings: set[tuple[str, int]]


@dataclass(frozen=True)
class Checkout:
    """A copy of the repository."""

    root: Path

    @classmethod
    def fresh(cls, root: Path) -> Self:
        """What git keeps, and a small data set."""
        root.mkdir()
        for part in PARTS:
            if (ROOT / part).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / part, root / part, ignore=ignored)
            else:
                shutil.copy2(ROOT / part, root / part)
        write_images(root / "images.npz", seed=0)
        (root / "tiny.yaml").write_text(yaml.safe_dump(TINY, allow_unicode=True), encoding="utf-8")
        return cls(root)

    def copy(self, root: Path) -> Self:
        """Everything, results and Snakemake's memory of them included."""
        shutil.copytree(self.root, root)
        return type(self)(root)

    @property
    def paper(self) -> Path:
        return self.root / "paper/tiny"

    def snakemake(
        self,
        *options: str,
        files: Sequence[str] = ("tiny.yaml",),
        config: Mapping[str, object] | None = None,
        targets: Sequence[str] = (),
        cores: int = 2,
        typed: str | None = None,
    ) -> Run:
        """Call Snakemake on the tiny experiment, or other config files, with changes by hand.

        `typed` is what it, or a debugger in one of its jobs, reads from the terminal.
        """
        changes = [f"{key}={value}" for key, value in (config or {}).items()]
        settings = ["--config", *changes] if changes else []
        finished = subprocess.run(
            [
                *(sys.executable, "-m", "snakemake", "--cores", str(cores)),
                *("--configfile", *files, *options),
                *settings,
                *("--", *targets),
            ],
            cwd=self.root,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        return Run(finished.returncode, finished.stdout)

    def make(
        self, *targets: str, config: Mapping[str, object] | None = None, cores: int = 2
    ) -> str:
        """Call Snakemake, which must succeed, and give its output."""
        run = self.snakemake(config=config, targets=targets, cores=cores)
        assert run.code == 0, run.output
        return run.output

    def plan(self, *files: str, **config: object) -> Plan:
        """What would run, without running it."""
        run = self.snakemake("--dag", files=files or ("tiny.yaml",), config=config)
        assert run.code == 0, run.output
        nodes = list(NODE.finditer(run.output))
        assert nodes, run.output
        labels = [node["label"].split("\\n") for node in nodes if not node["done"]]
        trainings = [
            dict(wildcard.split(": ") for wildcard in wildcards)
            for rule, *wildcards in labels
            if rule == "train"
        ]
        return Plan(
            {rule for rule, *_ in labels} - {"provenance"},
            {(wildcards["scheme"], int(wildcards["width"])) for wildcards in trainings},
        )

    @contextmanager
    def changed(self, path: str) -> Iterator[Path]:
        """A file that may be changed until the block ends."""
        file = self.root / path
        content, times = file.read_bytes(), file.stat()
        try:
            yield file
        finally:
            file.write_bytes(content)
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def append(file: Path, text: str) -> None:
    """Add lines to a file."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(text)


def write_images(path: Path, seed: int) -> None:
    """24 training and 8 test images of 4x4 pixels, in three classes."""
    rng = np.random.default_rng(seed)
    np.savez(
        path,
        name=IMAGES_NAME,
        train_images=rng.integers(0, 256, (24, 4, 4), dtype=np.uint8),
        train_labels=np.arange(24) % 3,
        test_images=rng.integers(0, 256, (8, 4, 4), dtype=np.uint8),
        test_labels=np.arange(8) % 3,
    )


def table(path: Path) -> list[dict[str, str]]:
    """A CSV file's rows."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def lines_of(
    path: Path, scheme: str, *, width: int | None = None, seeds: int | None = None
) -> list[str]:
    """A CSV file's lines about a scheme, as written; at one width, of the first seeds, if given."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    rows = table(path)
    assert len(rows) == len(lines)
    return [
        line
        for line, row in zip(lines, rows, strict=True)
        if row["scheme"] == scheme
        and (width is None or int(row["width"]) == width)
        and (seeds is None or int(row["seed"]) < seeds)
    ]
