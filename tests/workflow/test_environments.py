"""The lock, the conda environments beside it, and what the rules' scripts import agree."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions, requires, version
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infwidth.theory.statements import DRAWN, NAMES, STATEMENTS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/infwidth"
WORKFLOW = ROOT / "workflow"
ENVIRONMENTS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))
# Rules that run nothing: the Snakefile's own.
TARGETS = ("all", "theory")
# Functions that import, or look for, the module named.
LOADERS = ("import_module", "find_spec")
# What is installed, and what `make slurm` adds to it.
LOCKS = ("requirements.lock", "requirements-slurm.lock")
# Those of the conda environments, which are solved for one platform each.
MARKERS = {"python_version": "3.11", "python_full_version": "3.11.9", "sys_platform": "linux"}


def locked_blocks(lock: str = "requirements.lock") -> list[str]:
    """A lock's requirements, each with its hashes and comments."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return re.split(r"\n(?=[A-Za-z])", text.strip())


def requirement_of(block: str) -> Requirement:
    return Requirement(block.partition(" \\\n")[0])


def locked_versions(lock: str = "requirements.lock") -> dict[str, str]:
    """Name -> the version for the conda environments' platform."""
    requirements = [requirement_of(block) for block in locked_blocks(lock)]
    return {
        canonicalize_name(requirement.name): str(requirement.specifier).removeprefix("==")
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate(MARKERS)
    }


def pins(environment: str) -> dict[str, str]:
    """Name -> version of a conda environment's pip requirements."""
    content = yaml.safe_load((ROOT / f"envs/{environment}.yaml").read_text(encoding="utf-8"))
    python, pip, lines = content["dependencies"]
    assert (python, pip) == ("python=3.11", "pip")
    pinned = [line.split("==") for line in lines["pip"]]
    return {canonicalize_name(name): number for name, number in pinned}


@dataclass(frozen=True)
class Rule:
    """A rule that runs a file: its environment and what its job starts with."""

    environment: str
    file: Path
    # Of the theory's rules: the module that the script imports by this name.
    module: str | None


@dataclass(frozen=True)
class Workflow:
    """The rules as Snakemake reads them, and the modules that reading them has imported."""

    rules: dict[str, Rule]
    imported: set[str]


@pytest.fixture(scope="module")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The workflow, told by a Snakefile around it."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "Snakefile").write_text(
        "import json, sys\n"
        "there_already = set(sys.modules)\n"
        f"include: {str(ROOT / 'Snakefile')!r}\n"
        "told = {\n"
        "    made.name: {\n"
        "        'environment': made.conda_env,\n"
        "        'file': made.script or made.notebook,\n"
        "        'module': dict(made.params.items()).get('module'),\n"
        "    }\n"
        "    for made in workflow.rules\n"
        "}\n"
        "imported = sorted(set(sys.modules) - there_already)\n"
        "print(json.dumps({'rules': told, 'imported': imported}, default=str))\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--list-rules"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    told = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    found = {
        name: Rule(
            Path(rule["environment"] or "").stem,
            WORKFLOW / "rules" / (rule["file"] or ""),
            rule["module"],
        )
        for name, rule in told["rules"].items()
        if name not in TARGETS
    }
    return Workflow(found, set(told["imported"]))


def names(text: ast.expr, module: str | None) -> list[str]:
    """What a module's name written in code stands for: of every statement, of a rule's module."""
    if not isinstance(text, ast.JoinedStr):
        return [ast.literal_eval(text)]
    written = ast.unparse(text)[2:-1]
    if "{params.module}" in written:
        assert module, written
        return [written.replace("{params.module}", module)]
    assert re.findall(r"{.*?}", written) == ["{name}"], f"{written}: which modules is that?"
    named = [written.replace("{name}", name) for name in NAMES]
    return [name for name in named if path_of(name)]


@cache
def modules(file: Path, module: str | None = None) -> tuple[str, ...]:
    """What a file imports, or looks for, outside `if TYPE_CHECKING:`; functions' names too.

    Args:
        file: the file.
        module: of the rule whose script it is.
    """
    return tuple(_modules(file, module))


def _modules(file: Path, module: str | None) -> Iterator[str]:
    pending: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        pending += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{file}: a relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(LOADERS):
            yield from names(node.args[0], module)


def path_of(module: str) -> Path | None:
    """The file of one of the library's modules; None for what is no module."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.is_file()), None)


@cache
def distributions() -> Mapping[str, list[str]]:
    """Package that is imported -> what installs it."""
    return packages_distributions()


def third_party(files: Sequence[Path], module: str | None = None) -> set[str]:
    """Packages that files import from outside, themselves or through the library.

    Args:
        files: the files.
        module: of the rule whose script they are.
    """
    seen: set[Path] = set()
    found: set[str] = set()
    pending = list(files)
    while pending:
        file = pending.pop()
        if file in seen:
            continue
        seen.add(file)
        for imported in modules(file, module if file in files else None):
            top = imported.partition(".")[0]
            if top == PACKAGE.name:
                pending += filter(None, [path_of(imported)])
            elif top not in sys.stdlib_module_names:
                found.add(top)
    return {canonicalize_name(distributions()[top][0]) for top in found}


def users(workflow: Workflow, package: str) -> set[str]:
    """Rules whose jobs import a package."""
    return {
        name
        for name, rule in workflow.rules.items()
        if package in third_party([rule.file], rule.module)
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_hashed(lock: str) -> None:
    assert locked_blocks(lock)
    for block in locked_blocks(lock):
        requirement = requirement_of(block)
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), requirement
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"://|^--(?!hash)|^-[a-z]\b| @ ", text, flags=re.M)


def test_every_direct_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    # What one lock has the other leaves alone.
    assert not locked_versions(LOCKS[0]).keys() & locked_versions(LOCKS[1]).keys()
    locked = locked_versions(LOCKS[0]) | locked_versions(LOCKS[1])
    assert len(direct) > 10
    for requirement in map(Requirement, direct):
        assert locked[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_slurm_plugin_stays_out_of_the_default_environment() -> None:
    # Every call of Snakemake takes two seconds longer with it.
    assert {"snakemake-executor-plugin-slurm", "snakemake-executor-plugin-slurm-jobstep"} == set(
        locked_versions("requirements-slurm.lock")
    )


def test_torchvision_works_with_this_torch() -> None:
    locked = locked_versions()
    assert version("torchvision") == locked["torchvision"]
    wanted = next(
        requirement
        for requirement in map(Requirement, requires("torchvision") or [])
        if requirement.name == "torch"
    )
    assert locked["torch"] in wanted.specifier
    # Its compiled operators fail to load beside a torch that they were not built for.
    import torch
    from torchvision.ops import nms

    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.9], [2.0, 2.0, 3.0, 3.0]])
    assert nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist() == [0, 2]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_environment_is_in_step_with_the_lock(environment: str) -> None:
    pinned = pins(environment)
    assert pinned
    assert pinned == {name: locked_versions().get(name) for name in pinned}


def test_every_environment_is_used(workflow: Workflow) -> None:
    assert {rule.environment for rule in workflow.rules.values()} == set(ENVIRONMENTS)


def test_environment_has_what_the_rule_imports(workflow: Workflow) -> None:
    assert len(workflow.rules) > 25
    for name, rule in workflow.rules.items():
        assert rule.file.is_file(), f"{name} runs no script"
        assert third_party([rule.file], rule.module) <= pins(rule.environment).keys(), name


def test_only_what_trains_knows_torch(workflow: Workflow) -> None:
    # Importing it takes longer than most jobs.
    assert users(workflow, "torch") == {
        "train",
        "theory_inputs",
        "theory_kernels",
        "theory_linearised",
        "theory_covariance_part",
        "theory_induction",
        "theory_independence_part",
        "theory_rest",
        "theory_escape",
        "theory_coordinates",
        "theory_stress_part",
        "theory_rates",
    }


def test_only_the_check_of_activations_knows_sympy(workflow: Workflow) -> None:
    assert users(workflow, "sympy") == {"theory_activations"}


def test_reading_the_rules_imports_nothing_that_takes_long(workflow: Workflow) -> None:
    # Every call of Snakemake and every job reads them.
    slow = {"torch", "sympy", "scipy", "pandas", "matplotlib", "seaborn"}
    assert "infwidth.theory.statements" in workflow.imported
    assert not workflow.imported & slow


def test_judging_drawing_and_telling_leave_torch_and_sympy_alone() -> None:
    code = (
        "import sys\n"
        "import infwidth.paper.notebook, infwidth.paper.page, infwidth.paper.report\n"
        "import infwidth.paper.findings, infwidth.review, infwidth.theory.drawing\n"
        "print([name for name in ('torch', 'sympy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_measuring_knows_nothing_of_judging() -> None:
    # A finding that is worded anew must not have a table computed again.
    theory = PACKAGE / "theory"
    judging = sorted([theory / "judging.py", *theory.glob("*/judge.py")])
    drawing = sorted([theory / "drawing.py", *theory.glob("*/draw.py")])
    measuring = [file for file in theory.rglob("*.py") if file not in {*judging, *drawing}]
    assert len(judging) == len(STATEMENTS) + 1
    assert len(drawing) == len(DRAWN) + 1
    assert {file.parent.name for file in measuring} == {"theory", "innovations", *NAMES}
    told = (".judge", ".judging", ".draw", ".drawing", "theory.statements", "infwidth.paper")
    assert not [
        (file, module)
        for file in measuring
        if file.name != "statements.py"
        for module in modules(file)
        if any(f"{part}." in f"{module}." for part in told)
    ]
    assert not third_party([*judging, *drawing]) & {"torch", "sympy"}
