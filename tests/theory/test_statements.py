"""The list of statements: which of them an experiment checks, and what is counted of them."""

from typing import Any

import pytest
import yaml
from workflow_run import ROOT

from infwidth.experiment import OF_TRAINING_SET
from infwidth.review.tasks import DERIVED
from infwidth.theory.finding import Finding
from infwidth.theory.statements import NAMES, STATEMENTS, chosen, makers, measured_tables, tables


def test_the_configuration_takes_the_names_of_all_statements() -> None:
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text("utf-8"))
    listed = schema["properties"]["theory"]["properties"]["statements"]
    assert listed["items"]["enum"] == list(NAMES)


def test_statements_are_chosen_in_the_order_of_the_argument() -> None:
    assert chosen({"theory": {"statements": ["limits", "rest"]}}) == ("rest", "limits")
    some: dict[str, Any] = {"train_samples": 64}
    for all_of_them in ({"statements": None}, {}, True):
        assert chosen({**some, "theory": all_of_them}) == NAMES
    assert chosen({**some, "theory": False}) == chosen(some) == ()


def test_statements_about_a_training_set_are_for_experiments_that_have_one() -> None:
    assert set(OF_TRAINING_SET) <= set(NAMES)
    for without in ({"theory": True}, {"theory": {"statements": None}, "train_samples": None}):
        assert chosen(without) == tuple(name for name in NAMES if name not in OF_TRAINING_SET)
    assert chosen({"theory": {"statements": ["transfer"]}}) == ("transfer",)


def test_tables_that_follow_from_others_in_the_folder_are_no_measurements() -> None:
    assert tables(["limits", "inputs"]) == ("limits", *STATEMENTS["inputs"].tables)
    assert measured_tables(["limits", "inputs"]) == STATEMENTS["inputs"].tables
    assert {name for name in NAMES if STATEMENTS[name].derived} == set(DERIVED)


def test_tables_of_others_are_read_and_listed_once() -> None:
    both = tables(["transfer", "generalisation"])
    assert len(set(both)) == len(both)
    assert tables(["generalisation"])[0] == "transfer"
    assert makers(["generalisation"]) == ("transfer", "generalisation")
    assert makers(["outputs"]) == ("coordinates",)


@pytest.mark.parametrize(
    "contradiction",
    [
        {"verdict": "depends"},
        {"verdict": "verified", "depends_on": "the depth"},
        {"verdict": "verified", "origin": "paper"},
    ],
)
def test_a_finding_does_not_contradict_itself(contradiction: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"depends_on|ours"):
        Finding("here", "some statement", evidence="0.1", **contradiction)  # type: ignore[arg-type]
