"""What tests in several files share."""

import os
from collections.abc import Generator
from pathlib import Path

import effort
import pytest
from workflow_run import Checkout


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long", action="store_true", help="the long versions of the tests marked `faults`"
    )


def pytest_configure(config: pytest.Config) -> None:
    effort.register(long=config.getoption("--long"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With INFWIDTH_NO_SKIP in the environment, as in .ci/run, what is skipped fails."""
    report = yield
    if report.skipped and os.environ.get("INFWIDTH_NO_SKIP") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"nothing may be skipped here: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether this run of pytest was asked for the long versions."""
    asked: bool = request.config.getoption("--long")
    return asked


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which the tiny experiment has run. Leave it as it is, or change a copy."""
    checkout = Checkout.fresh(tmp_path_factory.mktemp("workflow") / "finished")
    output = checkout.make()
    (checkout.root / "output.txt").write_text(output, encoding="utf-8")
    return checkout


@pytest.fixture
def copy(finished: Checkout, tmp_path: Path) -> Checkout:
    """A copy of the finished checkout, to be changed."""
    return finished.copy(tmp_path / "copy")
