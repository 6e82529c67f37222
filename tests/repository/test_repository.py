"""What the repository has for those who work on it: CI, pre-commit, no test skipped in silence."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
SKIPPING = """
import pytest

@pytest.mark.skip(reason="no browser here")
def test_with_a_browser(): ...

@pytest.mark.xfail
def test_not_yet(): assert False

def test_without(): ...
"""


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))


def commands_of(workflow: object) -> list[str]:
    """What the steps of a GitHub workflow run, for every value of its matrix."""
    assert isinstance(workflow, dict)
    found: list[str] = []
    for job in workflow["jobs"].values():
        values = job["strategy"]["matrix"]["run"]
        for step in job["steps"]:
            command = step.get("run", "")
            found += values if command == "${{ matrix.run }}" else [command] if command else []
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_what_there_is_and_pin_what_they_use(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    for command in commands_of(workflow):
        program, *arguments = command.split()
        if program == "make":
            assert set(arguments) <= make_targets(), command
        else:
            assert os.access(ROOT / program, os.X_OK), command
    used = [
        step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step
    ]
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action)] == []


def test_ci_lints_tests_reproduces_and_documents() -> None:
    workflows = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in WORKFLOWS]
    commands = [command for workflow in workflows for command in commands_of(workflow)]
    assert {"make lint", ".ci/run", "make quick", "make docs"} <= set(commands)


def test_pre_commit_runs_make_lint() -> None:
    (repository,) = yaml.safe_load(text_of(".pre-commit-config.yaml"))["repos"]
    (hook,) = repository["hooks"]
    assert repository["repo"] == "local"
    assert (hook["entry"], hook["language"], hook["pass_filenames"]) == (
        "make lint",
        "system",
        False,
    )
    assert "lint" in make_targets()


def test_the_catalogue_is_told_how_this_is_used() -> None:
    usage = yaml.safe_load(text_of(".snakemake-workflow-catalog.yml"))["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert usage["software-stack-deployment"]["conda"] == (ROOT / "envs").is_dir()


def test_contributing_is_short_and_its_links_exist() -> None:
    text = text_of("CONTRIBUTING.md")
    assert len(text.splitlines()) < 40
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
    assert set(re.findall(r"`make ([a-z-]+)`", text)) <= make_targets()


def test_the_script_of_ci_is_bash_and_lets_nothing_be_skipped() -> None:
    subprocess.run(["bash", "-n", ROOT / ".ci/run"], check=True)
    assert "INFWIDTH_NO_SKIP=1 make test" in text_of(".ci/run").splitlines()


@pytest.mark.parametrize(("asked", "code"), [("", 0), ("1", 1)])
def test_what_is_skipped_is_told_or_fails_where_nothing_may_be(
    asked: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "test_skipping.py").write_text(SKIPPING, encoding="utf-8")
    options = ["-p", "conftest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-c",
            str(ROOT / "pyproject.toml"),
            *options,
            str(tmp_path),
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests"), "INFWIDTH_NO_SKIP": asked},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "no browser here" in done.stdout
    assert ("1 passed, 1 xfailed, 1 error" if asked else "1 passed, 1 skipped, 1 xfailed") in (
        done.stdout
    )
