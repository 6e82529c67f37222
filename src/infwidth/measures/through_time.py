"""Table 1 at every step at which features were measured, by the same fits and rules.

Spectra are known at the first and the last step alone: the finite-width effect of a step is that of
the nearer one.
"""

from pathlib import Path

import pandas as pd

from infwidth.files.tables import read_csv, write_csv
from infwidth.measures.facts import facts_table
from infwidth.measures.finite_width import nearest_step
from infwidth.measures.metrics import headline
from infwidth.measures.scaling import scaling_table
from infwidth.measures.trends import Thresholds
from infwidth.measures.verdicts import table1

COLUMNS = (
    "scheme",
    "column",
    "step",
    "measured",
    "agrees",
    "value",
    "exponent",
    "ci_low",
    "ci_high",
)


def write(folder: Path, *, samples: int, fit_width_ratio: float, **thresholds: float) -> None:
    """Write table1_steps.csv and table1_facts.csv into a paper folder, from its tables.

    Args:
        folder: the paper folder.
        samples: N.
        fit_width_ratio: of the configuration.
        thresholds: the fields of `infwidth.measures.trends.Thresholds`.
    """
    metrics, spectra, cells = (
        read_csv(folder / f"{name}.csv") for name in ("metrics", "spectra", "table1")
    )
    rules = Thresholds(**thresholds)
    steps = steps_table(metrics, spectra, rules, samples=samples, fit_width_ratio=fit_width_ratio)
    write_csv(steps, folder / "table1_steps.csv")
    write_csv(facts_table(cells, metrics, rules), folder / "table1_facts.csv")


def steps_table(
    metrics: pd.DataFrame,
    spectra: pd.DataFrame,
    thresholds: Thresholds,
    *,
    samples: int,
    fit_width_ratio: float,
) -> pd.DataFrame:
    """The cells of Table 1 at each step but 0: a row each, with columns `COLUMNS`.

    Args:
        metrics: metrics.csv.
        spectra: spectra.csv.
        thresholds: of the rules.
        samples: N.
        fit_width_ratio: as in `scaling_table`.
    """
    metrics, spectra = headline(metrics), headline(spectra)
    parts = [pd.DataFrame(columns=list(COLUMNS))]
    for step in sorted({int(step) for step in metrics["step"] if step > 0}):
        scaling = scaling_table(
            metrics[metrics["step"].isin((0, step))],
            _standing_for(spectra, step),
            samples=samples,
            steps=step,
            fit_width_ratio=fit_width_ratio,
        )
        # Who diverged is told in a cell's reason, which stands in table1.csv.
        cells, _ = table1(scaling, pd.DataFrame({"scheme": []}), thresholds)
        parts.append(cells.assign(step=step)[list(COLUMNS)])
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _standing_for(spectra: pd.DataFrame, step: int) -> pd.DataFrame:
    """The spectra of each matrix at the known step nearest to this one, as if they were its own."""
    parts = [
        rows[rows["step"] == nearest_step(rows["step"], step)]
        for _, rows in spectra.groupby("matrix", sort=False)
    ]
    return pd.concat(parts or [spectra]).assign(step=step)
