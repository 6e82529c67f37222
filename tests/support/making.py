"""What the default target makes of the measurements in a paper folder, without Snakemake.

By hand, in a process of its own: `cd tests; python -m making some/folder`.
"""

import json
import sys
from pathlib import Path

from infwidth.files.tables import read_csv, write_csv
from infwidth.measures.scaling import scaling_table
from infwidth.measures.trends import Thresholds
from infwidth.measures.verdicts import rules_table, table1
from infwidth.paper import figures, notebook, page, report, tables

WORKFLOW = Path(__file__).parents[2] / "workflow"
SCRIPT = WORKFLOW / "notebooks/analysis.py"


def judge(folder: Path) -> None:
    """Exponents, verdicts and the tables that show them."""
    config = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["config"]
    fits = ("samples", "steps", "fit_width_ratio")
    scaling = scaling_table(
        read_csv(folder / "metrics.csv"),
        read_csv(folder / "spectra.csv"),
        **{name: config[name] for name in fits},
    )
    write_csv(scaling, folder / "scaling.csv")
    rules = ("stable_exponent", "small_change", "collapse_ratio")
    thresholds = Thresholds(**{name: config[name] for name in rules})
    headline, layers = table1(scaling, read_csv(folder / "diverged.csv"), thresholds)
    write_csv(headline, folder / "table1.csv")
    write_csv(layers, folder / "table1_layers.csv")
    write_csv(rules_table(scaling, thresholds), folder / "table1_rules.csv")
    tables.write(folder)


def show(folder: Path) -> None:
    """The report and the page; the figures are there already."""
    pdf = report.compile_pdf(WORKFLOW / "report/report.typ", folder)
    (folder / "report.pdf").write_bytes(pdf)
    page.write(folder, WORKFLOW / "report", ())


def everything(folder: Path) -> None:
    """All of it."""
    judge(folder)
    figures.save_all(folder, "0" * 64)
    notebook.run(SCRIPT, folder, theory=False)
    show(folder)


if __name__ == "__main__":
    everything(Path(sys.argv[1]))
