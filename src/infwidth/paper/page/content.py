"""The words and numbers of the page: settings, the cells of Table 1, findings, provenance."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from infwidth import numbers
from infwidth.measures.estimate import Estimate
from infwidth.measures.metrics import JUDGING, SHOWN
from infwidth.paper import tables
from infwidth.paper.trained import Trained

MARKS: Mapping[str, tuple[str, str]] = {
    "agrees": ("✓", "agrees"),
    "disagrees": ("✗", "disagrees"),
    "no claim": ("", "no claim"),
    "verified": ("✓", "verified"),
    "depends": ("~", "depends"),
    "refuted": ("✗", "refuted"),
    "undetermined": ("?", "undetermined"),
}
# Of all settings but those below, by the summary that was at hand.
_NOT_STATED = "not stated"
ORIGINS: Mapping[str, str] = {
    "paper": "the paper",
    "follows": "follows from it",
    "here": "here",
}


def grades(findings: Sequence[Mapping[str, Any]]) -> str:
    """How many of the paper's own statements have which verdict, in words; empty without any.

    >>> grades([{"origin": "paper", "verdict": "verified"}])
    '1 of 1 statements of the paper verified'
    """
    own = [finding["verdict"] for finding in findings if finding["origin"] == "paper"]
    if not own:
        return ""
    words = {"depends": "dependent", "undetermined": "undetermined", "refuted": "refuted"}
    others = [f", {own.count(key)} {word}" for key, word in words.items() if key in own]
    verified = own.count("verified")
    return f"{verified} of {len(own)} statements of the paper verified" + "".join(others)


LOSSES: Mapping[str, str] = {
    "mse": "half the squared error, summed over the outputs",
    "cross_entropy": "cross-entropy",
}


@dataclass(frozen=True)
class Setting:
    """A setting of the run: what it is, its value, and what the paper says of it."""

    name: str
    value: str
    paper: str = _NOT_STATED


@dataclass(frozen=True)
class CellInWords:
    """A cell of Table 1 as the page has it: its numbers written out.

    Attributes:
        place: "SP, layer 3, h".
        column: of table1.csv.
        metric: the one whose value it shows; with `layer` and `kind`, the plot it was read from.
        judged_by: the metric that its verdict was read from.
        mark: agreement as a sign, empty where the paper makes no claim.
        agreement: agreement in words.
        judging: the value that the rule read, with its interval.
        power: its exponent, empty where there is none.
        interval: of the exponent.
        raw: the exponent without the finite-width term, empty where there is none.
        local: what is told of the exponent where a single power is refused, else empty.
        retention: what training left of `judging`, empty where it is not known.
        value: of `metric`, where that is not what the rule read; else empty.
    """

    scheme: str
    column: str
    metric: str
    judged_by: str
    layer: int
    kind: str
    measured: str
    paper: str
    mark: str
    agreement: str
    judging: str
    power: str
    interval: str
    raw: str
    local: str
    retention: str
    value: str
    reason: str

    @property
    def differs(self) -> bool:
        """The cell disagrees with the paper."""
        return self.agreement == "disagrees"


@dataclass(frozen=True)
class Row:
    """The cells of one scheme, layer and kind, by column; `loss` is the scheme's, with interval."""

    scheme: str
    layer: int
    kind: str
    cells: Mapping[str, CellInWords]
    loss: str


def rows(table: pd.DataFrame) -> Iterator[Row]:
    """The rows of Table 1, in the order of the file.

    Args:
        table: as from `tables.read`.
    """
    for _, part in table.groupby(["scheme", "layer", "kind"], sort=False):
        cells = {str(row["column"]): _cell(row) for _, row in part.iterrows()}
        first = next(iter(cells.values()))
        # The interval is not broken in its middle.
        loss = numbers.with_interval(*Estimate.of(part.iloc[0], "loss")).replace(", ", ",\u00a0")
        yield Row(first.scheme, first.layer, first.kind, cells, loss)


def _cell(row: "pd.Series[Any]") -> CellInWords:
    shown = tables.cell(row)
    column = str(row["column"])
    mark, agreement = MARKS[shown.agreement]
    has_power = math.isfinite(shown.exponent.value)
    has_raw = has_power and math.isfinite(shown.raw_exponent)
    power, interval = numbers.exponent(*shown.exponent) if has_power else ("", "")
    return CellInWords(
        scheme=str(row["scheme"]),
        column=column,
        metric=SHOWN[column].name,
        judged_by=JUDGING[column].name,
        layer=int(row["layer"]),
        kind=str(row["kind"]),
        measured=shown.measured,
        paper=shown.paper,
        mark=mark,
        agreement=agreement,
        judging=numbers.with_interval(*shown.judging),
        power=power,
        interval=interval,
        raw=numbers.exponent(*(shown.raw_exponent,) * 3)[0] if has_raw else "",
        local=f"{tables.BENT} {numbers.power(*shown.local)}" if shown.local else "",
        retention=numbers.with_interval(*shown.retention) if shown.retained else "",
        value=numbers.with_interval(*shown.value) if shown.value else "",
        reason=shown.reason,
    )


def counted(count: int, one: str, several: str) -> str:
    """A count in words.

    >>> counted(1, "seed", "seeds"), counted(3, "seed", "seeds")
    ('1 seed', '3 seeds')
    """
    return f"{count} {one if count == 1 else several}"


def settings(content: Mapping[str, Any], how: Trained) -> list[Setting]:
    """What the run was, from provenance.json, and how it was trained."""
    config = content["config"]
    widths = ", ".join(map(str, config["widths"]))
    return [
        Setting("data set", content["data"]["name"], "CIFAR-10"),
        Setting("images, probes N" if how.apart else "samples N", how.inputs),
        Setting(
            "inputs",
            f"standardised per pixel (statistics of the first {config['pool']}), unit norm",
        ),
        Setting("hidden layers L", str(config["hidden_layers"]), "3"),
        Setting("schemes", ", ".join(config["schemes"]), "SP, NTP, IP, µP"),
        Setting("activation φ", str(config["activation"])),
        Setting("loss", LOSSES.get(config["loss"], str(config["loss"]))),
        Setting("widths n", widths),
        Setting("seeds", str(config["seeds"])),
        Setting("learning rate η", str(config["learning_rate"])),
        Setting("steps T", f"{how.steps} ({how.epochs})" if how.epochs else str(how.steps)),
        Setting("batch", how.batch),
        *([Setting("losses, accuracies", f"over {how.read}")] if how.read else []),
        Setting("initial scale σ", str(config["init_std"])),
        Setting("reference width n₀", str(config["reference_width"])),
        Setting("arithmetic", f"{config['precision']} training, float64 spectra"),
        Setting("hidden layers held", _held(config)),
    ]


def _held(config: Mapping[str, Any]) -> str:
    lazy = f"drawn lazily (tolerance {config['lazy_tolerance']})"
    ways = {"dense": "dense", "lazy": lazy}
    return ways.get(config["layer"], f"dense, or {lazy} at widths where that is quicker")


def thresholds(config: Mapping[str, Any]) -> list[str]:
    """The rules of the verdicts, in sentences with their thresholds; all are ours."""
    stable, small = config["stable_exponent"], config["small_change"]
    collapse = numbers.number(config["collapse_ratio"], 1)
    return [
        "A power of n falls, is stable or grows if its whole 95 % interval lies below, within or "
        f"above ±{stable}.",
        f"A change is small if it is under {small} at the largest width and falls, and large if it "
        "is not under it and does not fall.",
        "Features are collapsed if the least eigenvalue over the mean one is under "
        f"{collapse} at the largest width, or falls, and rich if it is above and does not fall.",
        "Least eigenvalues take part in a fit from "
        f"n = {config['fit_width_ratio']} times the rows of their matrix on.",
        "What no rule settles is undetermined.",
    ]


def provenance(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values of what made the run, without the configuration and the costs."""
    packages = ", ".join(f"{name} {version}" for name, version in content["packages"].items())
    return [
        ("device", ", ".join(content["device"])),
        ("Python", content["python"]),
        ("packages", packages),
        ("data set", content["data"]["name"]),
        ("prepared inputs, SHA-256", content["data"]["sha256"]),
        ("configuration, SHA-256", content["config_sha256"]),
        ("code, SHA-256", content["code"]),
    ]


def costs(content: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Rule, jobs, seconds of all and greatest memory of one, in the order of the run."""
    jobs = pd.DataFrame(content["rules"], columns=["rule", "job", "seconds", "max_rss_mb"])
    return [
        (
            str(rule),
            str(len(part)),
            f"{part['seconds'].sum():.1f}",
            numbers.NOTHING
            if part["max_rss_mb"].isna().all()
            else f"{part['max_rss_mb'].max():.0f}",
        )
        for rule, part in jobs.groupby("rule", sort=False)
    ]
