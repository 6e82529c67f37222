"""A page to look at: every world of one paper folder, in a single HTML file without network."""

from pathlib import Path

from infwidth.multiverse.figures import FIGURES
from infwidth.multiverse.outcomes import Outcomes
from infwidth.multiverse.robustness.summary import LEGEND, Summary, quotable
from infwidth.paper.page.images import Picture
from infwidth.paper.page.rendering import environment
from infwidth.paper.worlds import plots, series, words

__all__ = ["write"]

# Beside the Python files lie the template, what the style has beside the other page's, the script.
_HERE = Path(__file__).parent


def write(folder: Path, captions: Path, experiment: str) -> None:
    """Write index.html into a paper folder of worlds, with its figures.

    Args:
        folder: the paper folder.
        captions: folder of the figures' captions, `<figure>.rst`.
        experiment: its name, wherever the folder lies now.

    Raises:
        FileNotFoundError: a file of the folder, a figure or a caption is missing.
    """
    pictures = [
        Picture(
            folder / f"figures/{name}.png",
            words.TITLES[name],
            (captions / f"{name}.rst").read_text(encoding="utf-8"),
        )
        for name in FIGURES
    ]
    (folder / "index.html").write_text(page(folder, pictures, experiment), encoding="utf-8")


def page(folder: Path, pictures: list[Picture], experiment: str) -> str:
    """The page as HTML, the same text for the same files.

    Raises:
        FileNotFoundError: a file of the folder, or a picture, is missing.
    """
    found, summary = Outcomes.read(folder), Summary.read(folder)
    template = environment(_HERE).get_template("worlds.html.jinja")
    return template.render(
        count=len(found.worlds),
        factors=found.factors,
        sentence=quotable(summary),
        legend=LEGEND.replace("*", ""),
        columns=words.columns(summary),
        table=words.table(summary),
        pictures=pictures,
        caption=lambda picture: picture.filled({}),
        data=series.data(found, experiment) | {"plot": plots.plot()},
    )
