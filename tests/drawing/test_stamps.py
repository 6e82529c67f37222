"""The stamp of a figure changes with what it shows, and with nothing else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from infwidth.drawing import style
from infwidth.drawing.stamps import Stamp

CONFIG = "c0ffee" + "0" * 58
STEPS = np.arange(1.0, 6.0)


def draw(change: Callable[[Axes], object] = lambda ax: None, scale: float = 1.0) -> Figure:
    """Everything that figures are made of; the values are multiplied by `scale`."""
    values = scale * np.array([0.1, 0.2, np.nan, 0.4, 1e-9])
    with style.applied():
        figure = Figure(figsize=(4, 2))
        ax, other = figure.subplots(1, 2)
        ax.plot(STEPS, values, label="SP", color="#112233")
        ax.fill_between(STEPS, values, 2 * values)
        ax.scatter(STEPS, values, c=values)
        ax.bar(STEPS, values)
        ax.axhline(0.3 * scale)
        ax.text(2, 0.2, "words")
        ax.annotate("here", (2, 0.2), xytext=(3, 3), textcoords="offset points")
        ax.set_xlabel("step")
        ax.set_xticks([1, 3], ["one", "three"])
        ax.legend()
        other.imshow(np.arange(4.0).reshape(2, 2) * scale)
        change(ax)
    return figure


def legend_of(ax: Axes) -> Legend:
    legend = ax.get_legend()
    assert legend is not None
    return legend


CHANGES: dict[str, Callable[[Axes], object]] = {
    "a point": lambda ax: ax.lines[0].set_ydata([0.1, 0.2, np.nan, 0.4, 1e-5]),
    "a missing point": lambda ax: ax.lines[0].set_ydata([0.1, 0.2, 0.3, 0.4, 1e-9]),
    "a place": lambda ax: ax.lines[0].set_xdata([1.0, 2, 3, 4, 5.001]),
    "a colour": lambda ax: ax.lines[0].set_color("#112234"),
    "a marker": lambda ax: ax.lines[0].set_marker("x"),
    "a band": lambda ax: ax.collections[0].set_facecolor("red"),
    "a dot": lambda ax: ax.collections[1].set_offsets(np.ones((5, 2))),
    "a bar": lambda ax: ax.patches[0].set_height(0.11),  # type: ignore[attr-defined]
    "a word": lambda ax: ax.texts[0].set_text("word"),
    "where a word stands": lambda ax: ax.texts[0].set_position((2, 0.21)),
    "what words point at": lambda ax: setattr(ax.texts[1], "xy", (2, 0.21)),
    "an axis' end": lambda ax: ax.set_ylim(0, 1),
    "a scale": lambda ax: ax.set_yscale("symlog"),
    "an axis' name": lambda ax: ax.set_xlabel("epoch"),
    "a tick's name": lambda ax: ax.set_xticks([1, 3], ["one", "two"]),
    "a tick's place": lambda ax: ax.set_xticks([1, 4], ["one", "three"]),
    "a title": lambda ax: ax.set_title("title"),
    "a legend's word": lambda ax: legend_of(ax).get_texts()[0].set_text("µP"),
    "what is hidden": lambda ax: ax.lines[0].set_visible(False),
    "one more line": lambda ax: ax.axvline(1),
    "a panel within": lambda ax: ax.inset_axes((0.5, 0.5, 0.2, 0.2)),
    "an image": lambda ax: ax.figure.axes[1].images[0].set_data(np.zeros((2, 2))),
    "an image's place": lambda ax: ax.figure.axes[1].images[0].set_extent((0, 1, 0, 1)),
    "the figure's title": lambda ax: ax.figure.suptitle("title"),
}


def same(one: Figure, other: Figure) -> bool:
    return Stamp.of(one).shows_as(Stamp.of(other))


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_shown_counts(name: str) -> None:
    assert not same(draw(CHANGES[name]), draw())


@pytest.mark.parametrize(
    "change",
    [
        lambda ax: ax.figure.set_size_inches(5, 3),
        lambda ax: ax.texts[0].set_fontsize(5),
        # As another machine's logarithm would have it.
        lambda ax: ax.lines[0].set_ydata(ax.lines[0].get_ydata() * (1 + 1e-12)),
        # Not to be seen on a linear axis.
        lambda ax: ax.lines[0].set_ydata([0.1, 0.2, np.nan, 0.4, 2e-9]),
    ],
)
def test_what_is_not_shown_does_not_count(change: Callable[[Axes], object]) -> None:
    assert same(draw(change), draw())


def test_a_small_value_counts_where_it_is_seen() -> None:
    def logarithmic(value: float) -> Figure:
        def change(ax: Axes) -> None:
            ax.lines[0].set_ydata([0.1, 0.2, np.nan, 0.4, value])
            ax.set_yscale("log")
            ax.set_ylim(1e-10, 1)

        return draw(change)

    assert not same(logarithmic(1.001e-9), logarithmic(1e-9))
    assert same(logarithmic(1e-9 * (1 + 1e-12)), logarithmic(1e-9))


def test_swapped_values_count() -> None:
    def swap(ax: Axes) -> None:
        ax.lines[0].set_ydata([0.2, 0.1, np.nan, 0.4, 1e-9])

    assert not same(draw(swap), draw())


def test_all_values_count_together() -> None:
    assert not same(draw(scale=1.001), draw())
    assert same(draw(scale=1 + 1e-12), draw())


@pytest.mark.parametrize("config", [None, CONFIG])
def test_both_files_say_what_they_show(config: str | None, tmp_path: Path) -> None:
    style.save(draw(), tmp_path / "figure", config_sha256=config)
    stamps = [Stamp.read(tmp_path / f"figure{suffix}") for suffix in (".pdf", ".png")]
    for stamp in stamps:
        assert stamp is not None
        assert stamp.shows_as(Stamp.of(draw()))
        assert stamp.config == config
    first = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    style.save(draw(), tmp_path / "figure", config_sha256=config)
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == first


@pytest.mark.parametrize("stamp", [b"", b"infwidth words=%b numbers=x config=none" % (b"0" * 64)])
def test_other_files_say_nothing(stamp: bytes, tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    draw().savefig(path)
    path.write_bytes(path.read_bytes() + stamp)
    assert Stamp.read(path) is None
