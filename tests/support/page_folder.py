"""An invented paper folder with figures and findings of the theory, and its page."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from bs4 import BeautifulSoup
from PIL import Image
from synthetic import Plan, write

from infwidth.files.tables import write_csv
from infwidth.paper.page import Picture, page

# A scheme of the user's own, diverged replicas, eigenvalues under resolution, few points.
PLAN = Plan(
    ("SP", "NTP", "IP", "µP", "mine"),
    widths=(64, 256, 1024, 4096),
    seeds=3,
    layers=2,
    steps=(0, 1, 5, 20),
    samples=8,
    floor=1e-9,
    diverged=(("IP", 4096, 1, 5), ("IP", 4096, 2, 20), ("mine", 4096, 0, 20)),
)
FINDINGS = pd.DataFrame(
    [
        ("Theorem 4.5", "Features are independent at n < ∞", "verified", "0.021", "paper", ""),
        ("Corollary 4.6", "At rest the error is zero", "undetermined", "no rest", "paper", ""),
        ("Theorem 4.5", "So are others", "depends", "0.1", "follows", "the activation"),
        ("here", "A planted violation", "refuted", "0.3 & more", "here", ""),
    ],
    columns=["source", "statement", "verdict", "evidence", "origin", "depends_on"],
)


@dataclass(frozen=True)
class Folder:
    """A paper folder and what its page shows beside its tables."""

    path: Path
    pictures: list[Picture]
    findings: Path
    theory: list[Picture]

    @classmethod
    def written(cls, path: Path) -> "Folder":
        """The folder of the plan above."""
        write(path, PLAN)
        findings = path / "theory/findings.csv"
        pictures = []
        for name in ("width_sweep", "layers", "theory/figures/inputs"):
            file = path / f"{name}.png" if "/" in name else path / f"figures/{name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            shades = np.linspace(0, 255, 400 * 90, dtype=np.uint8).reshape(90, 400)
            Image.fromarray(shades).convert("RGB").resize((300, 110)).save(file)
            caption = 'The last of {{ snakemake.config["steps"] }} steps:\n"a < b" & so on.\n'
            pictures.append(Picture(file, f"Figure {file.stem}", caption))
        write_csv(FINDINGS, findings)
        return cls(path, pictures[:2], findings, pictures[2:])

    def page(self, *, theory: bool = True) -> str:
        """The page's HTML."""
        if theory:
            return page(self.path, self.pictures, self.findings, self.theory)
        return page(self.path, self.pictures)

    def soup(self, *, theory: bool = True) -> BeautifulSoup:
        """The page's elements."""
        return parsed(self.page(theory=theory))


def parsed(html: str) -> BeautifulSoup:
    """The elements of a page."""
    return BeautifulSoup(html, "html.parser")


def data_of(soup: BeautifulSoup) -> dict[str, list[dict[str, object]]]:
    """What the page's plots draw."""
    found = soup.find(id="data")
    assert found is not None
    content: dict[str, list[dict[str, object]]] = json.loads(found.get_text())
    return content
