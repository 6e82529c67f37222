"""What pages say that stands in a file already: put in when the site is built, never typed.

A comment `<!-- generated: NAME ARGUMENT ... -->` in a page is replaced by what `GENERATORS[NAME]`
makes of the repository and the arguments.
"""

import csv
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from statistics import fmean

import architecture
import yaml
from readings import readings
from robustness import multiverse

from infwidth import numbers
from infwidth.config import wording
from infwidth.config.reading import load_schema
from infwidth.config.reference import reference
from infwidth.experiment import is_multiverse
from infwidth.theory.statements import NAMES

MARK = re.compile(r"<!-- generated: (?P<name>[a-z_]+)(?P<arguments>[^>]*?) -->")
SCHEMA = "workflow/schemas/config.schema.yaml"
# Committed experiments, the first of them first.
EXPERIMENTS = ("cifar10", "digits", "wide")
# Those whose grades the overview of theory.md has.
OVERVIEWED = ("cifar10", "wide")
# A section of theory.md, by the name of its statement, up to the first sentence on its failure.
SECTION = re.compile(
    r"^## (?P<title>[^\n{]+) \{ #(?P<name>\w+) \}\n(?:(?!^## ).)*?"
    r"^\*What could have failed\.\* (?P<failing>.+?\.)\s",
    re.MULTILINE | re.DOTALL,
)


@cache
def expanded(markdown: str, root: Path) -> str:
    """A page with its marks replaced.

    Raises:
        KeyError: a mark names no generator.
    """
    return MARK.sub(
        lambda mark: GENERATORS[mark["name"]](root, *mark["arguments"].split()), markdown
    )


def config_reference(root: Path) -> str:
    """Every key of config.yaml."""
    texts = {path: path.read_text(encoding="utf-8") for path in (root / "config").glob("*.yaml")}
    experiments = {
        f"config/{path.name}": texts[path]
        for path in sorted(texts)
        if not is_multiverse(yaml.safe_load(texts[path]))
    }
    config = (root / "config.yaml").read_text(encoding="utf-8")
    return reference(config, load_schema(root / SCHEMA), experiments)


def reading_keys(root: Path) -> str:
    """Every key of a multiverse's readings."""
    schema = load_schema(root / "workflow/schemas/multiverse.schema.yaml")
    return _table(
        ("key", "what it says", "may be"),
        (
            (f"`{key}`", inner["description"], wording.allowed(inner))
            for key, inner in schema["$defs"]["reading"]["properties"].items()
        ),
    )


def make_targets(root: Path) -> str:
    """The targets of the Makefile and what it says of each."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):.*?## (.+)$", makefile, re.MULTILINE)
    return _table(("command", "what it does"), ((f"`make {name}`", does) for name, does in targets))


def table(root: Path, path: str) -> str:
    """The first table of a Markdown file."""
    lines = (root / path).read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    end = next(
        (number for number in range(start, len(lines)) if not lines[number].startswith("|")),
        len(lines),
    )
    return "\n".join(lines[start:end])


def exponents(root: Path, experiment: str, metric: str, *layers: str) -> str:
    """Values and exponents of one metric, pre-activations, from scaling.csv.

    Args:
        root: the repository.
        experiment: a folder of paper/.
        metric: of scaling.csv.
        layers: whose rows are shown.
    """
    with (root / f"paper/{experiment}/scaling.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["metric"] == metric and row["kind"] == "h" and row["layer"] in layers
        ]
    heads = ("scheme", "layer", "value at the largest n", "exponent b", "raw exponent", "κ")
    return _table(heads, (_exponent_cells(row) for row in rows))


def theory_overview(root: Path) -> str:
    """A row per section of theory.md: what could have failed, and how its findings are graded."""
    page = (root / "docs/theory.md").read_text(encoding="utf-8")
    sections = {found["name"]: found.groupdict() for found in SECTION.finditer(page)}
    found = {experiment: _findings(root, experiment) for experiment in OVERVIEWED}
    links = (f"[{experiment}](../paper/{experiment}/theory/findings.md)" for experiment in found)
    rows = []
    for name in NAMES:
        own = [row for each in found.values() for row in each if row["check"] == name]
        papers = {row["source"]: None for row in own if row["origin"] != "here"}
        grades = (_grades(each, name, bool(papers)) for each in found.values())
        section = sections[name]
        failing = " ".join(section["failing"].split())
        rows.append(
            (f"[{section['title']}](#{name})", "; ".join(papers) or "ours", failing, *grades)
        )
    return _table(("section", "who says it", "what could have failed", *links), rows)


def theory_figure(root: Path, name: str) -> str:
    """A figure of the checks of the theory, from the first experiment that has it."""
    for experiment in EXPERIMENTS:
        path = f"paper/{experiment}/theory/figures/{name}.png"
        if (root / path).is_file():
            return f"![{name}, {experiment}](../{path})"
    return ""


def sizes(root: Path, experiment: str, layer: str, metric: str) -> str:
    """A metric of a layer's pre-activations at the last step, against the width, from metrics.csv.

    Args:
        root: the repository.
        experiment: a folder of paper/.
        layer: whose h.
        metric: a column of metrics.csv; geometric means over seeds are shown.
    """
    with (root / f"paper/{experiment}/metrics.csv").open(encoding="utf-8", newline="") as file:
        every = [row for row in csv.DictReader(file) if (row["layer"], row["kind"]) == (layer, "h")]
    last = max(int(row["step"]) for row in every)
    logs: dict[tuple[str, int], list[float]] = {}
    for row in every:
        if int(row["step"]) == last:
            value = math.log(float(row[metric])) if row[metric] else math.nan
            logs.setdefault((row["scheme"], int(row["width"])), []).append(value)
    means = {key: numbers.number(math.exp(fmean(values))) for key, values in logs.items()}
    schemes, widths = (list(dict.fromkeys(parts)) for parts in zip(*means, strict=True))
    return _table(
        ("n", *map(str, schemes)),
        ((str(n), *(means[scheme, n] for scheme in schemes)) for n in widths),
    )


GENERATORS: Mapping[str, Callable[..., str]] = {
    "config_reference": config_reference,
    "reading_keys": reading_keys,
    "make_targets": make_targets,
    "rooms": lambda root: architecture.rooms(),
    "table": table,
    "exponents": exponents,
    "theory_overview": theory_overview,
    "theory_figure": theory_figure,
    "sizes": sizes,
    "readings": readings,
    "multiverse": multiverse,
}


def _findings(root: Path, experiment: str) -> list[dict[str, str]]:
    path = root / f"paper/{experiment}/theory/findings.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _grades(findings: Iterable[Mapping[str, str]], name: str, of_paper: bool) -> str:
    """How many findings of a statement have which verdict: of the paper's, or of ours."""
    counts = Counter(
        row["verdict"]
        for row in findings
        if row["check"] == name and (row["origin"] != "here") == of_paper
    )
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) or "-"


def _exponent_cells(row: Mapping[str, str]) -> Iterator[str]:
    def three(*keys: str) -> tuple[float, float, float]:
        first, second, third = (float(row[key] or "nan") for key in keys)
        return first, second, third

    yield row["scheme"]
    yield row["layer"]
    yield numbers.with_interval(*three("value", "value_low", "value_high"))
    fitted = " ".join(numbers.exponent(*three("exponent", "ci_low", "ci_high"))).strip()
    yield f"{fitted}, {row['law']}" if row["law"] == "crossover" else fitted
    yield numbers.exponent(*three(*["raw_exponent"] * 3))[0]
    yield numbers.number(float(row["correction_power"] or "nan"), 2)


def _table(heads: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
