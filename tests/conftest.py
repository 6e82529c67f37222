"""What tests in several files share."""

from pathlib import Path

import pytest
from workflow_run import Checkout


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
