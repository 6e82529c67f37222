"""What is drawn of worlds stands in the row of what it is of."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import worlds
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from infwidth.drawing import style
from infwidth.measures.claims import CLAIMS
from infwidth.multiverse import figures
from infwidth.multiverse.figures import rows, specifications
from infwidth.multiverse.outcomes import Outcomes
from infwidth.multiverse.robustness import factors, shares

# Inches of a page less its margins, and room for a caption.
MOST_HEIGHT = 8.4
COUNT = 150
TITLES = {
    "variation": "feature_variation",
    "diversity": "feature_diversity",
    "space-time": "space_time",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = worlds.folder_of(tmp_path_factory.mktemp("worlds"), COUNT)
    shares.write(found)
    factors.write(found)
    return found


@pytest.fixture(scope="module")
def curve(folder: Path) -> Figure:
    return specifications.draw(folder)


def labels(ax: Axes) -> list[str]:
    """(group, name) of each row, from the top, as they are written."""
    groups = {
        round(text.xy[1]): text.get_text()  # type: ignore[attr-defined]
        for text in ax.texts
        if getattr(text, "xycoords", "") == ("axes fraction", "data")
        and text.get_position()[0] == -rows.MARGIN
    }
    found, group = [], ""
    for place, tick in enumerate(ax.get_yticklabels()):
        group = groups.get(place, group)
        found.append(f"{group}:{tick.get_text()}")
    return found


def marks(ax: Axes, count: int) -> pd.DataFrame:
    """The colour at the middle of each row (index) and world (column), as it is written."""
    image = ax.images[0]
    seen = np.asarray(image.cmap(image.norm(np.asarray(image.get_array()))))
    left, right, bottom, top = image.get_extent()
    assert (left, right, bottom, top) == (-0.5, count - 0.5, len(labels(ax)) - 0.5, -0.5)
    high, wide = (
        size / cells for size, cells in zip(seen.shape, (bottom + 0.5, count), strict=False)
    )
    return pd.DataFrame(
        [
            [
                tuple(seen[int((row + 0.5) * high), int((at + 0.5) * wide)][:3])
                for at in range(count)
            ]
            for row in range(round(bottom + 0.5))
        ],
        index=labels(ax),
    )


def test_every_world_has_its_outcomes_and_levels_in_their_rows(folder: Path, curve: Figure) -> None:
    above, middle, below = curve.axes
    table = pd.read_csv(folder / "worlds.csv", dtype=str)
    drawn, choices = marks(middle, COUNT), marks(below, COUNT)
    colours = {to_rgb(colour): word for word, colour in specifications.MARKS.items()}
    agrees, undecided, other, nothing = specifications.MARKS
    found = []
    for place in range(COUNT):
        outcomes = {name: colours[drawn.loc[name, place]] for name in drawn.index}
        dark = {name for name in choices.index if choices.loc[name, place] != (1, 1, 1)}
        found.append((tuple(outcomes.items()), tuple(sorted(dark))))
    expected = []
    for world in table.to_dict("records"):
        said = {}
        for scheme in worlds.SCHEMES:
            for title, column in TITLES.items():
                word = world[f"{scheme}:{column}"]
                if word in ("not yet moving", "diverged", "failed"):
                    said[f"{scheme}:{title}"] = nothing
                elif word in ("undetermined", "crossover", "unresolved"):
                    said[f"{scheme}:{title}"] = undecided
                else:
                    same = word in CLAIMS[scheme][column].by_any_rule
                    said[f"{scheme}:{title}"] = agrees if same else other
        has = {f"{name.replace('_', ' ')}:{world[name]}" for name in worlds.FACTORS}
        expected.append((tuple(said.items()), tuple(sorted(has))))
    # The same worlds, each with its own outcomes over its own choices, whatever their order.
    assert sorted(found) == sorted(expected)
    counts = [sum(word == agrees for _, word in outcomes) for outcomes, _ in found]
    assert counts == sorted(counts, reverse=True)
    line = above.patches[-1].get_data().values  # type: ignore[attr-defined]
    assert list(line) == counts
    assert {word for outcomes, _ in found for _, word in outcomes} == set(specifications.MARKS)


def test_what_matters_most_is_on_top_and_sorts_first(folder: Path) -> None:
    found = Outcomes.read(folder)
    agreement = found.agreement(found.names[0])
    levels = shares.levels_of(found)
    order, names = specifications.sorted_worlds(levels, agreement)
    assert sorted(order) == list(range(COUNT))
    assert set(names[:2]) == {"learning_rate", "hidden_layers"}
    assert names[-1] in ("loss", "probes")
    # Alike in their count, worlds with the same level of the first factor stand together.
    counts = agreement.sum(axis=1)
    first = levels[names[0]].astype(float)
    keys = [(-counts[world], first[world]) for world in order]
    assert keys == sorted(keys)


def test_shares_stand_in_their_fields(folder: Path) -> None:
    figure = figures.FIGURES["shares"](folder)
    ax = figure.axes[0]
    columns = [f"{scheme}:{column}" for scheme in worlds.SCHEMES for column in TITLES.values()]
    fields = {
        (
            round(float(text.get_position()[1])),
            round(float(text.get_position()[0])),
        ): text.get_text()
        for text in ax.texts
        if text.get_transform() == ax.transData
    }
    table = pd.read_csv(folder / "worlds.csv", dtype=str)
    told = {}
    for row, label in enumerate(labels(ax)):
        factor, level = label.split(":")
        if factor in ("reading", "theorem"):
            continue
        own = table if level == "all worlds" else table[table[factor.replace(" ", "_")] == level]
        for place, column in enumerate(columns):
            words = [w for w in own[column] if w not in ("not yet moving", "diverged", "failed")]
            same = sum(
                word in CLAIMS[column.split(":")[0]][column.split(":")[1]].by_any_rule
                for word in words
            )
            told[row, place] = f"{100 * same / len(words):.0f}" if words else None
            assert fields.get((row, place)) == told[row, place], (label, column)
    assert {"0", "100"} < set(told.values())
    by_reading = {label: row for row, label in enumerate(labels(ax)) if label.startswith("reading")}
    assert (
        fields[by_reading["reading:thresholds of Table 1"], columns.index("µP:feature_variation")]
        == "0"
    )
    assert "theorem:inside" in labels(ax)


def test_a_field_without_worlds_is_empty(tmp_path: Path) -> None:
    table, readings = worlds.outcomes(40)
    slow = table["learning_rate"] == "0.1"
    for one in (table, readings):
        one.loc[one["world"].isin(table.loc[slow, "world"]), "IP:space_time"] = "not yet moving"
        one.to_csv(tmp_path / ("worlds.csv" if one is table else "readings.csv"), index=False)
    shares.write(tmp_path)
    factors.write(tmp_path)
    ax = figures.FIGURES["shares"](tmp_path).axes[0]
    row, column = labels(ax).index("learning rate:0.1"), worlds.SCHEMES.index("IP") * 3 + 2
    assert (row, column) not in [
        (round(y), round(x)) for x, y in (text.get_position() for text in ax.texts[: 12 * 40])
    ]


@pytest.mark.parametrize("count", [3, 32])
def test_figures_of_few_worlds_are_saved(count: int, tmp_path: Path) -> None:
    found = worlds.folder_of(tmp_path, count)
    shares.write(found)
    factors.write(found)
    figures.save_all(found, "0" * 64)
    assert sorted(path.name for path in (found / "figures").iterdir()) == [
        f"{name}.{suffix}" for name in sorted(figures.FIGURES) for suffix in ("pdf", "png")
    ]


def test_a_figure_of_many_levels_is_at_most_a_page(tmp_path: Path) -> None:
    table, readings = worlds.outcomes(120)
    for name in ("samples", "batch", "init_std"):
        table.insert(1, name, [f"{place % 10}" for place in range(len(table))])
    table.to_csv(tmp_path / "worlds.csv", index=False)
    readings.to_csv(tmp_path / "readings.csv", index=False)
    shares.write(tmp_path)
    factors.write(tmp_path)
    for draw in figures.FIGURES.values():
        figure = draw(tmp_path)
        assert figure.get_figwidth() == style.TEXT_WIDTH
        assert figure.get_figheight() < MOST_HEIGHT
