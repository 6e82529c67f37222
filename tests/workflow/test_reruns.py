"""What is touched is what runs again. (Trainings follow features: snapshots are not kept.)"""

import os

import pytest
from workflow_run import SCHEMES, TINY, WIDTHS, Checkout, append, write_images

ALL_TRAININGS = {(scheme, width) for scheme in SCHEMES for width in WIDTHS}
FROM_FIGURES = {"figures", "notebook", "report_pdf", "page", "all"}
FROM_VERDICTS = FROM_FIGURES | {"verdicts", "table1_steps", "table1"}
FROM_SCALING = FROM_VERDICTS | {"scaling"}
FROM_SPECTRA = FROM_SCALING | {"spectra"}
FROM_TRAINING = FROM_SPECTRA | {"train", "features"}
OWN_SCHEME = "schemes: {mine: {init_variance: [0, -1, -1.5], learning_rate: [0.5, -1, -1]}, "


def test_second_run_does_nothing(finished: Checkout) -> None:
    files = sorted(finished.paper.rglob("*"))
    before = [file.stat().st_mtime_ns for file in files]
    assert "Nothing to be done" in finished.make()
    assert [file.stat().st_mtime_ns for file in files] == before
    assert finished.plan().rules == set()


def test_one_more_width_trains_that_width_alone(finished: Checkout) -> None:
    plan = finished.plan(widths=[*WIDTHS, 64])
    assert plan.trainings == {(scheme, 64) for scheme in SCHEMES}
    assert plan.rules == FROM_TRAINING


def test_one_width_less_trains_nothing(finished: Checkout) -> None:
    assert finished.plan(widths=list(WIDTHS[:-1])).rules == FROM_SPECTRA


def test_one_more_scheme_trains_that_scheme_alone(finished: Checkout) -> None:
    file = finished.root / "own.yaml"
    file.write_text(OWN_SCHEME + ": null, ".join(SCHEMES) + ": null}\n", encoding="utf-8")
    plan = finished.plan("tiny.yaml", "own.yaml")
    assert plan.trainings == {("mine", width) for width in WIDTHS}
    assert plan.rules == FROM_TRAINING


@pytest.mark.parametrize("change", [{"seeds": 3}, {"steps": 6}])
def test_another_training_trains_all(finished: Checkout, change: dict[str, object]) -> None:
    plan = finished.plan(**change)
    assert plan.trainings == ALL_TRAININGS
    assert plan.rules == FROM_TRAINING


@pytest.mark.parametrize(
    "change", [{"train_samples": 4}, {"train_samples": "all", "probes": "test"}]
)
def test_another_training_set_is_prepared_and_trained_on(
    finished: Checkout, change: dict[str, object]
) -> None:
    plan = finished.plan(**change)
    assert plan.trainings == ALL_TRAININGS
    assert plan.rules == FROM_TRAINING | {"prepare_dataset"}


def test_thresholds_judge_again(finished: Checkout) -> None:
    assert finished.plan(stable_exponent=0.2, collapse_ratio=1e-5).rules == FROM_VERDICTS


def test_range_of_widths_fits_again(finished: Checkout) -> None:
    assert finished.plan(fit_width_ratio=3).rules == FROM_SCALING


def test_style_draws_again(finished: Checkout) -> None:
    with finished.changed("src/infwidth/drawing/style.py") as file:
        append(file, "\nWIDEST = 7\n")
        assert finished.plan().rules == FROM_FIGURES


@pytest.mark.parametrize(
    ("path", "text", "rules"),
    [
        ("workflow/report/report.typ", "\nThe end.\n", {"report_pdf"}),
        # Report and page follow: they tell what every job has cost, the notebook's too.
        (
            "workflow/notebooks/analysis.py",
            "\n# %% [markdown]\n# The end.\n",
            {"notebook", "report_pdf", "page"},
        ),
    ],
)
def test_sentences_change_only_what_they_stand_in(
    finished: Checkout, path: str, text: str, rules: set[str]
) -> None:
    with finished.changed(path) as file:
        append(file, text)
        assert finished.plan().rules == rules | {"all"}


def test_comments_count_for_nothing_and_code_trains_again(finished: Checkout) -> None:
    with finished.changed("src/infwidth/network/mlp.py") as file:
        text = file.read_text(encoding="utf-8")
        assert text.startswith('"""')
        file.write_text(text.replace('"""', '"""Again: ', 1) + "\n# The end.\n", encoding="utf-8")
        assert finished.plan().rules == set()
        append(file, "\nLARGEST = 7\n")
        plan = finished.plan()
    assert plan.trainings == ALL_TRAININGS
    assert plan.rules == FROM_TRAINING


def test_other_images_start_all_over_and_touched_ones_nothing(finished: Checkout) -> None:
    with finished.changed(TINY["dataset_path"]) as file:
        os.utime(file)
        assert finished.plan().rules == set()
        write_images(file, seed=1)
        plan = finished.plan()
    assert plan.trainings == ALL_TRAININGS
    assert plan.rules == FROM_TRAINING | {"prepare_dataset"}
