"""Table 1, cell by cell: what the paper says, what was measured, and whether they agree.

Every verdict is a rule of `trends` on numbers of the scaling table.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from infwidth.files.tables import read_csv, write_csv
from infwidth.measures.claims import claim_on
from infwidth.measures.estimate import NOT_MEASURED, Estimate
from infwidth.measures.losses import final
from infwidth.measures.metrics import JUDGING, RETAINING, SHOWN, Metric, headline
from infwidth.measures.misfit import CROSSOVER, Law
from infwidth.measures.scaling import groups
from infwidth.measures.trends import OURS, RULES, Thresholds, Trend, readings


@dataclass(frozen=True)
class Judgement:
    """One row of table1.csv: the verdict on a cell, and the numbers that stand in it.

    `paper` and `agrees` are empty where the paper makes no claim. Value and exponent are those of
    the metric that is shown; `judging` and its exponents, `law` and the local exponent those of the
    metric that the rule read, and `raw_exponent` its exponent without the finite-width term, empty
    where the law has none; `loss` is the scheme's training loss at the last step.
    """

    scheme: str
    column: str
    measured: str
    paper: str
    agrees: str
    layer: int
    kind: str
    value: float
    value_low: float
    value_high: float
    exponent: float
    ci_low: float
    ci_high: float
    reason: str
    law: Law
    local_exponent: float
    local_low: float
    local_high: float
    raw_exponent: float
    judging: float
    judging_low: float
    judging_high: float
    judging_exponent: float
    judging_exponent_low: float
    judging_exponent_high: float
    retention: float
    retention_low: float
    retention_high: float
    loss: float
    loss_low: float
    loss_high: float


def judge(
    scheme: str,
    layer: int,
    kind: str,
    trends: Mapping[str, Trend],
    thresholds: Thresholds,
    diverged: int = 0,
    loss: Estimate = NOT_MEASURED,
) -> list[Judgement]:
    """The three cells of one scheme, from its trends by metric name."""
    cells = []
    unknown = Trend(NOT_MEASURED, NOT_MEASURED, unresolved=0)
    for column in RULES:
        judging = JUDGING[column]
        read, shown = trends[judging.name], trends[SHOWN[column].name]
        by_rule = readings(column, read, thresholds)
        measured, _ = by_rule[OURS]
        retaining = RETAINING.get(column)
        kept = trends.get(retaining.name, unknown) if retaining else unknown
        raw = read.others.get("raw", NOT_MEASURED).value if judging.corrected else math.nan
        claim = claim_on(scheme, column)
        cells.append(
            Judgement(
                scheme=scheme,
                column=column,
                measured=measured,
                paper=claim.words if claim else "",
                agrees=str(measured in claim.agreeing).lower() if claim else "",
                layer=layer,
                kind=kind,
                value=shown.value.value,
                value_low=shown.value.low,
                value_high=shown.value.high,
                exponent=shown.exponent.value,
                ci_low=shown.exponent.low,
                ci_high=shown.exponent.high,
                reason="; ".join([*_reason(judging, read, diverged), *_hangs_on(by_rule)]),
                law=read.law,
                local_exponent=read.local.value,
                local_low=read.local.low,
                local_high=read.local.high,
                raw_exponent=raw,
                judging=read.value.value,
                judging_low=read.value.low,
                judging_high=read.value.high,
                judging_exponent=read.exponent.value,
                judging_exponent_low=read.exponent.low,
                judging_exponent_high=read.exponent.high,
                retention=kept.value.value,
                retention_low=kept.value.low,
                retention_high=kept.value.high,
                loss=loss.value,
                loss_low=loss.low,
                loss_high=loss.high,
            )
        )
    return cells


def _reason(metric: Metric, trend: Trend, diverged: int) -> Iterator[str]:
    """The numbers that the rule read, in words."""
    if not math.isnan(trend.value.value):
        yield f"{metric.name} {trend.value.value:.3g} at the largest width"
    elif not math.isnan(trend.value.high):
        yield f"{metric.name} under {trend.value.high:.3g} at the largest width"
    exponent, low, _ = trend.exponent
    if math.isnan(exponent):
        yield "too few resolved widths for an exponent"
    elif math.isnan(low):
        yield f"exponent {exponent:.2f}, no interval from a single seed"
    else:
        yield f"exponent {_power(trend.exponent)}"
    if trend.law == CROSSOVER:
        yield (
            f"not a single power: local exponent {_power(trend.local)} at the largest widths, "
            "from which no limit at n = ∞ follows"
        )
    if trend.unresolved:
        # A change has no resolution; it is missing where there was nothing to change.
        why = "undefined" if metric.matrix is None else "under resolution"
        yield f"{trend.unresolved} points {why}"
    if diverged:
        yield f"{diverged} runs diverged"


def _power(exponent: Estimate) -> str:
    return f"{exponent.value:.2f} in [{exponent.low:.2f}, {exponent.high:.2f}]"


# How κ is bounded, in words.
BOUNDS = {
    OURS: "with κ in [0, 1]",
    "raw": "raw (κ = 0)",
    "full": "with κ = 1",
    "unbounded": "with κ >= 0",
}


def _hangs_on(by_rule: Mapping[str, tuple[str, Estimate]]) -> Iterator[str]:
    """What other bounds of κ say, where they say another word."""
    ours, _ = by_rule[OURS]
    others = [_said(rule, *read) for rule, read in by_rule.items() if read[0] != ours]
    if others:
        yield f"the word depends on the finite-width correction: {', '.join(others)}"


def _said(rule: str, word: str, exponent: Estimate) -> str:
    return f"{word} {BOUNDS[rule]}, exponent {_power(exponent)}"


def write(folder: Path, **thresholds: float) -> None:
    """Write table1.csv, table1_layers.csv and table1_rules.csv, in a paper folder.

    They are made from scaling.csv, diverged.csv and runs.csv.

    Args:
        folder: the paper folder.
        thresholds: the fields of `Thresholds`.
    """
    scaling, diverged, runs = (
        read_csv(folder / f"{name}.csv") for name in ("scaling", "diverged", "runs")
    )
    rules = Thresholds(**thresholds)
    headline, layers = table1(scaling, diverged, rules, final(runs, "train_loss"))
    write_csv(headline, folder / "table1.csv")
    write_csv(layers, folder / "table1_layers.csv")
    write_csv(rules_table(scaling, rules), folder / "table1_rules.csv")


def table1(
    scaling: pd.DataFrame,
    diverged: pd.DataFrame,
    thresholds: Thresholds,
    losses: Mapping[str, Estimate] = MappingProxyType({}),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table 1 at the headline layer (the last one's pre-activations), and at every layer and kind.

    Args:
        scaling: scaling.csv.
        diverged: diverged.csv; every run in it is told of in the cells of its scheme.
        thresholds: of the rules.
        losses: scheme -> its training loss, which stands beside its cells.
    """
    lost = diverged["scheme"].value_counts()
    cells: list[Judgement] = []
    for (scheme, layer, kind), rows in groups(scaling):
        trends = {str(row["metric"]): Trend.of(row) for _, row in rows.iterrows()}
        loss = losses.get(scheme, NOT_MEASURED)
        cells += judge(scheme, layer, kind, trends, thresholds, int(lost.get(scheme, 0)), loss)
    every = pd.DataFrame([asdict(cell) for cell in cells])
    return headline(every).reset_index(drop=True), every


def rules_table(scaling: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """Table 1's verdicts with every bound of κ: a row for each cell and rule.

    Columns are `scheme, column, rule, measured, exponent, ci_low, ci_high, agrees`, of the metric
    that the verdict is read from.
    """
    rows = []
    for (scheme, _, _), trends in groups(headline(scaling)):
        by_metric = {str(row["metric"]): Trend.of(row) for _, row in trends.iterrows()}
        for column in RULES:
            claim = claim_on(scheme, column)
            read = readings(column, by_metric[JUDGING[column].name], thresholds)
            rows += [
                {"scheme": scheme, "column": column, "rule": rule, "measured": word}
                | exponent.columns("exponent")
                | {"agrees": str(word in claim.agreeing).lower() if claim else ""}
                for rule, (word, exponent) in read.items()
            ]
    return pd.DataFrame(rows)


def where_rules_disagree(rules: pd.DataFrame) -> list[str]:
    """A sentence for each cell whose verdict depends on how κ is bounded.

    Args:
        rules: table1_rules.csv.
    """
    sentences = []
    for (scheme, column), rows in rules.groupby(["scheme", "column"], sort=False):
        if rows["measured"].nunique() > 1:
            said = (
                _said(str(row["rule"]), str(row["measured"]), Estimate.of(row, "exponent"))
                for row in rows.to_dict("records")
            )
            sentences.append(f"{scheme}, {column}: {'; '.join(said)}.")
    return sentences
