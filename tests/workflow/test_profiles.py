"""The profiles: what a user edits, and which jobs share a submission. Nothing is submitted here."""

import re
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from workflow_run import SCHEMES, THEORY, WIDTHS, Checkout

ROOT = Path(__file__).parents[2]
PROFILES = ROOT / "profiles"
# What a cluster without accounting needs besides, or cannot have.
WITHOUT_ACCOUNTING: dict[str, Any] = {
    "slurm-status-command": "squeue",
    "slurm-init-seconds-before-status-checks": 20,
    "slurm-no-account": True,
}
# How the messages of these rules start; the theory's trainings are "with" an activation.
TRAINING = tuple(f"Training {scheme} at" for scheme in SCHEMES)
REDUCING = "Reducing the features"


def profile(name: str) -> dict[str, Any]:
    content = (PROFILES / name / "config.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(content)
    return loaded


def edited(name: str) -> list[str]:
    """The keys of the lines that a profile asks its user to edit."""
    content = (PROFILES / name / "config.yaml").read_text(encoding="utf-8")
    return re.findall(r"^ *([a-z_-]+): .+ # EDIT: ", content, re.MULTILINE)


def rule_blocks() -> dict[str, str]:
    """Rule -> its text; those made in a loop are called by what stands about their names."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / "workflow/rules").glob("*.smk")):
        text = file.read_text(encoding="utf-8")
        looped = r"^ *rule:\n +name:\n +f\"theory_\{name\}(\w*)\""
        text = re.sub(looped, r"rule theory_looped\1:", text, flags=re.MULTILINE)
        blocks = re.split(r"^ *rule (\w+):", text, flags=re.MULTILINE)
        found |= dict(zip(blocks[1::2], blocks[2::2], strict=True))
    return found


def test_a_user_edits_partition_account_and_gres() -> None:
    assert edited("slurm") == ["slurm_partition", "slurm_account", "gres"]
    assert edited("slurm-noacct") == ["slurm_partition", "gres"]
    assert edited("cluster-generic") == ["cluster-generic-submit-cmd"]
    assert edited("default") == []


def test_the_slurm_profiles_differ_in_accounting_alone() -> None:
    with_accounts, without = profile("slurm"), profile("slurm-noacct")
    del with_accounts["default-resources"]["slurm_account"]
    assert without == with_accounts | WITHOUT_ACCOUNTING


@pytest.mark.parametrize("name", ["slurm", "slurm-noacct", "cluster-generic"])
def test_a_cluster_profile_retries_and_packs(name: str) -> None:
    settings = profile(name)
    assert settings["retries"] >= 1
    # One at a time in a shared job: what it asks for is the largest member's, not the sum.
    assert settings["cores"] == 1
    groups = {"small", "large", "features", "theory", "analysis", "findings", "paper"}
    groups |= {"worlds", "read"}
    assert settings["group-components"].keys() <= groups


def test_only_profiles_retry() -> None:
    # A rule's own retries would all be made within the memory and time of one submission.
    assert not [name for name, block in rule_blocks().items() if re.search(r"retries:", block)]
    assert "retries" not in profile("default")


def test_what_is_submitted_asks_for_more_at_each_attempt_and_is_in_a_group() -> None:
    submitted = {
        name: block for name, block in rule_blocks().items() if "localrule: True" not in block
    }
    assert {"train", "theory_looped", "theory_looped_part", "page"} <= submitted.keys()
    for name, block in submitted.items():
        assert re.search(r"\n +group:\n", block), name
        for resource in ("mem_mb", "runtime"):
            assert re.search(rf"{resource}=(growing\(|lambda wildcards, attempt: )", block), name


def shared(checkout: Checkout, *options: str) -> list[list[str]]:
    """The rules of each shared job of a dry run of everything, as the Slurm profile packs it."""
    # The same without the plugin, which not everybody has.
    settings = {
        key: value
        for key, value in profile("slurm").items()
        if key != "executor" and not key.startswith("slurm-")
    }
    del settings["set-resources"]
    folder = checkout.root / "profiles/packed"
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    run = checkout.snakemake(
        *("-n", "--workflow-profile", "profiles/packed", *options),
        files=("tiny.yaml", "packed.yaml"),
        cores=1,
    )
    assert run.code == 0, run.output
    jobs: list[list[str]] = []
    for line in run.output.splitlines():
        if "Group job" in line:
            jobs.append([])
        # Members are indented; what is submitted by itself is not.
        elif found := re.match(r" +Job \d+: (.*)", line):
            jobs[-1].append(found[1])
    return jobs


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The tiny experiment, with the theory and two widths whose trainings take minutes."""
    made = Checkout.fresh(tmp_path_factory.mktemp("profiles") / "checkout")
    changes = THEORY | {"widths": [*WIDTHS, 2048, 4096], "steps": 10000, "layer": "dense"}
    (made.root / "packed.yaml").write_text(yaml.safe_dump(changes), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def packed(checkout: Checkout) -> list[list[str]]:
    return shared(checkout)


def width(message: str) -> int:
    return int(re.findall(r"width (\d+)", message)[0])


def test_small_trainings_share_jobs_and_large_ones_do_not(packed: list[list[str]]) -> None:
    jobs = [job for job in packed if any(message.startswith(TRAINING) for message in job)]
    trainings = [sorted(width(m) for m in job if m.startswith(TRAINING)) for job in jobs]
    # Each with the reduction of its features.
    assert trainings == [sorted(width(m) for m in job if m.startswith(REDUCING)) for job in jobs]
    small = [widths for widths in trainings if widths[0] < 2048]
    assert [len(widths) for widths in small] == [8, 8]
    assert sorted(chain(*small)) == sorted(WIDTHS * len(SCHEMES))
    large = sorted(widths for widths in trainings if widths[0] >= 2048)
    assert large == [[2048]] * 4 + [[4096]] * 4


def test_trainings_on_gpus_share_no_job(checkout: Checkout) -> None:
    messages = shared(checkout, "--set-resources", "train:gpu=1")
    assert [m for job in messages for m in job if m.startswith(TRAINING)] == []
    reduced = [len(job) for job in messages if job[0].startswith(REDUCING)]
    assert reduced == [8, 8, 8]


def test_checks_of_the_theory_and_all_that_is_written_share_few_jobs(
    packed: list[list[str]],
) -> None:
    rest = [job for job in packed if not any(m.startswith((*TRAINING, REDUCING)) for m in job)]
    # 17 of the theory in four; tables and figures; what is found; report and page.
    assert sorted(len(job) for job in rest) == [2, 2, 4, 4, 6, 7, 7]
