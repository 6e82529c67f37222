"""Pictures in few colours."""

from io import BytesIO

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from infwidth.drawing.palette import COLORS, reduced


def drawn() -> bytes:
    """A figure with a transparent background, lines, a band and a smooth image."""
    figure = Figure(figsize=(3, 2), facecolor="none")
    ax, beside = figure.subplots(1, 2)
    ax.plot([0, 1, 2], [1, 0, 1], label="a curve")
    ax.fill_between([0, 1, 2], 0.2, 0.8, alpha=0.3)
    ax.legend()
    beside.imshow(np.linspace(0, 1, 64).reshape(8, 8))
    content = BytesIO()
    figure.savefig(content, format="png", dpi=200, metadata={"Description": "what it shows"})
    return content.getvalue()


def test_it_is_much_smaller_and_looks_the_same() -> None:
    before = drawn()
    after = reduced(before)
    assert len(after) < len(before) / 2
    assert reduced(before) == after
    with Image.open(BytesIO(before)) as one, Image.open(BytesIO(after)) as other:
        assert (other.mode, other.size) == ("P", one.size)
        assert len(other.convert("RGB").getcolors(256) or ()) <= COLORS
        white = Image.new("RGBA", one.size, "white")
        colours = [
            np.asarray(image.convert("RGB"), dtype=float)
            for image in (Image.alpha_composite(white, one.convert("RGBA")), other)
        ]
    off = np.abs(colours[0] - colours[1])
    assert off.mean() < 1
    # Of a rare colour, too: no pixel is far off.
    assert off.max() < 15
    assert (colours[1][(colours[0] == 255).all(axis=2)] == 255).all()


def test_words_and_resolution_stay() -> None:
    with Image.open(BytesIO(reduced(drawn()))) as image:
        assert image.info["Description"] == "what it shows"
        assert round(image.info["dpi"][0]) == 200
