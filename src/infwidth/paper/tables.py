"""Table 1 as Markdown and as LaTeX, from table1.csv: what was measured beside what is claimed."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from infwidth import numbers
from infwidth.files.tables import read_csv
from infwidth.measures.estimate import Estimate
from infwidth.measures.metrics import JUDGING, RETAINING, SHOWN, Metric
from infwidth.measures.misfit import CROSSOVER

Agreement = Literal["agrees", "disagrees", "no claim"]
LOSS = "Training loss"
# What is told of an exponent where the measurements refuse a single power.
BENT = "no single power: locally"
# What `write` writes.
WRITTEN = ("table1.md", "table1.tex", "table1_layers.md")


@dataclass(frozen=True)
class Cell:
    """One cell of the table: a row of table1.csv.

    Attributes:
        judging: the value that the rule read, and `exponent` its power of the width; `raw_exponent`
            is that without the finite-width term, NaN where there is none.
        local: the exponent at the largest widths, where the measurements refuse a single power;
            else None.
        value: what the column shows, where that is another metric; None where it is the same.
        retention: what training left of `judging`, all NaN in columns that do not tell.
    """

    column: str
    measured: str
    paper: str
    agreement: Agreement
    judging: Estimate
    exponent: Estimate
    raw_exponent: float
    local: Estimate | None
    value: Estimate | None
    retention: Estimate
    reason: str

    @property
    def judged_by(self) -> Metric:
        """The metric that the rule read."""
        return JUDGING[self.column]

    @property
    def retained(self) -> bool:
        """Whether it is known what training left."""
        return math.isfinite(self.retention.high)


def read(path: Path) -> pd.DataFrame:
    """The rows of table1.csv or table1_layers.csv; `agrees` becomes words.

    Raises:
        ValueError: `agrees` holds something else than true, false or nothing.
    """
    table = read_csv(path)
    words = {"true": "agrees", "false": "disagrees", "": "no claim"}
    agrees = table["agrees"].str.lower()
    unknown = sorted(set(agrees) - set(words))
    if unknown:
        raise ValueError(f"{path}: column agrees holds {unknown}, not true, false or nothing")
    table["agrees"] = agrees.map(words)
    return table


def write(folder: Path) -> None:
    """Write `WRITTEN` from table1.csv and table1_layers.csv, all in a paper folder.

    Raises:
        OSError, ValueError: as `read`.
    """
    headline, layers = read(folder / "table1.csv"), read(folder / "table1_layers.csv")
    for name, text in zip(
        WRITTEN, (markdown(headline), latex(headline), markdown(layers)), strict=True
    ):
        (folder / name).write_text(text, encoding="utf-8")


def disagreements(table: pd.DataFrame) -> list[str]:
    """A sentence for each cell that does not agree with the paper."""
    return [
        f"{row['scheme']}, {SHOWN[row['column']].title.lower()}: claimed is "
        f"“{row['paper']}”, measured is “{row['measured']}” ({row['reason']})"
        for _, row in table[table["agrees"] == "disagrees"].iterrows()
    ]


def cell(row: "pd.Series[float]") -> Cell:
    """The cell that a row of table1.csv describes."""
    column = str(row["column"])
    return Cell(
        column=column,
        measured=str(row["measured"]),
        paper=str(row["paper"]),
        agreement=str(row["agrees"]),  # type: ignore[arg-type]
        judging=Estimate.of(row, "judging"),
        exponent=Estimate.of(row, "judging_exponent"),
        raw_exponent=float(row["raw_exponent"]),
        local=Estimate.of(row, "local_exponent", "local") if str(row["law"]) == CROSSOVER else None,
        value=None if JUDGING[column] is SHOWN[column] else Estimate.of(row, "value"),
        retention=Estimate.of(row, "retention"),
        reason=str(row["reason"]),
    )


def plain(table: pd.DataFrame) -> str:
    """Any table as Markdown, its cells as they are."""
    lines = [_pipes(map(str, table.columns)), _pipes(["---"] * len(table.columns))]
    lines += [_pipes(map(str, row)) for row in table.itertuples(index=False)]
    return "\n".join(lines)


def markdown(table: pd.DataFrame) -> str:
    """Table 1 as Markdown: a row per scheme (and layer and kind, where there are several)."""
    keys = _keys(table)
    heads = [
        *(key.capitalize() for key in keys),
        *(metric.title for metric in SHOWN.values()),
        LOSS,
    ]
    lines = [_pipes(heads), _pipes(["---"] * len(heads))]
    for key, cells, loss in _rows(table, keys, _markdown_cell):
        lines.append(_pipes([f"**{key[0]}**", *key[1:], *cells, numbers.with_interval(*loss)]))
    values = "; ".join(_measured(column) for column in SHOWN)
    return "\n".join(lines) + f"\n\n{_note(table)} {values}.\n"


def latex(table: pd.DataFrame) -> str:
    """Table 1 as a LaTeX tabular (packages booktabs and amssymb), to stand in a table*."""
    keys = _keys(table)
    spec = "@{}" + "l" * (len(keys) + len(SHOWN) + 1) + "@{}"
    heads = [
        *(key.capitalize() for key in keys),
        *(metric.title for metric in SHOWN.values()),
        LOSS,
    ]
    units = ["" for _ in keys] + [_tex(JUDGING[column]) for column in SHOWN] + [""]
    lines = [
        r"% Needs \usepackage{booktabs} and \usepackage{amssymb}; put it in a table* environment.",
        rf"\begin{{tabular}}{{{spec}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        " & ".join(units) + r" \\",
        r"\midrule",
    ]
    rows = [
        " & ".join([*(_escaped(part) for part in key), *cells, _latex_value(loss)]) + r" \\"
        for key, cells, loss in _rows(table, keys, _latex_cell)
    ]
    lines.append("\n\\addlinespace\n".join(rows))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _keys(table: pd.DataFrame) -> list[str]:
    several = len(table[["layer", "kind"]].drop_duplicates()) > 1
    return ["scheme", "layer", "kind"] if several else ["scheme"]


def _rows(
    table: pd.DataFrame, keys: list[str], show: Callable[[Cell], str]
) -> Iterable[tuple[list[str], list[str], Estimate]]:
    """The keys, the shown cells and the loss of each row of the table, in the order of the file."""
    for _, rows in table.groupby(keys, sort=False):
        found = {row["column"]: cell(row) for _, row in rows.iterrows()}
        cells = [show(found[name]) if name in found else numbers.NOTHING for name in SHOWN]
        first = rows.iloc[0]
        yield [str(first[key]) for key in keys], cells, Estimate.of(first, "loss")


def _note(table: pd.DataFrame) -> str:
    first = table.iloc[0]
    place = f"layer {first['layer']}, {first['kind']}; " if len(_keys(table)) == 1 else ""
    return (
        f"Each cell: the verdict, the value that decides it, at the largest width, and its fitted "
        f"power of the width n, both with 95 % intervals over seeds (raw: the power without the "
        f"finite-width term), and the claim of the paper as summarised ({place}“<” marks an upper "
        f"limit; the training loss is that at the last step). Values are"
    )


def _measured(column: str) -> str:
    """What the numbers of a column are, in HTML."""
    shown, judging = SHOWN[column], JUDGING[column]
    title = shown.title.lower()
    if shown is judging:
        return f"{title}: {shown.symbol.html}"
    also = [f"{shown.symbol.html}"]
    if column in RETAINING:
        also.insert(0, f"its {RETAINING[column].noun}, over the same at step 0")
    return f"{title}: the {judging.noun} {judging.symbol.html}, {', and '.join(also)}"


def _pipes(cells: Iterable[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |"


def _markdown_cell(shown: Cell) -> str:
    mark = {"agrees": "✓ agrees", "disagrees": "✗ **disagrees**", "no claim": ""}[shown.agreement]
    power, interval = numbers.exponent(*shown.exponent)
    power = f"∝ n<sup>{power}</sup> {interval}".strip()
    if math.isfinite(shown.raw_exponent):
        power += f", raw {numbers.exponent(*(shown.raw_exponent,) * 3)[0]}"
    same = shown.value is None
    lines = [
        f"**{shown.measured}** {mark}".strip(),
        ("" if same else f"{shown.judged_by.noun} ") + numbers.with_interval(*shown.judging),
        power if math.isfinite(shown.exponent.value) else "",
        _markdown_local(shown.local) if shown.local else "",
        f"retention {numbers.with_interval(*shown.retention)}" if shown.retained else "",
        f"{SHOWN[shown.column].symbol.html}: {numbers.with_interval(*shown.value)}"
        if shown.value
        else "",
        f"*claimed: {shown.paper}*" if shown.paper else "",
        f"({shown.reason})" if _needs_reason(shown) else "",
    ]
    return "<br>".join(line for line in lines if line)


def _markdown_local(local: Estimate) -> str:
    power, interval = numbers.exponent(*local)
    return f"{BENT} n<sup>{power}</sup> {interval}".strip()


def _latex_cell(shown: Cell) -> str:
    mark = {
        "agrees": r"$\checkmark$ agrees",
        "disagrees": r"$\times$ \textbf{disagrees}",
        "no claim": "",
    }[shown.agreement]
    power, interval = numbers.exponent(*shown.exponent, tex=True)
    raw = numbers.exponent(*(shown.raw_exponent,) * 3, tex=True)[0]
    power = rf"$\propto n^{{{power}}}\ {interval}$"
    if math.isfinite(shown.raw_exponent):
        power += f", raw ${raw}$"
    same = shown.value is None
    lines = [
        rf"\textbf{{{_escaped(shown.measured)}}} {mark}".strip(),
        ("" if same else f"{shown.judged_by.noun} ") + _latex_value(shown.judging),
        power if math.isfinite(shown.exponent.value) else "",
        _latex_local(shown.local) if shown.local else "",
        f"retention {_latex_value(shown.retention)}" if shown.retained else "",
        f"{_tex(SHOWN[shown.column])}: {_latex_value(shown.value)}" if shown.value else "",
        rf"\emph{{claimed: {_escaped(shown.paper)}}}" if shown.paper else "",
        f"({_escaped(shown.reason)})" if _needs_reason(shown) else "",
    ]
    body = r" \\ ".join(line for line in lines if line)
    return rf"\begin{{tabular}}[t]{{@{{}}l@{{}}}}{body}\end{{tabular}}"


def _latex_local(local: Estimate) -> str:
    power, interval = numbers.exponent(*local, tex=True)
    return rf"{BENT} $n^{{{power}}}\ {interval}$"


def _latex_value(value: Estimate) -> str:
    text = numbers.with_interval(*value, tex=True)
    return "--" if text == numbers.NOTHING else f"${text}$"


def _tex(metric: Metric) -> str:
    """Its symbol, without the thin spaces, for which a cell has no room."""
    return f"${metric.symbol.tex.replace(chr(92) + ',', '')}$"


def _needs_reason(shown: Cell) -> bool:
    """A disagreement is explained, and runs that are missing are told of whatever the verdict."""
    return shown.agreement == "disagrees" or "diverged" in shown.reason


def _escaped(text: str) -> str:
    """Text for LaTeX: µ becomes math, special characters are escaped."""
    special = {character: f"\\{character}" for character in "&%$#_{}"}
    special |= {"µ": r"$\mu$", "μ": r"$\mu$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {"\\": r"\textbackslash{}"}
    return "".join(special.get(character, character) for character in text)
