"""Learning-rate transfer: the search against planted losses, planted drifts, small trainings."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import builders
import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure
from numpy.typing import NDArray
from workflow_run import ROOT

from infwidth.config.reading import read_experiment
from infwidth.measures.estimate import Estimate
from infwidth.recipe import Recipe
from infwidth.schemes import SCHEMES, Scheme
from infwidth.theory.setting import settings
from infwidth.theory.transfer import draw as figure
from infwidth.theory.transfer.drift import apart, law, stays
from infwidth.theory.transfer.grid import BELOW, OCTAVE, best, coarse, edge, explored, rate, window
from infwidth.theory.transfer.judge import findings
from infwidth.theory.transfer.measure import optima_table
from infwidth.theory.transfer.names import COLUMNS, LOSSES, MOVED
from infwidth.theory.transfer.train import transfer_table
from infwidth.training.train import train

Array = NDArray[np.float64]
WIDTHS, SEEDS = (64, 128, 256, 512), 3
ETA = 0.5


def left_of(log_rate: float, optimum: float, edge: float) -> float:
    """What is left of a loss that is least at one rate, and infinite from another on."""
    return math.exp(0.02 * (log_rate - optimum) ** 2 - 0.5) if log_rate < edge else math.inf


def searched(optima: Sequence[float], edges: Sequence[float], first: int) -> dict[int, Array]:
    """As tried, with optima and edges in octaves, of each seed."""
    octave = math.log(2)

    def outcome(place: int) -> Array:
        seeds = zip(optima, edges, strict=True)
        at = place / OCTAVE * octave
        return np.array([left_of(at, opt * octave, end * octave) for opt, end in seeds])

    return explored(outcome, first)


@pytest.mark.parametrize("first", [-20, 0, 8, 24])
def test_the_search_finds_optimum_and_edges_from_wherever_it_starts(first: int) -> None:
    tried = searched([1.1, 1.3], [3.6, 4.4], first)
    assert abs(best(tried) / OCTAVE - 1.2) < 0.3
    near = window(tried)
    assert near[0] <= best(tried) - OCTAVE / 2
    assert near[-1] >= best(tried) + OCTAVE / 2
    assert min(tried) <= best(tried) - BELOW
    for seed, end in enumerate((3.6, 4.4)):
        low, high = edge(tried, seed)
        assert high == low + 1
        assert low / OCTAVE < end <= high / OCTAVE
    assert len(tried) < 26


def test_a_search_ends_where_nothing_is_unstable_or_all_is() -> None:
    assert edge(explored(lambda _: np.array([0.5]), 0), 0)[1] is None
    assert not any(np.isfinite(left).any() for left in searched([0.0], [-math.inf], 0).values())


def planted(
    best_at: Callable[[int], float],
    edge_at: Callable[[int], float],
    *,
    scheme: str = "µP",
    loss: str = "mse",
    change: Callable[[float, int], float] = lambda rate, width: rate,
    noise: float = 0.02,
) -> pd.DataFrame:
    """Rows of transfer.csv with the best and the largest stable rate as functions of the width."""
    rng = np.random.default_rng(0)
    rows = []
    for width in WIDTHS:
        optima = np.log(best_at(width)) + noise * rng.standard_normal(SEEDS)
        for place, left in searched(
            optima / math.log(2), [math.log2(edge_at(width))] * SEEDS, 0
        ).items():
            for seed, each in enumerate(left):
                eta = rate(place, 1.0)
                lost = math.isinf(each)
                rows.append(
                    dict.fromkeys(COLUMNS, math.nan)
                    | {"scheme": scheme, "loss": loss, "width": width, "learning_rate": eta}
                    | {"seed": seed, "diverged": 3 if lost else math.nan, "untrained_loss": 2.0}
                    | {"train_loss": math.nan if lost else 2 * each}
                    | {"feature_change": math.nan if lost else change(eta, width)}
                )
    return pd.DataFrame(rows)


def grades(*tables: pd.DataFrame) -> Mapping[str, str]:
    """Verdicts by their statements' first words."""
    table = pd.concat(tables, ignore_index=True)
    found = findings(table, optima_table(table))
    assert len({finding.statement for finding in found}) == len(found)
    return {finding.statement: finding.verdict for finding in found}


def one(found: Mapping[str, str], words: str) -> str:
    (verdict,) = (verdict for statement, verdict in found.items() if words in statement)
    return verdict


@pytest.mark.parametrize(
    ("power", "noise", "verdict"),
    [
        (0.0, 0.02, "verified"),
        (0.5, 0.02, "refuted"),
        (-0.4, 0.02, "refuted"),
        (0.2, 0.15, "undet"),
    ],
)
def test_a_best_rate_that_drifts_does_not_transfer(
    power: float, noise: float, verdict: str
) -> None:
    table = planted(lambda n: 2 * (n / 64) ** power, lambda n: 40, noise=noise)
    optima = optima_table(table)
    assert set(optima["place"]) == {"inside"}
    fitted = law(optima, "optimum").power
    assert fitted.low < power < fitted.high
    assert one(grades(table), "trains best").startswith(verdict)
    # What the widths' ratio is lies between what it is said to be.
    least, most = apart(optima)
    assert least <= 8 ** abs(power) <= most


def test_vertices_are_exact_for_a_parabola() -> None:
    optima = optima_table(planted(lambda n: 3.3, lambda n: 40, noise=0.0))
    np.testing.assert_allclose(optima["optimum"], 3.3, rtol=1e-10)
    assert (optima["edge_low"] < 40).all()
    assert (optima["edge_high"] >= 40).all()
    np.testing.assert_allclose(optima["edge_high"] / optima["edge_low"], 2 ** (1 / OCTAVE))


def test_a_best_rate_at_the_edge_lies_between_rates_and_moves_as_the_edge_does() -> None:
    held = planted(lambda n: 20.0, lambda n: 3.0)
    optima = optima_table(held)
    assert set(optima["place"]) == {"edge"}
    assert (optima["optimum_low"] < 3).all()
    assert (optima["optimum_high"] >= 3).all()
    assert (optima["optimum_high"] / optima["optimum_low"] < 1.5).all()
    found = grades(held)
    assert one(found, "held by the edge") == one(found, "trains best") == "verified"
    free = planted(lambda n: 0.5, lambda n: 3.0)
    assert one(grades(free), "held by the edge") == "refuted"


def test_powers_of_the_edge_have_what_is_open_between_rates_in_their_interval() -> None:
    for power in (0.0, -0.5, -1.0):
        table = planted(lambda n: 0.3, lambda n, b=power: 3 * (n / 64) ** b)  # type: ignore[misc]
        fitted = law(optima_table(table), "edge").power
        assert fitted.low < power < fitted.high
        assert 0.05 < fitted.high - fitted.low < 0.4
        stays = "verified" if power == 0 else "refuted"
        assert one(grades(table), "largest stable η") == stays


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [
        (-0.2, 0.2, True),
        (0.05, 0.2, True),
        (0.12, 0.2, False),
        (-0.4, -0.11, False),
        (0, 0.3, None),
    ],
)
def test_a_power_stays_within_a_quarter_if_it_can_be_nearly_none(
    low: float, high: float, answer: bool | None
) -> None:
    assert stays(Estimate((low + high) / 2, low, high)) is answer


def test_widths_share_the_rates_that_searches_start_at() -> None:
    assert [coarse(place) for place in (-7, -5, 0, 3, 9)] == [-8, -4, 0, 4, 8]


def test_what_differs_between_losses_depends_on_them() -> None:
    moving = [planted(lambda n: n / 64, lambda n: n, loss="cross_entropy", scheme="SP")]
    still = [planted(lambda n: 2.0, lambda n: 40, scheme="SP")]
    table = pd.concat(still + moving, ignore_index=True)
    found = {each.statement: each for each in findings(table, optima_table(table))}
    transfers = next(each for text, each in found.items() if "trains best" in text)
    assert transfers.depends_on == "true of squared error; false of cross-entropy"
    requires = next(each for text, each in found.items() if "order 1/n" in text)
    assert requires.verdict == "depends"
    assert "the largest stable one ∝ n^0.0" in requires.evidence.partition("cross-entropy")[2]


def test_a_coordinate_check_is_held_against_transfer() -> None:
    words = "coordinate check"
    same = planted(lambda n: 2.0, lambda n: 40)
    assert one(grades(same), words) == "verified"
    moving = planted(lambda n: 2.0, lambda n: 40, change=lambda rate, n: rate / n)
    assert one(grades(moving), words) == "refuted"
    drifting = planted(
        lambda n: 2.0 * (n / 64) ** 0.5, lambda n: 90, change=lambda rate, n: rate * n**-0.5
    )
    assert one(grades(drifting), words) == "verified"


def test_what_does_not_move_or_has_no_minimum_is_told_and_not_judged() -> None:
    table = planted(lambda n: 2.0, lambda n: 40)
    still = table.assign(train_loss=table["train_loss"].where(table["train_loss"].isna(), 1.999))
    optima = optima_table(still)
    assert set(optima["place"]) == {"unmoved"}
    assert optima["optimum"].isna().all()
    (finding,) = (f for f in findings(still, optima) if "trains best" in f.statement)
    assert finding.verdict == "undetermined"
    assert f"{100 * MOVED:g} % off the loss, it is not yet moving at n = 64" in finding.evidence
    fitted = table.assign(train_loss=table["train_loss"].where(table["train_loss"].isna(), 1e-9))
    assert set(optima_table(fitted)["place"]) == {"flat"}
    assert "no clear minimum" in findings(fitted, optima_table(fitted))[0].evidence


def test_its_recipe_has_the_experiments_own_steps_and_batches() -> None:
    layers = [
        yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))
        for file in ("config.yaml", "config/transfer.yaml")
    ]
    schema = ROOT / "workflow/schemas/config.schema.yaml"
    experiment = read_experiment(
        layers[0] | layers[1], schema, base=layers[0], given=layers[1].keys()
    )
    found = settings(experiment, ["experiment_recipe", "widths"])
    assert found["experiment_recipe"]["steps"] == 79
    assert found["experiment_recipe"]["batch_size"] == 64
    assert found["experiment_recipe"]["layer"] == "dense"
    assert found["widths"][-1] == 1024


def small() -> tuple[Recipe, range]:
    return builders.recipe(steps=4, batch_size=4, snapshots=2, learning_rate=ETA), range(2)


def test_trainings_are_those_of_the_experiment_at_other_rates() -> None:
    data = builders.dataset(samples=12)
    data = replace(data, probe_inputs=data.train_inputs[:5])
    recipe, seeds = small()
    table = transfer_table(data, "µP", SCHEMES["µP"], [16, 32], seeds, recipe)
    assert list(table) == list(COLUMNS)
    assert set(table["loss"]) == set(LOSSES)
    assert set(optima_table(table)["width"]) == {16, 32}
    going = table[table["diverged"].isna()]
    assert going.drop(columns="diverged").notna().all(axis=None)
    assert table.loc[table["diverged"].notna(), "train_loss"].isna().all()
    row = going[(going["width"] == 32) & (going["loss"] == "cross_entropy")].iloc[-1]
    how = replace(recipe, loss="cross_entropy", learning_rate=float(row["learning_rate"]))
    record = train(data, SCHEMES["µP"], 32, seeds, how)
    seed = int(row["seed"])
    assert row["train_loss"] == record.curves["train_loss"][-1, seed]
    assert row["test_accuracy"] == record.curves["test_accuracy"][-1, seed]
    initial, change = record.initial[0, -1, seed], record.change[-1, 0, -1, seed]
    norms = np.linalg.norm(change, axis=0) / np.linalg.norm(initial, axis=0)
    assert row["feature_change"] == pytest.approx(norms.mean())
    grams = [np.linalg.eigvalsh(h.T @ h) for h in (initial, initial + change)]
    first, last = (values[0] / values.mean() for values in grams)
    assert row["retention"] == pytest.approx(last / first)


def test_the_rate_of_all_of_sps_weights_is_eta_over_n() -> None:
    data, width = builders.dataset(), 16
    recipe, seeds = small()
    constant = Scheme(SCHEMES["SP"].init_variance, (0, 0, 0))
    own = train(data, SCHEMES["SP"], width, seeds, recipe)
    same = train(data, constant, width, seeds, replace(recipe, learning_rate=ETA / width))
    np.testing.assert_allclose(
        own.curves["train_loss"], same.curves["train_loss"], rtol=1e-12, atol=0
    )


def test_a_panel_for_every_loss_and_scheme_with_its_optima() -> None:
    tables = [
        planted(lambda n: 2.0, lambda n: 40, scheme=scheme, loss=loss)
        for scheme in ("SP", "µP")
        for loss in LOSSES
    ]
    table = pd.concat(tables, ignore_index=True)
    drawn = figure.draw(table, optima_table(table))
    axes = drawn.axes
    assert [ax.get_title() for ax in axes[:3]] == ["SP, rate of its weights", "SP", "µP"]
    assert len(axes) == 6
    for ax, powers in zip(axes, [-1, 0, 0] * 2, strict=True):
        dots = [line.get_xdata() for line in ax.lines if line.get_marker() == "o"]
        expected = [2.0 * float(width) ** powers for width in WIDTHS]
        np.testing.assert_allclose(np.array(dots, dtype=float)[:, 0], expected, rtol=0.05)
    for part in (table[:0], table[table["width"] == 64], table[table["loss"] == "mse"]):
        assert isinstance(
            figure.draw(part, optima_table(table).merge(part[["width", "loss"]])), Figure
        )
