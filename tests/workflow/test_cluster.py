"""The workflow on a real Slurm, which these tests start on this machine: `make test-cluster`."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

import pytest
import yaml
from workflow_run import THEORY, Checkout, Run

SLURM = Path(__file__).parents[1] / "support" / "slurm"
PROFILE = "profiles/slurm-noacct"
# The digits workflow in a minute or two; WHOLE=1 in the environment asks for all of it.
SHORT = THEORY | {"widths": [64, 128, 256], "seeds": 2, "steps": 100}


def missing() -> str | None:
    """What this machine lacks, if anything."""
    if not find_spec("snakemake_executor_plugin_slurm"):
        return "needs the Slurm plugin: `make slurm`"
    for program in ("slurmctld", "slurmd", "munged"):
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"):
            return f"needs {program}: packages slurm-wlm and munge"
    return None if os.getuid() == 0 else "needs root"


pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]


@pytest.fixture(scope="module", autouse=True)
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Slurm that runs; its folder."""
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run([SLURM / "start.sh", folder], check=True)
    yield folder
    subprocess.run([SLURM / "stop.sh", folder], check=True)


def fit_profile(checkout: Checkout, *, gpus: bool) -> None:
    """Edit what a user of a cluster edits."""
    file = checkout.root / PROFILE / "config.yaml"
    content = file.read_text(encoding="utf-8").replace("PARTITION", "test")
    if not gpus:
        content = re.sub(r"set-resources:\n.*\n.*gres: .*\n", "", content)
        assert "gres" not in content
    # As seldom as the profile looks, a test would mostly wait.
    content = content.replace("status-checks: 20", "status-checks: 5")
    file.write_text(content, encoding="utf-8")


def submit(checkout: Checkout, *files: str, options: tuple[str, ...] = ()) -> Run:
    """Run the workflow on Slurm; it must succeed."""
    run = checkout.snakemake("--workflow-profile", PROFILE, *options, files=files, cores=1)
    assert run.code == 0, run.output
    return run


def submitted(run: Run) -> int:
    return run.output.count("has been submitted with SLURM jobid")


def ended(slurm: Path, run: Run) -> list[dict[str, str]]:
    """What Slurm wrote down about the jobs of a run."""
    (name,) = set(re.findall(r"SLURM run ID: (\S+)", run.output))
    lines = (slurm / "log/jobs.txt").read_text(encoding="utf-8").splitlines()
    jobs = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]
    return [job for job in jobs if job["Name"] == name]


def tables(checkout: Checkout) -> dict[str, bytes]:
    """Every CSV file of paper/."""
    folder = checkout.root / "paper"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.csv")
    }


def test_digits_come_out_as_on_one_machine(slurm: Path, tmp_path: Path) -> None:
    local = Checkout.fresh(tmp_path / "local")
    (local.root / "short.yaml").write_text(
        yaml.safe_dump({} if os.environ.get("WHOLE") else SHORT), encoding="utf-8"
    )
    files = ("config/digits.yaml", "short.yaml")
    cluster = local.copy(tmp_path / "cluster")
    fit_profile(cluster, gpus=False)

    started = monotonic()
    run = local.snakemake(files=files)
    assert run.code == 0, run.output
    local_seconds, started = monotonic() - started, monotonic()
    run = submit(cluster, *files)
    print(
        f"\nlocal: {local_seconds:.0f} s; Slurm: {monotonic() - started:.0f} s, "
        f"{submitted(run)} jobs"
    )
    expected = tables(local)
    assert len(expected) > 15
    assert tables(cluster) == expected
    assert {job["JobState"] for job in ended(slurm, run)} == {"COMPLETED"}
    assert 5 < submitted(run) < 15


def test_a_training_that_is_killed_for_its_memory_is_given_more(
    slurm: Path, tmp_path: Path
) -> None:
    checkout = Checkout.fresh(tmp_path / "checkout")
    fit_profile(checkout, gpus=False)
    hardware = checkout.root / "src/infwidth/jobs/hardware.py"
    source = hardware.read_text(encoding="utf-8")
    hardware.write_text(source.replace("_MEMORY_MB = 1500", "_MEMORY_MB = 450"), encoding="utf-8")
    # Long enough to be caught: memory is looked at every two seconds.
    (checkout.root / "long.yaml").write_text("{steps: 20000, schemes: [SP], widths: [64]}")
    run = submit(checkout, "tiny.yaml", "long.yaml", options=("--until", "features"))
    *killed, last = sorted(ended(slurm, run), key=lambda job: int(job["JobId"]))
    assert killed
    assert {job["JobState"] for job in killed}.isdisjoint({"COMPLETED"})
    assert last["JobState"] == "COMPLETED"
    granted = [int(re.findall(r"mem=(\d+)M", job["Tres"])[0]) for job in [*killed, last]]
    assert granted == [granted[0] * attempt for attempt in range(1, len(granted) + 1)]
    # Not for another reason.
    assert re.search("exceeded memory limit|out.of.memory", logs_of(checkout), re.IGNORECASE)
    assert (checkout.root / "results/tiny/features/SP/64.npz").is_file()


def logs_of(checkout: Checkout) -> str:
    """Slurm's logs of failed jobs; those of others are removed."""
    files = (checkout.root / "logs/slurm").rglob("*.log")
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_every_training_on_a_gpu_gets_the_one_of_its_own_job(slurm: Path, tmp_path: Path) -> None:
    checkout = Checkout.fresh(tmp_path / "checkout")
    fit_profile(checkout, gpus=True)
    (checkout.root / "gpu.yaml").write_text("{device: auto, schemes: [SP], widths: [64, 128]}")
    run = submit(checkout, "tiny.yaml", "gpu.yaml", options=("--until", "features"))
    # Two trainings, and one job that reduces the features of both.
    assert submitted(run) == 3
    for log in (checkout.root / "logs/tiny/train").glob("SP_*.log"):
        assert re.search(r"on GPU [01], as given", log.read_text(encoding="utf-8")), log
