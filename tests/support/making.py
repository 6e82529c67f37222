"""What the default target makes of the measurements in a paper folder, without Snakemake.

By hand, in a process of its own: `cd tests; python -m making some/folder`.
"""

import json
import sys
from pathlib import Path

from infwidth.measures import scaling, through_time, verdicts
from infwidth.paper import figures, notebook, page, report, tables

WORKFLOW = Path(__file__).parents[2] / "workflow"
SCRIPT = WORKFLOW / "notebooks/analysis.py"


def judge(folder: Path) -> None:
    """Exponents, verdicts and the tables that show them."""
    config = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["config"]
    rules = {name: config[name] for name in ("stable_exponent", "small_change", "collapse_ratio")}
    fits = {name: config[name] for name in ("samples", "fit_width_ratio")}
    scaling.write(folder, steps=config["steps"], **fits)
    verdicts.write(folder, **rules)
    through_time.write(folder, **fits, **rules)
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
