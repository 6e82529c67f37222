"""What is made from the measurements: which files, and by which functions of the library.

Each task reads from a paper folder what the measurements and the tasks before it left there, as the
rules of the workflow do, and writes its own files.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Imported before a notebook is run beside the figures: the kernel's client imports it late, and
# matplotlib, which looks for it, would fall over one that is half there.
import IPython  # noqa: F401

from infwidth.files.tables import read_csv, write_csv
from infwidth.jobs.provenance import figures_digest
from infwidth.measures.scaling import scaling_table
from infwidth.measures.verdicts import Thresholds, table1
from infwidth.paper import figures, page, tables
from infwidth.paper import findings as theory_tables
from infwidth.paper.notebook import run
from infwidth.paper.report import compile_pdf
from infwidth.theory import drawing
from infwidth.theory.limits.measure import limits_table
from infwidth.theory.statements import DRAWN


@dataclass(frozen=True)
class Setting:
    """What tasks need besides the files.

    Attributes:
        config: the checked configuration, from provenance.json.
        workflow: the workflow's folder, which has the notebook's and the report's sources.
    """

    config: Mapping[str, Any]
    workflow: Path

    @property
    def theory(self) -> bool:
        """Whether the checks of the theory belong to the experiment."""
        return bool(self.config.get("theory", False))


@dataclass(frozen=True)
class Task:
    """Files that are made together.

    Attributes:
        outputs: the files, by their names in the paper folder.
        make: makes them in a folder.
        aside: whether it can be made beside the tasks after it, none of which needs it.
    """

    outputs: tuple[str, ...]
    make: Callable[[Path, Setting], None]
    aside: bool = False


def tasks(setting: Setting) -> list[Task]:
    """All that is regenerated, in the order it is made in."""
    return [
        Task(("scaling.csv",), _scaling),
        Task(("table1.csv", "table1_layers.csv"), _verdicts),
        Task(tuple(tables.WRITTEN), lambda folder, _: tables.write(folder)),
        *(_theory_tables() if setting.theory else []),
        Task(("analysis.ipynb",), _notebook, aside=True),
        Task(_pictures("figures", figures.FIGURES), _figures),
        *(_theory_figures() if setting.theory else []),
        # After the figures, which it shows.
        Task(("report.pdf",), _report),
        Task(("index.html",), _page),
    ]


def _pictures(folder: str, names: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}{suffix}" for name in names for suffix in (".pdf", ".png"))


def _scaling(folder: Path, setting: Setting) -> None:
    table = scaling_table(
        read_csv(folder / "metrics.csv"),
        read_csv(folder / "spectra.csv"),
        samples=setting.config["samples"],
        steps=setting.config["steps"],
        fit_width_ratio=setting.config["fit_width_ratio"],
    )
    write_csv(table, folder / "scaling.csv")


def _verdicts(folder: Path, setting: Setting) -> None:
    names = ("stable_exponent", "small_change", "collapse_ratio")
    headline, layers = table1(
        read_csv(folder / "scaling.csv"),
        read_csv(folder / "diverged.csv"),
        Thresholds(**{name: setting.config[name] for name in names}),
    )
    write_csv(headline, folder / "table1.csv")
    write_csv(layers, folder / "table1_layers.csv")


def _figures(folder: Path, setting: Setting) -> None:
    figures.save_all(folder, figures_digest(setting.config))


def _notebook(folder: Path, setting: Setting) -> None:
    source = setting.workflow / "notebooks/analysis.py"
    run(source, folder, theory=setting.theory)


def _report(folder: Path, setting: Setting) -> None:
    pdf = compile_pdf(setting.workflow / "report/report.typ", folder)
    (folder / "report.pdf").write_bytes(pdf)


def _theory_tables() -> list[Task]:
    return [
        Task(("theory/limits.csv",), _limits),
        Task(("theory/findings.csv", "theory/findings.md"), _findings),
    ]


def _theory_figures() -> list[Task]:
    return [Task(_pictures("theory/figures", dict.fromkeys(DRAWN)), _draw_theory)]


def _limits(folder: Path, setting: Setting) -> None:
    table = limits_table(
        read_csv(folder / "metrics.csv"),
        read_csv(folder / "scaling.csv"),
        stable_exponent=setting.config["stable_exponent"],
        steps=setting.config["steps"],
    )
    write_csv(table, folder / "theory/limits.csv")


def _findings(folder: Path, setting: Setting) -> None:
    theory_tables.write(folder / "theory")


def _draw_theory(folder: Path, setting: Setting) -> None:
    drawing.save_all(folder / "theory", figures_digest(setting.config, theory=True))


def _page(folder: Path, setting: Setting) -> None:
    page.write(folder, setting.workflow / "report", theory=setting.theory)
