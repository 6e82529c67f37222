"""The review: whatever does not follow from the measurements is found, named, and fails it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic import Plan, write
from workflow_run import Checkout

from infwidth.drawing.style import save
from infwidth.files.tables import read_csv, write_csv
from infwidth.jobs.provenance import checksums, config_digest, figures_digest
from infwidth.measures.reading import read
from infwidth.paper import figures
from infwidth.review import Outcome, review, reviewing, shown, summary
from infwidth.review.command import main
from infwidth.review.comparing import compare
from infwidth.review.tasks import Setting, Task, tasks

PLAN = Plan(("SP", "µP"), widths=(32, 64, 128), seeds=5, layers=1, steps=(0, 4), samples=6)
MEASURED = ("metrics.csv", "runs.csv", "spectra.csv", "diverged.csv")


def edit(path: Path, old: str, new: str) -> None:
    """Change one place of a text."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, (path, old)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def rewrite(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change provenance.json."""
    path = folder / "provenance.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def only(tasked: int) -> Callable[[Setting], list[Task]]:
    """The first tasks alone, which take no time."""
    return lambda setting: tasks(setting)[:tasked]


def failing(outcomes: list[Outcome]) -> dict[str, Outcome]:
    return {outcome.output: outcome for outcome in outcomes if not outcome.passes}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Invented measurements, with what the first tasks make of them and nothing else."""
    folder = write(tmp_path_factory.mktemp("made") / "invented", PLAN)

    def vouch(content: dict[str, object]) -> None:
        config = content["config"]
        assert isinstance(config, dict)
        content["config_sha256"] = config_digest(config)
        content["files"] = checksums(folder, MEASURED)

    rewrite(folder, vouch)
    config = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["config"]
    setting = Setting(config, reviewing.WORKFLOW)
    for task in tasks(setting)[:4]:
        task.make(folder, setting)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to be changed; the review makes tables alone."""
    monkeypatch.setattr(reviewing, "tasks", only(4))
    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_what_is_untouched_passes(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    said: list[str] = []
    outcomes = review(folder, tell=said.append)
    assert failing(outcomes) == {}
    assert {outcome.output for outcome in outcomes} == {"(code)", *(path.name for path in before)}
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert any("scaling.csv" in sentence for sentence in said)


def test_a_run_of_epochs_is_reviewed_without_its_data(folder: Path) -> None:
    def in_epochs(content: dict[str, object]) -> None:
        config = content["config"]
        assert isinstance(config, dict)
        # The 4 steps of the run.
        config |= {"steps": None, "epochs": 0.8, "train_samples": 40, "batch_size": 8}
        content["config_sha256"] = config_digest(config)

    rewrite(folder, in_epochs)
    assert failing(review(folder)) == {}


@pytest.mark.parametrize("name", MEASURED)
def test_an_altered_measurement_is_named_and_nothing_counts_that_rests_on_it(
    name: str, folder: Path
) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    if len(lines) > 1:
        # An extra digit in the last cell of a row.
        lines[1] += "1"
    else:
        lines.append("SP,32,0,4")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = failing(review(folder))
    assert found[name].result == "altered"
    assert "git has no version" in found[name].details[1]
    others = [outcome for output, outcome in found.items() if output != name]
    assert {outcome.output for outcome in others} == {
        "scaling.csv", "table1.csv", "table1_layers.csv", "table1_rules.csv",
        "table1_steps.csv", "table1_facts.csv",
        "table1.md", "table1.tex", "table1_layers.md",
    }  # fmt: skip
    assert {outcome.result for outcome in others} == {"unvouched"}


def test_a_measurement_altered_with_its_checksum_does_not_lead_to_the_tables(
    folder: Path,
) -> None:
    table = pd.read_csv(folder / "metrics.csv", keep_default_na=False)
    last = (table["scheme"] == "µP") & (table["width"] == 128) & (table["step"] == 4)
    table.loc[table[last].index[0], "feature_change"] *= 1.01
    write_csv(table, folder / "metrics.csv")
    rewrite(folder, lambda content: content.update(files=checksums(folder, MEASURED)))
    found = failing(review(folder))
    assert "scaling.csv" in found
    assert "metrics.csv" not in found
    assert "metric feature_change, scheme µP, kind h" in found["scaling.csv"].details[0]


@pytest.mark.parametrize(
    ("change", "output", "result", "said"),
    [
        (lambda content: content.pop("files"), "metrics.csv", "unvouched", "cannot vouch"),
        (lambda content: content.update(files=[]), "metrics.csv", "unvouched", "cannot vouch"),
        (
            lambda content: content["files"].pop("runs.csv"),
            "runs.csv",
            "unvouched",
            "cannot vouch",
        ),
        (
            lambda content: content["files"].update({"runs.csv": "0" * 64}),
            "runs.csv",
            "altered",
            "not the file that was recorded",
        ),
        (
            lambda content: content["files"].update({"theory/rest.csv": "0" * 64}),
            "theory/rest.csv",
            "missing",
            "measurement",
        ),
        (
            lambda content: content["config"].update(small_change=0.31),
            "provenance.json",
            "altered",
            "config_sha256",
        ),
        (
            lambda content: content.update(config_sha256="0" * 64),
            "provenance.json",
            "altered",
            "config_sha256",
        ),
        (lambda content: content.pop("config"), "provenance.json", "failed", "cannot be read"),
    ],
)
def test_provenance_that_does_not_vouch(
    change: Callable[[dict[str, object]], object],
    output: str,
    result: str,
    said: str,
    folder: Path,
) -> None:
    rewrite(folder, change)
    outcomes = review(folder)
    found = failing(outcomes)[output]
    assert (found.result, said in found.details[0]) == (result, True)
    derived = {one.output: one.result for one in outcomes}
    assert derived.get("table1.csv", "unvouched") == "unvouched"


def test_an_altered_cell_is_named_from_git(folder: Path) -> None:
    git = ("git", "-C", os.fspath(folder), "-c", "user.name=a", "-c", "user.email=a@b")
    for arguments in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "a")):
        subprocess.run([*git, *arguments], check=True)
    table = pd.read_csv(folder / "metrics.csv", keep_default_na=False)
    before = table["feature_change"].iloc[3]
    table["feature_change"] *= np.where(table.index == 3, 1 + 1e-6, 1)
    write_csv(table, folder / "metrics.csv")
    told = failing(review(folder))["metrics.csv"].details
    assert len(told) == 2
    assert told[1].startswith("row 4 (scheme SP, ")
    after = table["feature_change"].iloc[3]
    assert told[1].endswith(f"feature_change: recorded '{before}', found '{after}'")
    # A later commit of the altered table does not hide it.
    subprocess.run([*git, "commit", "--all", "--quiet", "--message", "b"], check=True)
    assert failing(review(folder))["metrics.csv"].details == told
    # What is no table any more.
    (folder / "metrics.csv").write_text("a,b\n1\n", encoding="utf-8")
    assert failing(review(folder))["metrics.csv"].details[1].startswith("is no table any more")


def test_rounding_has_its_own_word(folder: Path) -> None:
    table = read_csv(folder / "scaling.csv")
    table["exponent"] *= np.where(table.index == 0, 1 + 2e-13, 1)
    write_csv(table, folder / "scaling.csv")
    outcomes = review(folder)
    assert failing(outcomes) == {}
    rounded = [outcome for outcome in outcomes if outcome.result == "rounding"]
    # The tables of verdicts are made of the one that is committed.
    assert [outcome.output for outcome in rounded] == [
        "scaling.csv",
        "table1.csv",
        "table1_layers.csv",
        "table1_rules.csv",
    ]
    words, most = rounded[0].details[0].rsplit(maxsplit=1)
    assert words == "agrees to rounding, at most"
    assert 0 < float(most) <= 2e-13


def test_what_does_not_agree_is_rewritten_if_asked_for(folder: Path) -> None:
    right = {path.name: path.read_bytes() for path in folder.iterdir()}
    edit(folder / "table1.md", "Feature", "feature")
    (folder / "scaling.csv").unlink()
    said = {one.output: one.details for one in review(folder, rewrite=True) if one.details}
    assert said["table1.md"] == said["scaling.csv"] == ("rewritten",)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == right
    # Measurements are not, nor what would be made of altered ones.
    edit(folder / "table1.md", "Feature", "feature")
    (folder / "runs.csv").write_text("", encoding="utf-8")
    assert {"runs.csv", "table1.md"} <= set(failing(review(folder, rewrite=True)))
    assert (folder / "table1.md").read_bytes() != right["table1.md"]


def test_another_configuration_gives_other_tables(folder: Path) -> None:
    def change(content: dict[str, object]) -> None:
        config = content["config"]
        assert isinstance(config, dict)
        config["small_change"] = 1e-9
        content["config_sha256"] = config_digest(config)

    rewrite(folder, change)
    found = failing(review(folder))
    assert {"table1.csv", "table1.md", "table1_layers.md"} <= set(found)
    assert "scaling.csv" not in found


def test_provenance_that_is_not_there(folder: Path) -> None:
    (folder / "provenance.json").unlink()
    (outcome,) = review(folder)
    assert (outcome.output, outcome.result) == ("provenance.json", "missing")


def test_older_code_and_packages_are_told_and_do_not_fail(folder: Path) -> None:
    def age(content: dict[str, object]) -> None:
        content.update(code="0" * 64, packages={"numpy": "1.0", "torch": "0.1"})

    rewrite(folder, age)
    outcomes = review(folder)
    assert failing(outcomes) == {}
    (code,) = (outcome for outcome in outcomes if outcome.output == "(code)")
    assert code.result == "note"
    assert code.details[0].startswith("of the run: 000000000000; today's: ")
    assert f"numpy 1.0 in the run, {np.__version__} here" in code.details


def test_files_that_are_missing_or_that_nothing_makes(folder: Path) -> None:
    (folder / "table1.tex").unlink()
    (folder / "runs.csv").rename(folder / "old.csv")
    (folder / ".hidden").touch()
    found = {name: outcome.result for name, outcome in failing(review(folder)).items()}
    assert (found["table1.tex"], found["runs.csv"]) == ("unvouched", "missing")
    assert found["old.csv"] == "unknown"
    assert ".hidden" not in found
    (folder / "old.csv").rename(folder / "runs.csv")
    assert [(name, one.result) for name, one in failing(review(folder)).items()] == [
        ("table1.tex", "missing")
    ]


@pytest.mark.parametrize("aside", [False, True])
def test_what_cannot_be_regenerated_fails_alone(
    aside: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, setting: Setting) -> None:
        raise KeyError("fit_width_ratio")

    broken = Task(("table1.tex",), fail, aside=aside)
    monkeypatch.setattr(reviewing, "tasks", lambda setting: [*tasks(setting)[:3], broken])
    (folder / "table1.md").unlink()
    (folder / "table1_layers.md").unlink()
    found = failing(review(folder))
    assert [(name, one.result) for name, one in found.items()] == [("table1.tex", "failed")]
    assert found["table1.tex"].details == ("cannot be regenerated: KeyError: 'fit_width_ratio'",)


def test_outcomes_on_a_terminal() -> None:
    outcomes = [
        Outcome("digits", "metrics.csv", "agrees", ("as recorded",)),
        Outcome("digits", "(code)", "note", ("of the run: 1; today's: 2", "numpy 1 in the run")),
    ]
    assert shown(outcomes).splitlines() == [
        "experiment  file         result",
        "digits      metrics.csv  ✓ agrees  as recorded",
        "digits      (code)       ✓ note    of the run: 1; today's: 2",
        "                                   numpy 1 in the run",
    ]
    assert summary(outcomes) == "digits: all agrees with the measurements"
    outcomes.append(Outcome("wide", "table1.tex", "missing"))
    assert shown(outcomes).splitlines()[-1] == "wide        table1.tex   ✗ missing"
    assert summary(outcomes) == "1 of 3 files do not agree, in wide"


def test_command_tells_and_says_by_its_exit_code(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([os.fspath(folder)]) == 0
    output, progress = capsys.readouterr()
    assert "copy: scaling.csv regenerated in" in progress
    assert output.splitlines()[0].split() == ["experiment", "file", "result"]
    assert "copy: all agrees with the measurements" in output
    edit(folder / "table1.md", "Feature", "feature")
    assert main([os.fspath(folder)]) == 1
    assert "✗ differs" in capsys.readouterr().out


def test_command_reviews_folders_side_by_side(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("second", "first")]
    for folder in folders:
        folder.mkdir()
    command = [sys.executable, "-m", "infwidth.review", *map(os.fspath, folders)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[:4] for line in lines[1:3]] == [
        [name, "provenance.json", "✗", "missing"] for name in ("first", "second")
    ]
    assert lines[-1].startswith("2 of 2 files do not agree, in first, second")


def test_command_refuses_what_is_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main([str(tmp_path), str(tmp_path / "nowhere")])
    assert refused.value.code == 2
    assert "nowhere is no folder" in capsys.readouterr().err


def notebook(text: str, image: str = "AAAA", source: str = "1 + 1") -> str:
    data = {"text/markdown": [text], "image/png": image}
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    cell = {"cell_type": "code", "source": [source], "outputs": [output], "metadata": {}}
    return json.dumps({"cells": [cell], "metadata": {}})


LONG = "x" * 100
COMPARED = [
    ("a.csv", "s,v\nSP,1\n", 's,v\n"SP",1\n', []),
    ("a.csv", "s,v\nSP,1\n", "s,v\nSP,1.0\n", []),
    ("a.csv", "s,v\nSP,1\n", "s,v\nSP,1.0000000001\n", []),
    ("a.csv", "s,v\nSP,1\n", "s,v\nSP,1.000001\n", ["row 1 (s SP), v: committed '1', "]),
    ("a.csv", "s,v\nSP,1e-20\n", "s,v\nSP,2e-20\n", ["row 1 (s SP), v: committed '1e-20', "]),
    ("a.csv", "s,v\nSP,1\n", "s,v\nSP,\n", ["row 1 (s SP), v: committed '1', regenerated ''"]),
    ("a.csv", "s,v\nSP,0.0\n", "s,v\nSP,1e-300\n", ["row 1 (s SP), v: committed '0.0', "]),
    ("a.csv", "scheme,v\n1,1\n", "scheme,v\n1.0,1\n", ["row 1 (scheme 1.0), scheme: comm"]),
    # A value near zero is as accurate as its interval is wide.
    ("a.csv", "v,v_low,v_high\n1e-15,-1,1\n", "v,v_low,v_high\n2e-15,-1,1\n", []),
    ("a.csv", "exponent,ci_low\n1e-15,-1\n", "exponent,ci_low\n2e-15,-1\n", []),
    ("a.csv", "v,w\n1e-15,-1\n", "v,w\n2e-15,-1\n", ["row 1 (v 2e-15), v: committed '1e-15', "]),
    ("a.csv", "s,v\nSP,1\n", "s,w\nSP,1\n", ["columns: committed s, v; regenerated s, w"]),
    (
        "a.csv",
        "s,v\nSP,1\nIP,2\n",
        "s,v\nSP,1.5\n",
        ["rows: committed 2, regenerated 1", "committed only: row 2 (s IP)"],
    ),
    ("a.md", "a\nb\n", "a\nb\n", []),
    ("a.md", "a\nb\n", "a\nc\n", ["line 2: committed 'b', regenerated 'c'"]),
    ("a.tex", "a\n", "a\nb\n", ["line 2: committed nothing, regenerated 'b'"]),
    (
        "a.md",
        f"{LONG}0{LONG}",
        f"{LONG}1{LONG}",
        [f"line 1: committed '…{'x' * 30}0{'x' * 29}…', regenerated '…{'x' * 30}1{'x' * 29}…'"],
    ),
    ("a.md", "0\n" * 9, "1\n" * 9, 5 * ["line "] + ["9 differences in all"]),
    ("a.ipynb", notebook("a"), notebook("a", image="BBBB"), []),
    (
        "a.ipynb",
        notebook("a"),
        notebook("b"),
        ["cell 1, output, line 4: committed 'a', regenerated 'b'"],
    ),
    (
        "a.ipynb",
        notebook("a"),
        notebook("a", source="1 + 2"),
        ["cell 1, source, line 1: committed '1 + 1', regenerated '1 + 2'"],
    ),
    (
        "a.html",
        '<p>a</p><img src="data:image/png;base64,AA/+=">',
        '<p>a</p><img src="data:image/png;base64,BB">',
        [],
    ),
    ("a.html", "<p>a</p>", "<p>b</p>", ["line 1: committed '<p>a</p>', regenerated '<p>b</p>'"]),
    ("a.pdf", "a", "ab", ["other bytes (1; regenerated: 2)"]),
]


@pytest.mark.parametrize(("name", "committed", "regenerated", "said"), COMPARED)
def test_two_versions_of_a_file(
    name: str, committed: str, regenerated: str, said: list[str], tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}" / name for number in range(2)]
    for path, text in zip(paths, (committed, regenerated), strict=True):
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
    found = compare(*paths).differences
    assert len(found) == len(said)
    assert all(one.startswith(start) for one, start in zip(found, said, strict=True))


# Figures, notebook and report, on what the workflow left behind.


def test_the_rule_passes_what_the_workflow_made(finished: Checkout) -> None:
    run = finished.snakemake(targets=["review"])
    assert run.code == 0, run.output
    assert "tiny: all agrees with the measurements" in run.output
    assert "✗" not in run.output
    for name in ("metrics.csv", "figures/losses.png", "analysis.ipynb", "report.pdf"):
        assert f"tiny        {name} " in run.output


def spoil(folder: Path) -> dict[str, str]:
    """Change each derived file in one place; return what must be said of each."""
    edit(folder / "scaling.csv", "none,0.0,", "none,0.01,")
    edit(folder / "table1_layers.csv", "IP,", "IQ,")
    edit(folder / "table1.md", "Feature diversity", "Feature diversitY")
    (folder / "table1.tex").unlink()
    edit(folder / "analysis.ipynb", "agree with what is claimed", "agree with that paper")
    verdict = "true" if "true" in (folder / "table1.csv").read_text("utf-8") else "false"
    edit(folder / "table1.csv", f",{verdict},", f",{'false' if verdict == 'true' else 'true'},")
    report = (folder / "report.pdf").read_bytes()
    (folder / "report.pdf").write_bytes(report + b"\n")
    config = json.loads((folder / "provenance.json").read_text("utf-8"))["config"]
    other = dict(config, steps=7)
    measured = read(folder)
    save(
        figures.losses.draw(measured),
        folder / "figures/losses",
        config_sha256=figures_digest(other),
    )
    measured.metrics.loc[measured.metrics["step"] > 0, "feature_change"] *= 1 + 1e-6
    save(
        figures.evolution.draw(measured),
        folder / "figures/evolution",
        config_sha256=figures_digest(config),
    )
    return {
        "scaling.csv": "correction_power: committed '0.01', regenerated '0.0'",
        "table1_layers.csv": "scheme: committed 'IQ', regenerated 'IP'",
        "table1.csv": f"agrees: committed '{'false' if verdict == 'true' else 'true'}', "
        f"regenerated '{verdict}'",
        "table1.md": "line 1: committed",
        "table1.tex": "it is made from the measurements",
        "analysis.ipynb": "with that paper",
        "figures/losses.pdf": "another configuration",
        "figures/losses.png": "another configuration",
        "figures/evolution.pdf": "shows other data",
        "figures/evolution.png": "shows other data",
        "report.pdf": "other bytes",
    }


def test_everything_that_does_not_follow_is_named(
    finished: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is regenerated is what the workflow made: the rule above found the same bytes.
    def copying(setting: Setting) -> list[Task]:
        def copied(names: tuple[str, ...]) -> Callable[[Path, Setting], None]:
            def make(folder: Path, _: Setting) -> None:
                for name in names:
                    shutil.copyfile(finished.paper / name, folder / name)

            return make

        return [replace(task, make=copied(task.outputs)) for task in tasks(setting)]

    monkeypatch.setattr(reviewing, "tasks", copying)
    folder = Path(shutil.copytree(finished.paper, tmp_path / "spoiled"))
    assert failing(review(folder)) == {}
    expected = spoil(folder)
    found = failing(review(folder))
    assert found.keys() == expected.keys()
    for name, said in expected.items():
        assert said in found[name].details[0], name
