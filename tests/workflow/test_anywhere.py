"""From any folder: checkout and working directory apart, moved, oddly named, or a module."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from workflow_run import ROOT, THEORY, TINY, Checkout, write_images

from infwidth.jobs.places import refusal

# What may stand in a name, whatever it means to a shell, to make or to Snakemake.
ODD = "it's 100 % é+µ [1] $HOME #&;(x)"
OUTER = """
configfile: "outer.yaml"

module infwidth:
    snakefile:
        "{snakefile}"
    config:
        config["infwidth"]
    prefix:
        {prefix!r}

use rule * from infwidth as infwidth_*

from types import SimpleNamespace
assert infwidth.training_group(SimpleNamespace(width=16)) == "small"

rule mine:
    default_target: True
    input:
        data=rules.infwidth_prepare_dataset.output[0],
    output:
        "mine.txt"
    shell:
        "echo {{input.data}} > {{output}}"

rule everything:
    input:
        rules.infwidth_all.input,

onstart:
    infwidth.onstart()
"""


def snakemake(
    folder: Path, *options: str, python: Path = Path(sys.executable)
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), "-m", "snakemake", "--cores", "2", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )


def listing(folder: Path) -> dict[Path, int]:
    """What a folder holds and when it was written, without Python's own cache of bytecode."""
    return {
        path: path.stat().st_mtime_ns if path.is_file() else 0
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts
    }


def test_from_any_folder_into_any_other(tmp_path: Path) -> None:
    checkout = Checkout.fresh(tmp_path / f"checkout {ODD}")
    (checkout.root / "images.npz").unlink()
    work = tmp_path / f"work {ODD} {{x}}"
    work.mkdir()
    write_images(work / "images.npz", seed=0)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(checkout.root / "tiny.yaml", elsewhere / "mine.yaml")
    before = listing(checkout.root)
    options = [
        *("-s", str(checkout.root / "Snakefile"), "-d", str(work)),
        *("--configfile", "mine.yaml"),
    ]
    run = snakemake(elsewhere, *options, "--", "results/tiny/dataset.npz")
    assert run.returncode == 0, run.stdout
    assert (work / "results/tiny/dataset.npz").is_file()
    assert listing(checkout.root) == before
    assert [path.name for path in elsewhere.iterdir()] == ["mine.yaml"]
    run = snakemake(elsewhere, *options, "--config", "dataset_path=none.npz", "-n")
    assert run.returncode != 0
    assert (
        f"none.npz is not a file. Give the path of an npz file; a relative one starts from {work}"
        in (run.stdout)
    )
    assert "Traceback" not in run.stdout


def test_what_was_moved_is_finished_still_and_is_made_again_there(
    finished: Checkout, tmp_path: Path
) -> None:
    moved = finished.copy(tmp_path / ODD)
    assert "Nothing to be done" in moved.snakemake("-n").output
    # Those that read files of the checkout by their paths.
    again = ("notebook", "report_pdf", "page")
    run = moved.snakemake("--forcerun", *again, targets=again)
    assert run.code == 0, run.output
    for name in ("analysis.ipynb", "report.pdf", "index.html"):
        before, after = (checkout.paper / name for checkout in (finished, moved))
        assert after.stat().st_mtime > before.stat().st_mtime


def test_a_file_by_another_name_is_the_same_file(finished: Checkout) -> None:
    plan = finished.plan(dataset_path=".//images.npz", data_root="./data/")
    assert plan.trainings == set()
    assert "prepare_dataset" not in plan.rules


@pytest.mark.parametrize("prefix", [None, "within"])
def test_as_a_module(tmp_path: Path, prefix: str | None) -> None:
    checkout = Checkout.fresh(tmp_path / "checkout")
    outer = tmp_path / "outer"
    outer.mkdir()
    shutil.move(checkout.root / "images.npz", outer)
    (outer / "Snakefile").write_text(
        OUTER.format(snakefile=checkout.root / "Snakefile", prefix=prefix), encoding="utf-8"
    )
    config = {"colour": "red", "infwidth": TINY | THEORY}
    (outer / "outer.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    before = listing(checkout.root)
    run = snakemake(outer)
    assert run.returncode == 0, run.stdout
    made = Path(prefix or "", "results/tiny/dataset.npz")
    assert (outer / "mine.txt").read_text(encoding="utf-8").split() == [str(made)]
    assert (outer / made).is_file()
    summary = snakemake(outer, "--detailed-summary", "--", "everything").stdout
    header, *rows = csv.reader(summary[summary.index("output_file") :].splitlines(), delimiter="\t")
    assert header[0] == "output_file"
    assert header[3:5] == ["log-file(s)", "input-file(s)"]
    names = ("train", "theory_findings", "notebook", "report_pdf", "page", "provenance")
    assert {f"infwidth_{name}" for name in names} <= {row[2] for row in rows}
    files = {file for row in rows for place in (0, 3, 4) for file in row[place].split(",")}
    folder = f"{prefix}/" if prefix else ""
    assert all(file.startswith(folder) for file in files - {"", "-", "images.npz"})
    within = {file.removeprefix(folder).split("/")[0] for file in files - {"", "-"}}
    assert within == {"results", "paper", "logs", "images.npz"}
    assert listing(checkout.root) == before


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """This environment's Python in a folder with a blank."""
    folder = tmp_path / "my environment"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(Path(sys.executable).resolve())
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", folder)
    (folder / "lib").symlink_to(Path(sys.prefix) / "lib")
    return folder / "bin/python"


def test_an_environment_that_snakemake_cannot_start_is_refused(
    environment: Path, tmp_path: Path
) -> None:
    checkout = Checkout.fresh(tmp_path / "checkout")
    run = snakemake(checkout.root, "-n", python=environment)
    assert run.returncode != 0
    assert f"{environment}: Snakemake starts no Python from a path with a blank in it" in run.stdout
    assert "Traceback" not in run.stdout


@pytest.mark.parametrize("name", ["{ace}", "a:b"])
def test_a_checkout_that_snakemake_cannot_read_is_refused(tmp_path: Path, name: str) -> None:
    checkout = Checkout.fresh(tmp_path / name)
    run = checkout.snakemake("-n")
    assert run.code != 0
    assert f"{checkout.root}: no script can run from a path with" in run.output
    assert "Traceback" not in run.output


@pytest.mark.parametrize(("name", "found"), [("a b", "a blank"), ("{ace}", "{, }")])
def test_make_refuses_before_it_builds_anything(tmp_path: Path, name: str, found: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for part in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / part, folder)
    shutil.copytree(ROOT / "src", folder / "src")
    made = subprocess.run(
        ["make", "quick", f"PYTHON={sys.executable}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode != 0
    assert str(folder) in made.stderr
    assert f"a path with {found} in it" in made.stderr
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize("character", "\t\n\"$&'()*;<>?[\\`{|}")
def test_what_bash_takes_apart_is_no_place_for_python(tmp_path: Path, character: str) -> None:
    python = tmp_path / f"a{character}b/python"
    python.parent.mkdir()
    python.symlink_to("/bin/true")
    assert refusal(tmp_path, python)
    assert refusal(tmp_path, Path("/usr/bin/python3")) is None


@pytest.mark.parametrize("character", "!#%+,-.=@]^_~éµ\u3000")
def test_what_bash_leaves_alone_is(tmp_path: Path, character: str) -> None:
    python = tmp_path / f"a{character}b/python"
    python.parent.mkdir()
    python.symlink_to("/bin/true")
    ran = subprocess.run(["bash", "-c", f"set -euo pipefail; {python} file"], check=False)
    assert ran.returncode == 0
    assert refusal(tmp_path, python) is None
