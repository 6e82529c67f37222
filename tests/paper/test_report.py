import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import typst
from synthetic import ON_MANY, Plan, write

from infwidth.drawing import style
from infwidth.measures.reading import read
from infwidth.paper.figures import FIGURES
from infwidth.paper.notebook import executed
from infwidth.paper.report import compile_pdf, inputs_of
from infwidth.theory.statements import DRAWN, NAMES, STATEMENTS, caption

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "workflow/report/report.typ"
THEORY = ROOT / "src/infwidth/theory"
SCRIPT = (ROOT / "workflow/notebooks/analysis.py").read_text(encoding="utf-8")
PLAN = Plan(
    ("SP", "IP", "µP", "mine"),
    widths=(64, 512),
    seeds=2,
    layers=2,
    steps=(0, 4),
    diverged=tuple(("IP", width, seed, 4) for width in (64, 512) for seed in (0, 1)),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write(tmp_path_factory.mktemp("paper"), PLAN)
    (folder / "figures").mkdir()
    figure = FIGURES["width_sweep"](read(folder))
    for name in FIGURES:
        style.save(figure, folder / "figures" / name)
    return folder


def test_every_figure_of_the_report_is_drawn() -> None:
    assert set(re.findall(r"figures/(\w+)\.pdf", SOURCE.read_text(encoding="utf-8"))) == set(
        FIGURES
    )


def test_a_change_in_any_of_its_sources_makes_the_report_anew() -> None:
    rules = (ROOT / "workflow/rules/paper.smk").read_text(encoding="utf-8")
    (rule,) = re.findall(r"^rule report_pdf:\n(.*?)^rule ", rules, re.MULTILINE | re.DOTALL)
    folders = {"WORKFLOW": ROOT / "workflow", 'SRC / "infwidth/theory"': THEORY}
    told = set()
    for digest in re.findall(r"content_digest\((.*?)\)", rule, re.DOTALL):
        folder, *patterns = re.split(r",\s*", digest)
        told |= {path for name in patterns for path in folders[folder].glob(name.strip('"'))}
    sources = {path for suffix in ("*.typ", "*.bib") for path in SOURCE.parent.glob(suffix)}
    assert told == sources | set(THEORY.glob("*/caption.md"))


THEORY_KEYS = {"widths": [64], "samples": 4, "steps": 5, "seeds": 2, "activations": ["tanh"]}


@pytest.mark.parametrize("name", DRAWN)
def test_a_caption_is_the_same_text_in_every_markup(name: str) -> None:
    # It goes through reStructuredText in Snakemake's report, Jinja on the page, and Typst.
    text = caption(name)
    assert text.endswith(".")
    assert not re.search(r"[*`|<>{}\\#\[\]]|::|(?<!\w)_|_(?!\w)", text)


def test_the_report_has_every_statement_by_its_title_and_every_caption_in_full(
    folder: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = copy / "provenance.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(
        json.dumps(told | {"config": told["config"] | {"theory": True, "train_samples": 64}})
    )
    (copy / "theory/figures").mkdir(parents=True)
    for name in DRAWN:
        shutil.copy(copy / "figures/losses.pdf", copy / f"theory/figures/{name}.pdf")
    (copy / "theory/findings.csv").write_text(
        "check,source,statement,verdict,evidence,origin,depends_on\n"
        "rest,Corollary 4.6,Rest,verified,some,paper,\n"
    )
    titles = flat("checks-table", copy, "theory")
    assert [name for name in NAMES if typeset(STATEMENTS[name].title) not in titles] == []
    captions = flat("theory-figures", copy, "theory")
    assert [name for name in DRAWN if typeset(caption(name)) not in captions] == []
    few = {"theory": {**THEORY_KEYS, "statements": ["rest"]}}
    path.write_text(json.dumps(told | {"config": told["config"] | few}))
    titles = flat("checks-table", copy, "theory")
    assert [name for name in NAMES if typeset(STATEMENTS[name].title) in titles] == ["rest"]
    assert compile_pdf(SOURCE, copy), "nothing refers to a figure that is not there"


def typeset(text: str) -> str:
    return text.replace("'", "’")


def test_the_report_is_the_same_bytes_for_the_same_files(folder: Path) -> None:
    first = compile_pdf(SOURCE, folder)
    assert first.startswith(b"%PDF")
    assert compile_pdf(SOURCE, folder) == first


def queried(module: str, expression: str, folder: Path) -> Any:
    """The value of an expression in a module of the report."""
    path = folder / "probe.typ"
    imported = SOURCE.with_name(f"{module}.typ").resolve()
    path.write_text(f'#import "{imported}": *\n#metadata({{ {expression} }}) <found>')
    inputs = inputs_of(folder)
    found = typst.query(str(path), "<found>", root="/", sys_inputs=inputs, field="value", one=True)
    return json.loads(found)


def flat(expression: str, folder: Path, module: str = "provenance") -> str:
    """The text of content in a module of the report."""
    pick = """let flat(it) = {
        if type(it) == str { it } else if type(it) == symbol { str(it) }
        else if type(it) == array { it.map(flat).join("") }
        else if type(it) != content { "" } else if it == [ ] { " " }
        else { it.fields().values().map(flat).join("") }
    }"""
    return str(
        queried(
            module,
            f'import "{SOURCE.with_name("tables.typ").resolve()}": *;{pick}; flat({expression})',
            folder,
        )
    )


@pytest.mark.parametrize("name", ["CIFAR-10 (first 1,000)", "*_$#[x]{<y>`@z~\"\\/*//' -- ..."])
def test_the_data_set_is_named_in_its_own_characters(
    folder: Path, tmp_path: Path, name: str
) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = copy / "provenance.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(told | {"data": {"name": name, "sha256": "5" * 64}}))
    assert f"Data{name}: the first" in flat("assumptions-table", copy)
    assert f"Data{name}, prepared inputs {'5' * 64}" in flat("provenance-page", copy)
    assert compile_pdf(SOURCE, copy) != compile_pdf(SOURCE, folder)


def test_the_report_counts_what_the_files_say(folder: Path) -> None:
    counts = "(agreeing.len(), claimed.len(), differing.len(), diverged.len())"
    assert queried("run", counts, folder) == [9, 9, 0, 4]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ('with-interval("2.251e-6", "2.1e-6", "2.43e-6")', "2.25 [2.10, 2.43] ×10−6"),
        ('with-interval("", "", "1.23e-14")', "< 1.2 ×10−14"),
        ('with-interval("634.2", "600", "671")', "634 [600, 671]"),
        ('exponent((exponent: "-0.001", ci_low: "-0.02", ci_high: "0.018"))', "0.00 [−0.02, 0.02]"),
        ('exponent((exponent: "", ci_low: "", ci_high: ""))', "–"),
    ],
)
def test_numbers_of_the_report(call: str, expected: str, folder: Path) -> None:
    flat = """let flat(it) = {
        if type(it) == str { it } else if type(it) == symbol { str(it) }
        else if it == [ ] { " " } else if it.has("text") { it.text }
        else if it.has("children") { it.children.map(flat).join("") }
        else if it.has("body") { flat(it.body) } else { "" }
    }"""
    shown = queried("numbers", f"{flat}; flat({call})", folder)
    assert re.sub(r"\s+", " ", shown).strip() == expected


def test_a_missing_file_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"provenance\.json"):
        compile_pdf(SOURCE, tmp_path)
    shutil.copy(folder / "provenance.json", tmp_path)
    with pytest.raises(typst.TypstError, match=r"table1\.csv"):
        compile_pdf(SOURCE, tmp_path)


def test_a_run_on_many_images_says_so(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = copy / "provenance.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(told | {"config": told["config"] | ON_MANY}))
    assumed = flat("assumptions-table", copy)
    assert "digits: the first 5000 training images for training and the first 32 test" in assumed
    assert "196 steps (2.5 epochs) of SGD, 64 images a batch," in assumed
    read = flat("practice-table", copy)
    assert all(scheme in read for scheme in PLAN.schemes if scheme != "IP")
    assert "test accuracy" in read
    assert "is that of" in queried("run", "practice.sentences.first()", copy)
    # It compiles with its table, and without it says what it said.
    assert compile_pdf(SOURCE, copy) != compile_pdf(SOURCE, folder)
    assert "trained on and probed" in flat("assumptions-table", folder)
    assert queried("run", "practice", folder) is None


def test_the_notebook_runs_on_the_csv_files_alone(folder: Path, tmp_path: Path) -> None:
    for path in folder.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    notebook = executed(SCRIPT, tmp_path, leave_out=("theory",))
    cells = json.loads(notebook)["cells"]
    said = "".join(
        "".join(output.get("data", {}).get("text/markdown", ""))
        for cell in cells
        for output in cell.get("outputs", [])
    )
    assert "**9 of 9 cells agree with what is claimed.**" in said
    assert "- IP, n = 512, seed 1, step 4" in said
    images = [output for cell in cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in images) == len(FIGURES)
    assert [cell["id"] for cell in cells] == [f"cell-{place:02d}" for place in range(len(cells))]
