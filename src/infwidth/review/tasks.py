"""What is made from the measurements: which files, and by which functions of the library.

Each task reads from a paper folder what the measurements and the tasks before it left there, and
writes its own files, by the function that the rule's script calls, too.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Imported before a notebook is run beside the figures: the kernel's client imports it late, and
# matplotlib, which looks for it, would fall over one that is half there.
import IPython  # noqa: F401

from infwidth.experiment import is_multiverse, steps_of
from infwidth.files.tables import write_csv
from infwidth.jobs.provenance import MEASURED_WORLDS, figures_digest, measured_files
from infwidth.measures import scaling, through_time, verdicts
from infwidth.multiverse import figures as world_figures
from infwidth.multiverse.robustness import factors, shares, summary
from infwidth.paper import figures, findings, notebook, page, report, tables, worlds
from infwidth.paper.worlds import report as worlds_report
from infwidth.theory import drawing
from infwidth.theory.limits import measure as limits
from infwidth.theory.measuring import Files
from infwidth.theory.statements import DRAWN, STATEMENTS, chosen, measured_tables

# Those of the rules of Table 1.
THRESHOLDS = ("stable_exponent", "small_change", "collapse_ratio")


# How statements are measured whose tables follow from files of the paper folder alone.
DERIVED = {"limits": limits.measured}


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
    def statements(self) -> tuple[str, ...]:
        """The statements of the theory that the experiment checks."""
        return chosen(self.config)

    @property
    def of_worlds(self) -> bool:
        """Whether it is of many worlds, not of one experiment."""
        return is_multiverse(self.config)

    @property
    def measurements(self) -> list[str]:
        """The measurements in the folder."""
        if self.of_worlds:
            return [*MEASURED_WORLDS]
        return measured_files(measured_tables(self.statements))

    @property
    def settings(self) -> dict[str, Any]:
        """The configuration with its number of steps, where it says epochs."""
        return {**self.config, "steps": steps_of(self.config)}


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
    return _of_worlds() if setting.of_worlds else _of_experiment(setting)


def _of_worlds() -> list[Task]:
    return [
        Task((shares.TABLE,), _given(shares.write)),
        Task((factors.TABLE, factors.MODELS), _given(factors.write)),
        Task((summary.TABLE,), _given(summary.write)),
        Task(
            _pictures("figures", world_figures.FIGURES),
            lambda folder, its: world_figures.save_all(folder, figures_digest(its.config)),
        ),
        Task(
            ("report.pdf",),
            lambda folder, its: worlds_report.write(folder, its.workflow / "report/multiverse.typ"),
        ),
        Task(
            ("index.html",),
            lambda folder, its: worlds.write(
                folder, its.workflow / "report/worlds", its.config["experiment"]
            ),
        ),
    ]


def _of_experiment(setting: Setting) -> list[Task]:
    listed = [
        Task(("scaling.csv",), _given(scaling.write, "samples", "steps", "fit_width_ratio")),
        Task(
            ("table1.csv", "table1_layers.csv", "table1_rules.csv"),
            _given(verdicts.write, *THRESHOLDS),
        ),
        Task(
            ("table1_steps.csv", "table1_facts.csv"),
            _given(through_time.write, "samples", "fit_width_ratio", *THRESHOLDS),
        ),
        Task(tables.WRITTEN, _given(tables.write)),
        *(_statement(name) for name in setting.statements if STATEMENTS[name].derived),
        Task(
            ("theory/findings.csv", "theory/findings.md"),
            lambda folder, its: findings.write(folder / "theory", its.statements),
        ),
        Task(("analysis.ipynb",), _notebook, aside=True),
        Task(
            _pictures("figures", figures.FIGURES),
            lambda folder, its: figures.save_all(folder, figures_digest(its.config)),
        ),
        Task(
            _pictures("theory/figures", (name for name in setting.statements if name in DRAWN)),
            _theory_figures,
        ),
        # After the figures, which it shows.
        Task(
            ("report.pdf",),
            lambda folder, its: report.write(folder, its.workflow / "report/report.typ"),
        ),
        Task(
            ("index.html",),
            lambda folder, its: page.write(folder, its.workflow / "report", its.statements),
        ),
    ]
    checked = bool(setting.statements)
    made = [task for task in listed if task.outputs]
    return [task for task in made if checked or not task.outputs[0].startswith("theory/")]


def _pictures(folder: str, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}{suffix}" for name in names for suffix in (".pdf", ".png"))


def _given(write: Callable[..., None], *keys: str) -> Callable[[Path, Setting], None]:
    """A function of the library that gets the folder, and keys of the configuration by name."""
    return lambda folder, setting: write(folder, **{key: setting.settings[key] for key in keys})


def _statement(name: str) -> Task:
    """A statement that is measured on files of the paper folder alone."""
    statement = STATEMENTS[name]

    def make(folder: Path, setting: Setting) -> None:
        needs = {need: [folder / f"{need}.csv"] for need in statement.needs}
        for table, rows in DERIVED[name](Files(needs), setting.settings).items():
            write_csv(rows, folder / f"theory/{table}.csv")

    return Task(tuple(f"theory/{table}.csv" for table in statement.tables), make)


def _notebook(folder: Path, setting: Setting) -> None:
    source = setting.workflow / "notebooks/analysis.py"
    notebook.run(source, folder, theory=bool(setting.statements))


def _theory_figures(folder: Path, setting: Setting) -> None:
    digest = figures_digest(setting.config, theory=True)
    drawing.save_all(folder / "theory", setting.statements, digest)
