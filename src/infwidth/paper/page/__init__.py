"""A page to look at: the run of one paper folder in a single HTML file that needs no network."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from infwidth.files.tables import read_csv
from infwidth.measures.losses import ENDS
from infwidth.measures.metrics import JUDGING, METRICS, SHOWN
from infwidth.measures.reading import read
from infwidth.paper import practice, tables
from infwidth.paper.figures import FIGURES
from infwidth.paper.page import content, plots, series
from infwidth.paper.page.images import Picture
from infwidth.paper.page.rendering import environment
from infwidth.paper.trained import trained
from infwidth.theory.statements import DRAWN, STATEMENTS, caption

__all__ = ["Picture", "page", "write"]

# Beside the Python files lie the template, the style and the script; in `shared`, what the page of
# worlds has too; and Vega as it is published.
_HERE = Path(__file__).parent


def write(folder: Path, captions: Path, statements: Collection[str]) -> None:
    """Write index.html into a paper folder, with all its figures.

    Args:
        folder: the paper folder.
        captions: folder of the figures' captions, `<figure>.rst`.
        statements: of the theory, that are checked in the folder.

    Raises:
        FileNotFoundError: a file of the folder, a figure or a caption is missing.
    """
    shown = [
        Picture(
            folder / f"figures/{name}.png",
            name.replace("table1", "table 1").replace("_", " ").capitalize(),
            (captions / f"{name}.rst").read_text(encoding="utf-8"),
        )
        for name in FIGURES
    ]
    findings, checks = None, []
    if statements:
        findings = folder / "theory/findings.csv"
        checks = [
            Picture(folder / f"theory/figures/{name}.png", STATEMENTS[name].title, caption(name))
            for name in statements
            if name in DRAWN
        ]
    text = page(folder, shown, findings, checks)
    (folder / "index.html").write_text(text, encoding="utf-8")


def page(
    folder: Path,
    pictures: Sequence[Picture],
    findings: Path | None = None,
    theory: Sequence[Picture] = (),
) -> str:
    """The page as HTML, the same text for the same files.

    Args:
        folder: the paper folder.
        pictures: its figures, in order.
        findings: findings.csv of the checks of the theory; without it the page has none of them.
        theory: the figures of these checks.

    Raises:
        FileNotFoundError: a file of the folder, or a picture, is missing.
    """
    run = _run(folder)
    found = _findings(findings)
    template = environment(_HERE).get_template("page.html.jinja")
    return template.render(
        **run,
        caption=lambda picture: picture.filled(run["config"]),
        pictures=pictures,
        theory=theory,
        findings=found,
        grades=content.grades(found),
    )


def _run(folder: Path) -> dict[str, Any]:
    """The template's words that come from the folder's tables."""
    measured = read(folder)
    table = tables.read(folder / "table1.csv")
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    how = trained(provenance["config"])
    claimed = table[table["agrees"] != "no claim"]
    return {
        "name": provenance["experiment"],
        "config": provenance["config"] | {"steps": how.steps},
        "settings": content.settings(provenance, how),
        "trained": how,
        "practice": practice.rows(measured.runs),
        "practised": practice.sentences(measured.runs, measured.table1_steps),
        "ends": ENDS,
        "thresholds": content.thresholds(provenance["config"]),
        "provenance": content.provenance(provenance),
        "costs": content.costs(provenance),
        "columns": SHOWN,
        "judging": [JUDGING[column] for column in SHOWN],
        "origins": content.ORIGINS,
        "table": list(content.rows(table)),
        "layers": list(content.rows(tables.read(folder / "table1_layers.csv"))),
        "agreeing": int((claimed["agrees"] == "agrees").sum()),
        "claimed": len(claimed),
        "facts": read_csv(folder / "table1_facts.csv").to_dict("records"),
        "disagreements": tables.disagreements(table),
        "measured": measured,
        "metrics": METRICS,
        "data": series.data(measured)
        | {"plots": {"width": plots.plot("width"), "step": plots.plot("step")}},
    }


def _findings(path: Path | None) -> list[dict[str, Any]]:
    if path is None:
        return []
    found = read_csv(path).fillna({"depends_on": ""}).to_dict("records")
    return [
        {
            **{str(key): value for key, value in row.items()},
            "mark": content.MARKS[row["verdict"]],
            "said_by": content.ORIGINS[row["origin"]],
        }
        for row in found
    ]
