import subprocess
import sys
import warnings
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from colorspacious import cspace_convert, deltaE
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from synthetic import Plan, write

from infwidth.drawing import style
from infwidth.measures.losses import ENDS
from infwidth.measures.reading import Measurements, curve, read
from infwidth.paper import figures
from infwidth.paper.figures import FIGURES

MANY = ("SP", "NTP", "IP", "µP", "mine", "yours", "theirs")
STEPS = (0, 1, 5, 20)
SMALL = Plan(widths=(64, 256, 1024), seeds=2, layers=2, steps=STEPS)
PLANS = {
    "single width": Plan(widths=(128,), seeds=2, layers=1, steps=STEPS),
    "single seed": Plan(seeds=1, layers=2, steps=STEPS),
    "2N > n everywhere": Plan(widths=(16, 32), seeds=2, layers=1, steps=STEPS, samples=20),
    "nothing resolved": Plan(widths=(64, 128), seeds=2, layers=1, steps=STEPS, floor=1e3),
    "many schemes, wide": Plan(MANY, widths=(64, 4096, 2**17), seeds=2, layers=5, steps=STEPS),
    "all IP diverged": Plan(
        widths=(64, 128, 256),
        seeds=2,
        layers=1,
        steps=STEPS,
        diverged=tuple(("IP", n, seed, 0) for n in (64, 128, 256) for seed in (0, 1)),
    ),
    "a seed diverged": Plan(
        widths=(64, 128, 256), seeds=3, layers=1, steps=STEPS, diverged=(("µP", 256, 1, 5),)
    ),
    "no training": Plan(widths=(64, 128), seeds=2, layers=1, steps=(0,)),
    "nothing left": Plan(
        schemes=("SP",), widths=(64,), seeds=1, layers=1, steps=(0, 1), diverged=(("SP", 64, 0, 0),)
    ),
}


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Measurements:
    return read(write(tmp_path_factory.mktemp("small"), SMALL))


def texts(figure: Figure) -> list[str]:
    found = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    for ax in figure.axes:
        legend = ax.get_legend()
        found += [text.get_text() for text in legend.get_texts()] if legend else []
        found += [text.get_text() for text in ax.texts]
    return found


def drawn(ax: Axes, scheme: str, marker: str | None = None) -> list[np.ndarray]:
    look = style.looks(MANY)[scheme]
    return [
        np.column_stack([np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)])
        for line in ax.lines
        if to_hex(line.get_color()) == look.color.lower()
        and line.get_marker() == (marker or look.marker)
        and (marker or line.get_linestyle() != "None")
        and len(np.asarray(line.get_xdata()))
    ]


@pytest.mark.parametrize("name", PLANS)
def test_every_figure_draws_whatever_is_missing(name: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measured = read(write(tmp_path, PLANS[name]))
        for figure_name, draw in FIGURES.items():
            figure = draw(measured)
            figure.savefig(tmp_path / f"{figure_name}.png", dpi=40)


def test_the_sweep_shows_geometric_means_of_the_last_layer_and_step(small: Measurements) -> None:
    figure = figures.width_sweep.draw(small)
    for ax, metric in zip(figure.axes, ("feature_change", "gram_min_eig"), strict=False):
        (line,) = drawn(ax, "NTP")
        for width, value in line:
            rows = [
                row[metric]
                for _, row in small.metrics.iterrows()
                if (row["scheme"], row["width"], row["step"]) == ("NTP", width, 20)
                and (row["layer"], row["kind"]) == (2, "h")
            ]
            assert len(rows) == 2
            assert value == pytest.approx(np.prod(rows) ** 0.5)


def test_the_sweep_legend_gives_the_fitted_power_of_scaling_csv(small: Measurements) -> None:
    fit = small.fit("feature_change", "SP", 2, "h")
    assert fit is not None
    figure = figures.width_sweep.draw(small)
    expected = f"SP −{abs(fit['exponent']):.2f} ± 0.02"
    assert expected in texts(figure)


def test_the_sweep_draws_laws_through_their_points_and_hollows_the_others(tmp_path: Path) -> None:
    measured = read(
        write(tmp_path, Plan(widths=(16, 64, 256, 1024, 4096), seeds=2, layers=1, steps=STEPS))
    )
    scaling = measured.scaling
    chosen = (scaling["metric"] == "feature_change") & (scaling["scheme"] == "IP")
    bent = scaling.assign(law=scaling["law"].where(~chosen, "crossover"))
    measured = replace(measured, scaling=bent)
    figure = figures.width_sweep.draw(measured)
    change, diversity = figure.axes[:2]
    laws = [line for line in change.lines if line.get_zorder() == 5]
    ranges = [[*map(float, np.asarray(line.get_xdata())[[0, -1]])] for line in laws]
    # The power that is refused is that of the largest three.
    assert ranges.count([256, 4096]) == 1
    assert ranges.count([16, 4096]) == len(measured.schemes) - 1
    assert "IP locally" in " ".join(texts(figure))
    fit = measured.fit("gram_min_eig", "µP", 1, "h")
    assert fit is not None
    left = sorted(measured.widths)[: -int(fit["widths"])]
    hollow = [
        [*np.asarray(line.get_xdata(), float)]
        for line in diversity.lines
        if line.get_markerfacecolor() == "white"
    ]
    assert left
    assert hollow.count(left) == len(measured.schemes)


def test_a_curve_ranges_over_seeds_and_marks_limits() -> None:
    table = pd.DataFrame(
        {
            "width": [8, 8, 16, 16, 32, 32, 64, 64],
            "gram_min_eig": [1.0, 4.0, 1.0, np.nan, np.nan, np.nan, np.nan, np.nan],
            "gram_mean_eig": 5.0,
            # The last is above the mean eigenvalue, which a least one cannot be.
            "resolution": [1e-2, 1e-2, 1e-2, 1e-2, np.nan, np.nan, 1e17, 1e17],
        }
    )
    points = curve(table, "gram_min_eig", "width")
    assert points.index.tolist() == [8, 16, 64]
    assert points["mean"].tolist() == pytest.approx([2.0, 0.1, 5.0])
    assert points["low"].tolist() == pytest.approx([1.0, 1e-2, 5.0])
    assert points["high"].tolist() == pytest.approx([4.0, 1.0, 5.0])
    assert points["upper"].tolist() == [False, True, True]


def test_unresolved_values_are_hollow_triangles_at_their_resolution(tmp_path: Path) -> None:
    plan = Plan(widths=(64, 128), seeds=2, layers=2, steps=STEPS, floor=1e-3)
    figure = figures.width_sweep.draw(read(write(tmp_path, plan)))
    diversity = figure.axes[1]
    assert drawn(diversity, "IP") == []
    (triangles,) = drawn(diversity, "IP", marker="v")
    assert triangles[:, 1].tolist() == pytest.approx([1e-3, 1e-3])
    assert any("below resolution" in text for text in texts(figure))


def test_diverged_runs_are_crossed_and_counted(tmp_path: Path) -> None:
    figure = figures.width_sweep.draw(read(write(tmp_path, PLANS["a seed diverged"])))
    (crosses,) = drawn(figure.axes[0], "µP", marker="x")
    assert crosses.tolist() == [[256, 1]]
    assert "diverged runs (µP: 1)" in texts(figure)


def test_empty_panels_say_so(tmp_path: Path) -> None:
    figure = figures.width_sweep.draw(read(write(tmp_path, PLANS["2N > n everywhere"])))
    assert [text.get_text() for text in figure.axes[2].texts] == ["no measurements"]


def test_the_papers_claims_stand_beside_the_curves(tmp_path: Path) -> None:
    plan = Plan(("SP", "IP", "µP", "mine"), widths=(64, 256, 1024), seeds=2, layers=1, steps=STEPS)
    figure = figures.width_sweep.draw(read(write(tmp_path, plan)))
    looked = style.looks(plan.schemes)
    found = [
        {
            (scheme, "stable" if line.get_marker() == "|" else "falls")
            for scheme, look in looked.items()
            for line in ax.lines
            if line.get_color() == look.color
            and line.get_linewidth() == 0.9
            and line.get_zorder() < 3
        }
        for ax in figure.axes
    ]
    assert found == [
        {("µP", "stable")},
        {("SP", "stable"), ("µP", "stable")},
        {("SP", "falls"), ("IP", "falls"), ("µP", "stable")},
    ]


def test_losses_end_in_accuracies_against_the_width(tmp_path: Path) -> None:
    plan = Plan(("SP", "µP"), widths=(64, 256, 1024), seeds=3, layers=1, steps=STEPS)
    measured = read(write(tmp_path, plan))
    figure = figures.losses.draw(measured)
    last = figure.axes[-4:]
    assert [ax.get_title() for ax in last] == [
        "Training accuracy", "Test accuracy", "Training loss", "Test loss",
    ]  # fmt: skip
    ending = measured.runs[(measured.runs["step"] == 20) & (measured.runs["scheme"] == "µP")]
    for ax, quantity in zip(last, ENDS, strict=True):
        (line,) = drawn(ax, "µP")
        values = np.log(ending[quantity]) if "loss" in quantity else ending[quantity]
        expected = values.groupby(ending["width"]).mean()
        expected = np.exp(expected) if "loss" in quantity else expected
        assert [*line[:, 0]] == [*expected.index]
        assert [*line[:, 1]] == pytest.approx([*expected])
        assert sorted(text.get_text() for text in ax.texts) == ["SP", "µP"]
    assert "range over 3 seeds; below, 95 % interval" in texts(figure)


def test_over_each_step_stands_how_many_cells_agree(tmp_path: Path) -> None:
    folder = write(tmp_path, SMALL)
    table = pd.read_csv(folder / "table1_steps.csv", dtype={"agrees": str})
    one = (table["scheme"] == "IP") & (table["column"] == "feature_diversity")
    table.loc[one & (table["step"] == 1), ["measured", "agrees"]] = ["crossover", "false"]
    table.to_csv(folder / "table1_steps.csv", index=False)
    figure = figures.table1_steps.draw(read(folder))
    (ax,) = figure.axes
    counts = [text.get_text() for text in ax.texts if "/" in text.get_text()]
    assert counts == ["11 / 12", "12 / 12", "12 / 12"]
    grounds = [to_hex(patch.get_facecolor()) for patch in ax.patches]
    assert len(grounds) == 12 * 3
    assert grounds.count("#ffffff") == 1
    assert "crossover" in texts(figure)
    # In grey: the grounds differ in lightness, and no two outcomes share a symbol.
    assert lightness("#ffffff") - lightness(figures.table1_steps.AGREES) > 15
    looks = [tuple(sorted(look.items())) for look in figures.table1_steps.SYMBOLS.values()]
    assert len(set(looks)) == len(looks)


def test_a_scheme_looks_the_same_whatever_stands_beside_it() -> None:
    alone, among = style.looks(["µP", "mine"]), style.looks([*MANY])
    assert alone["µP"] == among["µP"]
    assert alone["mine"] == among["mine"]
    assert len({look.color for look in among.values()}) == len(among)
    assert len({look.marker for look in among.values()}) == len(among)


def seen(color: str, deficiency: str) -> NDArray[np.float64]:
    """A colour as the colour-blind see it (Machado et al. 2009); sRGB."""
    vision = {"name": "sRGB1+CVD", "cvd_type": deficiency, "severity": 100}
    rgb: NDArray[np.float64] = np.clip(cspace_convert(to_rgb(color), vision, "sRGB1"), 0, 1)
    return rgb


def lightness(color: str) -> float:
    """What a grey print leaves of a colour: J' of CAM02-UCS, of 100."""
    return float(cspace_convert(to_rgb(color), "sRGB1", "CAM02-UCS")[0])


@pytest.mark.parametrize("deficiency", ["deuteranomaly", "protanomaly", "tritanomaly"])
def test_the_colour_blind_tell_the_schemes_apart(deficiency: str) -> None:
    for (name, look), (other, second) in combinations(style.KNOWN.items(), 2):
        pair = (seen(look.color, deficiency), seen(second.color, deficiency))
        assert deltaE(*pair, input_space="sRGB1") > 8, (name, other)


def test_a_grey_print_tells_schemes_apart() -> None:
    drawn_looks = [*style.KNOWN.values(), *style.SPARE]
    for look, other in combinations(drawn_looks, 2):
        assert look.marker != other.marker
        apart = abs(lightness(look.color) - lightness(other.color)) > 8
        assert apart or look.dashes != other.dashes, (look, other)


@pytest.mark.parametrize(
    ("widths", "expected"),
    [
        ((64,), ["64"]),
        ((64, 128, 256, 512, 1024, 2048, 4096), ["64", "256", "1024", "4096"]),
        ((100, 300, 5000), ["100", "300", "5000"]),
        ((1024, 2**20), ["$2^{10}$", "$2^{20}$"]),
    ],
)
def test_width_ticks_are_measured_widths(widths: tuple[int, ...], expected: list[str]) -> None:
    assert style.width_ticks(widths)[1] == expected


def test_saving_twice_gives_the_same_bytes(small: Measurements, tmp_path: Path) -> None:
    for name in ("first", "second"):
        style.save(figures.evolution.draw(small), tmp_path / name)
    for suffix in (".pdf", ".png"):
        first = (tmp_path / "first").with_suffix(suffix).read_bytes()
        assert first == (tmp_path / "second").with_suffix(suffix).read_bytes()


def test_figures_do_not_import_torch() -> None:
    code = "import sys, infwidth.paper.figures; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
