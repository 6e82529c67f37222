"""Outcomes for a terminal: one line per file, and where it differs below."""

from collections.abc import Sequence

from infwidth.review.reviewing import Outcome

HEADS = ("experiment", "file", "result")


def shown(outcomes: Sequence[Outcome]) -> str:
    """A table of all outcomes; what does not pass is marked, and has a line for each difference."""
    lines = [(one.experiment, one.output, f"{_mark(one)} {one.result}") for one in outcomes]
    widths = [max(map(len, column)) for column in zip(HEADS, *lines, strict=True)]
    rows = [_row(HEADS, widths).rstrip()]
    for outcome, line in zip(outcomes, lines, strict=True):
        first, *more = outcome.details or ("",)
        rows.append(f"{_row(line, widths)}  {first}".rstrip())
        rows += [f"{' ' * (sum(widths) + 6)}{detail}" for detail in more]
    return "\n".join(rows)


def summary(outcomes: Sequence[Outcome]) -> str:
    """The last line."""
    wrong = [outcome for outcome in outcomes if not outcome.passes]
    experiments = ", ".join(dict.fromkeys(outcome.experiment for outcome in outcomes))
    if not wrong:
        return f"{experiments}: all agrees with the measurements"
    failing = ", ".join(dict.fromkeys(outcome.experiment for outcome in wrong))
    return f"{len(wrong)} of {len(outcomes)} files do not agree, in {failing}"


def _mark(outcome: Outcome) -> str:
    return "✓" if outcome.passes else "✗"


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
