"""The lock, the conda environments beside it, and what the rules' scripts import agree."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires, version
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infwidth.theory.statements import STATEMENTS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/infwidth"
WORKFLOW = ROOT / "workflow"
ENVIRONMENTS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))
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


def rules() -> dict[str, tuple[str, list[Path]]]:
    """Rule -> its environment and the Python files that its job runs."""
    found = {}
    for file in sorted((WORKFLOW / "rules").glob("*.smk")):
        for block in re.split(r"^ *rule ", file.read_text(encoding="utf-8"), flags=re.M)[1:]:
            names = re.findall(r'((?:scripts|notebooks)/\w+\.py)"', block)
            files = [WORKFLOW / name for name in names]
            environment = re.search(r'conda:\s+"../../envs/(\w+)\.yaml"', block)
            assert environment, f"{file.name}: {block.partition(':')[0]} has no environment"
            found[block.partition(":")[0]] = (environment[1], files)
    return found


def modules(file: Path) -> Iterator[str]:
    """What a file imports, or looks for, outside `if TYPE_CHECKING:`; functions' names too."""
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
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "find_spec":
            yield ast.literal_eval(node.args[0])


def third_party(files: list[Path]) -> set[str]:
    """Packages that files import from outside, themselves or through the library."""
    seen: set[Path] = set()
    found: set[str] = set()
    pending = list(files)
    while pending:
        file = pending.pop()
        if file in seen:
            continue
        seen.add(file)
        for module in modules(file):
            top, *rest = module.split(".")
            if top == "infwidth":
                path = PACKAGE.joinpath(*rest)
                candidates = (path.with_suffix(".py"), path / "__init__.py")
                pending += [candidate for candidate in candidates if candidate.is_file()]
            elif top not in sys.stdlib_module_names:
                found.add(top)
    distributions = packages_distributions()
    return {canonicalize_name(distributions[top][0]) for top in found}


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


def test_every_environment_is_used() -> None:
    assert {environment for environment, _ in rules().values()} == set(ENVIRONMENTS)


@pytest.mark.parametrize("rule", sorted(rules()))
def test_environment_has_what_the_rule_imports(rule: str) -> None:
    environment, files = rules()[rule]
    assert files, f"{rule} runs no script"
    assert third_party(files) <= pins(environment).keys()


def test_only_what_trains_knows_torch() -> None:
    # Importing it takes longer than most jobs.
    users = {rule for rule, (_, files) in rules().items() if "torch" in third_party(files)}
    assert users == {
        "train",
        "theory_inputs",
        "theory_kernels",
        "theory_linearised",
        "theory_innovations",
        "theory_train_activation",
        "theory_rest",
    }


def test_only_the_check_of_activations_knows_sympy() -> None:
    users = {rule for rule, (_, files) in rules().items() if "sympy" in third_party(files)}
    assert users == {"theory_activations"}


def test_judging_drawing_and_telling_leave_torch_and_sympy_alone() -> None:
    code = (
        "import sys\n"
        "import infwidth.paper.notebook, infwidth.paper.page, infwidth.paper.report\n"
        "import infwidth.paper.findings, infwidth.review, infwidth.theory.statements\n"
        "print([name for name in ('torch', 'sympy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_measuring_knows_nothing_of_judging() -> None:
    # A finding that is worded anew must not have a table computed again.
    theory = PACKAGE / "theory"
    judging = sorted(theory.glob("*/judge.py"))
    drawing = sorted(theory.glob("*/draw.py"))
    measuring = [
        *(file for file in theory.glob("*/*.py") if file not in {*judging, *drawing}),
        *(theory / f"{name}.py" for name in ("measuring", "setting", "statement")),
    ]
    assert len(judging) == len(STATEMENTS) < len(measuring)
    told = (".judge", ".draw", "theory.statements", "infwidth.paper", "infwidth.drawing")
    assert not [
        (file, module)
        for file in measuring
        for module in modules(file)
        if any(name in f"{module}." for name in (f"{part}." for part in told))
    ]
    assert not third_party([*judging, *drawing]) & {"torch", "sympy"}
